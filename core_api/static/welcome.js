// The first minute: a name if one likes, then three films that one likes. Each rating changes the row below at once.

import { cover } from "./cover.js";
import { h } from "./dom.js";
import { createFinder } from "./finder.js";
import { state } from "./state.js";
import { half, titleOf } from "./titles.js";

const ENOUGH = 3;

export function welcome() {
  const slots = h("ol", { class: "slots", "aria-label": "Films you have rated" });
  const told = h("p", { class: "told", role: "status" });
  const finder = createFinder({ label: "Search a film you like", placeholder: "A film you like", k: 3 });
  const element = h("section", { class: "welcome", "aria-labelledby": "welcome-title", hidden: true },
    h("div", { class: "welcome-words" },
      h("h2", { id: "welcome-title" }, "Tell Marquee three films you like"),
      h("p", {}, "Search, give them stars, and watch the row below change with every one. No account is needed; a name (top right) brings your films back later."),
      finder.field),
    h("div", {}, slots, told), finder.found);

  function update() {
    const rated = [...state.ratings].slice(0, ENOUGH).reverse();
    element.hidden = state.ratings.size >= ENOUGH && !element.contains(document.activeElement);
    slots.replaceChildren(...Array.from({ length: ENOUGH }, (_, place) => slot(place, rated[place])));
    const left = ENOUGH - state.ratings.size;
    told.textContent = left > 0 ? `${left === ENOUGH ? "Three" : left === 2 ? "Two" : "One"} to go.` : "Thank you. Your row is below, and every further rating makes it better.";
  }

  function slot(place, rated) {
    if (!rated) return h("li", { class: "slot" }, h("span", {}, `${place + 1}`));
    const [id, stars] = rated;
    const film = state.films.get(id) ?? { id };
    return h("li", { class: "slot filled" }, cover(film), h("span", { class: "unseen" }, titleOf(film)), h("span", { class: "slot-stars" }, `${half(stars)} ★`));
  }

  return { element, update };
}
