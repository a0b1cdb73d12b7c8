// Watch together: films that nobody of a group has seen, with a reason for each person.

import { isName } from "./account.js";
import * as api from "./api.js";
import { button, h, icon } from "./dom.js";
import { wished } from "./filters.js";
import * as kept from "./kept.js";
import { Shelf } from "./shelf.js";
import { me, on, state } from "./state.js";
import { counted, titleOf } from "./titles.js";
import { strategyName, whyNotBetter } from "./words.js";

const K = 20;

export function togetherView() {
  const input = h("input", { id: "person", maxlength: 128, autocomplete: "off", placeholder: "A user name" });
  const people = h("ul", { class: "people", role: "list", "aria-label": "Who is watching" });
  const told = h("p", { class: "hint", role: "status" });
  const counts = new Map(); // user -> ratings
  let asked = false;

  const names = () => kept.read("together", [me()]);
  const who = (name) => (name === me() ? "you" : name);

  const shelf = new Shelf({
    title: "For all of you",
    why: (film) => film.for_each.map(reasonOf).join("\n"),
    by: (answer) => [...new Set(answer.members.map(strategyName))].join(", "),
    tell: (answer) => ["Each of you is ranked for alone, then the places are added up.", ...answer.members.filter((member) => member.fallback_reason)
      .map((member) => `For ${who(member.user_id)} it goes by ${strategyName(member)}: ${whyNotBetter(member.fallback_reason, who(member.user_id))}.`)].join(" "),
    ask: (cursor) => (asked && names().length > 1
      ? api.forAnybody({ ...wished(), users: names(), k: K, ...(cursor ? { cursor } : {}) }) : null),
  });

  function reasonOf({ user_id, place, because }) {
    const name = user_id === me() ? "You" : user_id;
    if (because.length) return `${name}: liked ${titleOf(because[0])}`;
    return `${name}: ${place ? `number ${place} of their list` : "not near the top of their list"}`;
  }

  async function count(name) {
    if (!counts.has(name)) counts.set(name, (await api.ratings(name, 1)).total);
  }

  function draw() {
    people.replaceChildren(...names().map((name) => h("li", { class: "person" },
      h("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1).toUpperCase()),
      h("span", {}, h("b", {}, name === me() ? `${state.name ?? "You"}` : name),
        h("span", { class: "hint" }, counts.has(name) ? (counts.get(name) ? counted(counts.get(name), "rating") : "nothing rated yet") : "…")),
      h("button", { type: "button", class: "round", "aria-label": `Remove ${name}`, click: () => set(names().filter((one) => one !== name)) }, icon("close")))));
    told.textContent = names().length < 2 ? "Add at least one more person." : "";
    find.disabled = names().length < 2;
  }

  async function set(now) {
    kept.write("together", now);
    draw();
    if (asked) void shelf.load();
    await Promise.all(now.map(count));
    draw();
  }

  function add(event) {
    event.preventDefault();
    const name = input.value.trim();
    if (!isName(name)) return;
    input.value = "";
    input.focus();
    if (!names().includes(name)) void set([...names(), name]);
  }

  const find = button("Find films", () => { asked = true; void shelf.load(); }, { class: "button" });
  const element = h("div", { class: "view" },
    h("div", { class: "view-head" }, h("div", {}, h("h1", {}, "Watch together"),
      h("p", { class: "lead" }, "Films that none of you has seen, with what speaks for each to every one of you."))),
    people,
    h("form", { class: "add-person", submit: add }, h("label", { for: "person" }, "Who else is watching?"), h("div", { class: "inline" }, input, h("button", { class: "plain" }, "Add person"), find)),
    told, shelf.element);
  on("user", () => { kept.write("together", null); counts.clear(); asked = false; });
  on("stale", () => { counts.delete(me()); });
  return { element, title: "Watch together", show: () => set(names()) };
}
