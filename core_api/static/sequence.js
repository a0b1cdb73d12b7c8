// The sequence demo: films in the order in which somebody liked them, films to avoid, and what should come next.

import * as api from "./api.js";
import { announce, button, h } from "./dom.js";
import { createFinder } from "./finder.js";
import * as kept from "./kept.js";
import { Shelf } from "./shelf.js";
import { on, emit, remember, state } from "./state.js";
import { listed, titleOf } from "./titles.js";
import { toast } from "./toasts.js";
import { missing, rankedBy } from "./words.js";

const EXAMPLE = { sequence: "95510,88140", avoid: "86332", k: "5" };
const EMPTY = { sequence: "", avoid: "", k: "10" };

const typed = () => ({ ...EMPTY, ...kept.read("sequence", {}) });
const ids = (text) => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];

/** From anywhere on the page. */
export function addTo(list, film) {
  remember([film]);
  const now = typed();
  const name = list === "avoid" ? "the avoided films" : "the sequence";
  if (ids(now[list]).includes(film.id)) {
    toast(`${titleOf(film)} is in ${name} already.`);
    return;
  }
  kept.write("sequence", { ...now, [list]: [...ids(now[list]), film.id].join(",") });
  emit("sequence");
  toast(`${titleOf(film)} added to ${name}.`, location.hash.startsWith("#/sequence") ? null : { text: "Go there", work: () => { location.hash = "#/sequence"; } });
}

export function sequenceView() {
  const field = (id, label, hint, props = {}) => {
    const input = h("input", { id, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-hint`, ...props });
    const told = h("p", { class: "hint", id: `${id}-hint` }, hint);
    return { input, told, hint, element: h("div", { class: "field" }, h("label", { for: id }, label), input, told) };
  };
  const sequence = field("sequence-ids", "Item sequence", "Film ids in the order in which they were liked, separated by commas.", { inputmode: "text" });
  const avoid = field("avoid-ids", "Avoided", "Never these, and less of what is like them.");
  const k = field("sequence-k", "K", "How many films.", { type: "number", min: 1, max: 1000, required: true });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const fields = { sequence, avoid, k };
  let wish = null;

  const answer = new Shelf({
    title: "What comes next",
    tell: (told) => rankedBy(told, 0),
    ask: (cursor) => (wish ? api.forAnybody({ ...wish, ...(cursor ? { cursor } : {}) }) : null),
    onAnswer: (told) => {
      const unknown = missing(told.unknown_movies ?? []);
      problem.hidden = !unknown;
      problem.textContent = unknown;
      announce(`${told.items.length} films. ${unknown}`);
    },
  });

  function fill() {
    for (const [name, value] of Object.entries(typed())) fields[name].input.value = value;
    tell();
  }

  function tell() {
    for (const one of [sequence, avoid]) {
      const known = ids(one.input.value).map((id) => state.films.get(id)).filter((film) => film?.title);
      one.told.textContent = known.length ? listed(known.map(titleOf)) : one.hint;
    }
  }

  function save() {
    kept.write("sequence", { sequence: sequence.input.value, avoid: avoid.input.value, k: k.input.value });
    tell();
  }

  async function submit(event) {
    event?.preventDefault();
    if (!form.reportValidity()) return;
    wish = { sequence: ids(sequence.input.value), avoid: ids(avoid.input.value), k: Number(k.input.value) };
    problem.hidden = true;
    answer.heading.textContent = wish.sequence.length ? "What comes next" : "What many people like";
    await answer.load();
    const unknown = new Set(answer.answer?.unknown_movies ?? []);
    const nameless = [...wish.sequence, ...wish.avoid].filter((id) => !unknown.has(id) && !state.films.get(id)?.title);
    remember(await Promise.all(nameless.slice(0, 20).map(api.movie)).catch(() => []));
    tell();
  }

  function set(values) {
    kept.write("sequence", values);
    problem.hidden = true;
    fill();
  }

  const form = h("form", { class: "sequence-form", submit, novalidate: true },
    sequence.element, avoid.element, k.element, problem,
    h("div", { class: "acts" },
      h("button", { class: "button" }, "Submit"),
      button("Clear form", () => { set(EMPTY); wish = null; void answer.load(); sequence.input.focus(); }, { class: "plain" }),
      button("Try this example", () => { set(EXAMPLE); }, { class: "plain" })));
  const finder = createFinder({
    label: "Find films for it", placeholder: "A title, or what it is about", k: 5,
    actions: (film) => [
      button("Add to sequence", () => addTo("sequence", film), { class: "small", "data-focus": `add-${film.id}`, "aria-label": `Add ${titleOf(film)} to sequence` }),
      button("Add to avoided", () => addTo("avoid", film), { class: "small", "data-focus": `avoid-${film.id}`, "aria-label": `Add ${titleOf(film)} to avoided` }),
    ],
  });
  const element = h("div", { class: "view" },
    h("div", { class: "view-head" }, h("div", {}, h("h1", {}, "Sequence"),
      h("p", { class: "lead" }, "Say what somebody watched and liked, in order, without an account; Marquee says what comes next."))),
    h("div", { class: "two" }, h("div", { class: "view" }, form, answer.element), finder.element));
  form.addEventListener("input", save);
  on("sequence", fill);
  return { element, title: "Sequence", show: fill };
}
