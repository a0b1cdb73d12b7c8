// A row of films under a heading. It asks for its films itself, keeps focus and place when they change, and goes on
// with "More" where the server gives a cursor. A later question makes the answer to an earlier one void.

import * as api from "./api.js";
import { card } from "./card.js";
import { announce, button, h, icon, keepingFocus } from "./dom.js";
import { remember, state } from "./state.js";
import { titleOf } from "./titles.js";
import { because, rankedBy, strategyName } from "./words.js";

let made = 0;

/** `ask(cursor)` gives an answer of the API, or null for a shelf that shall not be there; `why(film, answer)` may
 * say better why a film is there; `onAnswer` sees each first page; `lead` leaves the first film to its caller. */
export class Shelf {
  constructor({ title, ask, note = true, why = because, by = strategyName, tell = rankedBy, onAnswer = () => {}, lead = false, empty = "Nothing to show." }) {
    Object.assign(this, { title, ask, why, by, tell, onAnswer, lead, note, empty });
    this.answer = null;
    this.films = [];
    this.asked = 0;
    const id = `shelf-${++made}`;
    this.heading = h("h2", { id }, title);
    this.told = h("p", { class: "told" });
    this.row = h("ul", { class: "row", role: "list", "aria-labelledby": id });
    this.element = h("section", { class: "shelf", "aria-labelledby": id },
      h("div", { class: "shelf-head" }, h("div", {}, this.heading, this.told),
        h("div", { class: "turns" },
          h("button", { type: "button", class: "round", "aria-label": `${title}: back`, click: () => this.turn(-1) }, icon("left")),
          h("button", { type: "button", class: "round", "aria-label": `${title}: on`, click: () => this.turn(1) }, icon("right")))),
      this.row);
    this.element.hidden = true;
    this.element.addEventListener("click", (event) => this.opened(event.target.closest("a")?.closest("[data-film]")));
  }

  /** A film's page says why it was in the shelf that it was opened from. */
  opened(shown) {
    const place = this.films.findIndex((film) => film.id === shown?.dataset.film);
    const film = this.films[place];
    if (film) state.reasons.set(film.id, { shelf: this.heading.textContent, place: place + 1, film, answer: this.answer, why: this.why(film, this.answer), by: this.by(this.answer) });
  }

  turn(direction) {
    this.row.scrollBy({ left: direction * this.row.clientWidth * 0.85 });
  }

  rename(title) {
    this.heading.textContent = title;
  }

  async load() {
    const mine = ++this.asked;
    this.element.setAttribute("aria-busy", "true");
    try {
      const answer = await this.ask(null);
      if (mine !== this.asked) return;
      this.show(answer);
    } catch (error) {
      if (mine !== this.asked || error instanceof api.Unreachable) return; // what is shown stays; the page says so
      this.element.hidden = false;
      this.told.textContent = error.message;
      this.row.replaceChildren();
    } finally {
      if (mine === this.asked) this.element.removeAttribute("aria-busy");
    }
  }

  show(answer) {
    this.answer = answer;
    this.element.hidden = answer === null;
    if (answer === null) return;
    this.films = answer.items;
    this.onAnswer(answer);
    this.told.textContent = this.note ? this.tell(answer, state.threshold) : "";
    this.draw();
  }

  draw() {
    remember(this.films);
    const shown = this.lead ? this.films.slice(1) : this.films;
    const old = new Map([...this.row.children].map((one) => [one.dataset.film, one]));
    keepingFocus(this.row, () => {
      const cards = shown.map((film) => this.cardOf(film, old.get(film.id)));
      this.row.replaceChildren(...cards, ...(this.answer.next ? [this.moreCard()] : []));
      if (!shown.length) this.row.append(h("li", { class: "nothing" }, this.empty));
    });
  }

  cardOf(film, old) {
    const why = this.why(film, this.answer);
    const by = this.by(this.answer);
    if (old && old.querySelector(".why")?.textContent === why && old.querySelector(".by")?.lastChild.textContent === by) return old;
    const fresh = card(film, { why, by });
    if (this.row.children.length) fresh.classList.add("fresh");
    return fresh;
  }

  moreCard() {
    return h("li", { class: "more" }, button("Show more", () => this.more(), { "data-focus": "more", "aria-label": `${this.heading.textContent}: show more` }));
  }

  async more() {
    const mine = ++this.asked;
    const before = this.films.length;
    const answer = await this.ask(this.answer.next);
    if (mine !== this.asked || answer === null) return;
    const known = new Set(this.films.map((film) => film.id));
    this.films = [...this.films, ...answer.items.filter((film) => !known.has(film.id))];
    this.answer = { ...this.answer, next: answer.next };
    this.draw();
    const first = this.films[before];
    if (!first) return;
    this.row.querySelector(`[data-focus="${CSS.escape(`film-${first.id}`)}"]`)?.focus();
    announce(`${this.films.length - before} more, beginning with ${titleOf(first)}`);
  }
}
