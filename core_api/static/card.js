// A film as a card on a shelf, and as a line in a list.

import { cover } from "./cover.js";
import { h, icon } from "./dom.js";
import { hideWithUndo } from "./rating.js";
import { starsFor } from "./stars.js";
import { listed, titleOf, yearOf } from "./titles.js";

export const address = (film) => `#/film/${encodeURIComponent(film.id)}`;

/** `why` is the sentence that says why it is there, `by` the name of what ranked it. */
export function card(film, { why, by, hideable = true } = {}) {
  const title = titleOf(film);
  const year = yearOf(film);
  return h("li", { class: "card", "data-film": film.id },
    h("a", { class: "card-link", href: address(film), "data-focus": `film-${film.id}` }, cover(film),
      h("span", { class: "card-title" }, title, year ? h("span", { class: "card-year" }, ` ${year}`) : null)),
    why ? h("p", { class: "why", title: why }, why) : null,
    by ? h("p", { class: "by", title: `Ranked by: ${by}` }, h("span", { class: "unseen" }, "Ranked by "), by) : null,
    starsFor(film),
    hideable ? h("button", {
      type: "button", class: "round hide", "data-focus": `hide-${film.id}`, title: "Hide this film",
      "aria-label": `Hide ${title}`, click: () => hideWithUndo(film),
    }, icon("hide")) : null);
}

/** With a small cover, and its stars or what `actions` there are instead. */
export function line(film, ...actions) {
  const title = titleOf(film);
  const about = [yearOf(film) || null, film.genres?.length ? listed(film.genres.slice(0, 3)) : null].filter(Boolean).join(" · ");
  return h("li", { class: "line", "data-film": film.id },
    h("a", { class: "line-link", href: address(film), "data-focus": `film-${film.id}` }, cover(film),
      h("span", {}, h("span", { class: "line-title" }, title), h("span", { class: "line-about" }, about))),
    h("div", { class: "line-acts" }, ...(actions.length ? actions : [starsFor(film)])));
}
