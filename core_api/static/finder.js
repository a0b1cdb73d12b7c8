// Search as you type: titles at once, and, a moment later, films that are about what was typed. One for the page's
// head, one in the welcome, one beside the sequence; each with its own buttons on the films found.

import * as api from "./api.js";
import { line } from "./card.js";
import { announce, debounced, h, keepingFocus } from "./dom.js";
import { remember } from "./state.js";
import { counted } from "./titles.js";
import { whyNotBetter } from "./words.js";

const TITLE_PAUSE_MS = 90;
const MEANING_PAUSE_MS = 260;
const SHORTEST_MEANING = 3;
let made = 0;

/** Two lists of what is found for a text; `modes` says which of them are wanted. */
export function foundLists({ k, actions = () => [], onFound = () => {} }) {
  const groups = {
    title: group("Titles"),
    semantic: group("By what they are about"),
  };
  const element = h("div", { class: "found" }, groups.title.element, groups.semantic.element);
  let modes = ["title", "semantic"];
  let text = "";
  let asked = 0;

  function group(name) {
    const list = h("ul", { class: "lines", role: "list", "aria-label": name });
    const note = h("p", { class: "told" });
    return { list, note, element: h("section", { hidden: true }, h("h3", {}, name), note, list) };
  }

  async function ask(mode, mine) {
    const wanted = text;
    try {
      const answer = await api.search(wanted, mode, k);
      if (mine === asked && wanted === text) fill(mode, answer);
    } catch (error) {
      if (error instanceof api.Problem && mine === asked) {
        groups[mode].element.hidden = false;
        groups[mode].note.textContent = error.message;
      }
    }
  }

  function fill(mode, answer) {
    const { list, note, element: section } = groups[mode];
    remember(answer.items);
    section.hidden = false;
    const twice = answer.mode !== mode && modes.includes(answer.mode); // titles stand in, and are there already
    const films = twice ? [] : answer.items;
    const why = answer.fallback_reason ? `Not now, because ${whyNotBetter(answer.fallback_reason)}${twice ? "" : ": by title instead"}.` : "";
    note.textContent = why || (films.length ? "" : "Nothing found.");
    keepingFocus(list, () => list.replaceChildren(...films.map((film) => line(film, ...actions(film)))));
    if (mode === "title" || modes.length === 1) announce(`${counted(films.length, "film")} found`);
    onFound();
  }

  const askTitle = debounced((mine) => ask("title", mine), TITLE_PAUSE_MS);
  const askMeaning = debounced((mine) => ask("semantic", mine), MEANING_PAUSE_MS);

  return {
    element,
    setModes(now) {
      modes = now;
      this.search(text);
    },
    search(now) {
      text = now.trim();
      asked += 1;
      const meaning = modes.includes("semantic") && text.length >= (modes.length === 1 ? 1 : SHORTEST_MEANING);
      if (!text || !modes.includes("title")) groups.title.element.hidden = true;
      if (!meaning) groups.semantic.element.hidden = true;
      if (text && modes.includes("title")) askTitle(asked);
      if (meaning) askMeaning(asked);
    },
  };
}

/** From the field down into what was found, and back. */
export function arrowsBetween(input, element) {
  const stops = () => [input, ...element.querySelectorAll(".line-link")].filter((one) => one.offsetParent !== null);
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.matches(".slider")) return;
    const all = stops();
    const here = all.findIndex((one) => one === event.target || (one !== input && one.closest("li")?.contains(event.target)));
    const next = all[here + step];
    if (here < 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
  input.addEventListener("keydown", move);
  element.addEventListener("keydown", move);
}

export function createFinder({ label, placeholder, k = 6, actions }) {
  const id = `finder-${++made}`;
  const input = h("input", { id, type: "search", maxlength: 200, autocomplete: "off", spellcheck: "false", placeholder });
  const lists = foundLists({ k, actions });
  input.addEventListener("input", () => lists.search(input.value));
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  arrowsBetween(input, lists.element);
  const field = h("div", { class: "finder" }, h("label", { for: id }, label), input);
  return { field, found: lists.element, element: h("div", { class: "view finder-view" }, field, lists.element) };
}
