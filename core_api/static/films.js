// What the person has rated, to look through, change and take away; what they hid; and their data: in, out, gone.

import * as api from "./api.js";
import { line } from "./card.js";
import { button, h, keepingFocus } from "./dom.js";
import { forgetMe, importing, saveExport } from "./mydata.js";
import { hidden, me, on, unhide } from "./state.js";
import { counted, titleOf } from "./titles.js";

const PAGE = 40;

export function filmsView() {
  const list = h("ul", { class: "lines wide", role: "list", "aria-label": "Your ratings" });
  const told = h("p", { class: "told" });
  const more = button("Show more", () => load(next), { class: "plain" });
  const away = h("section", { hidden: true });
  let next = null;
  let asked = 0;

  function row(rating) {
    const { movie_id: id, year, genres } = rating;
    return line({ id, year, genres, title: rating.title ?? `Film ${id}, which is not in the catalogue` });
  }

  async function load(cursor = null) {
    const mine = ++asked;
    const page = await api.ratings(me(), PAGE, cursor);
    if (mine !== asked) return;
    told.textContent = page.total ? `${counted(page.total, "film")} rated, newest first.` : "You have not rated anything yet.";
    next = page.next;
    more.hidden = !next;
    keepingFocus(element, () => {
      if (cursor === null) list.replaceChildren(...page.items.map(row));
      else list.append(...page.items.map(row));
    });
  }

  function drawHidden() {
    const films = hidden();
    away.hidden = !films.length;
    away.replaceChildren(h("h2", {}, "Hidden films"), h("ul", { class: "plain-list" }, ...films.map((film) => h("li", {}, titleOf(film), " ",
      button("Show again", () => unhide(film.id), { class: "link", "aria-label": `Show ${titleOf(film)} again` })))));
  }

  const element = h("div", { class: "view" },
    h("div", { class: "view-head" }, h("div", {}, h("h1", {}, "Your films"), told),
      h("div", { class: "acts" },
        button("Import …", () => importing(), { class: "button" }),
        button("Export for Letterboxd", () => saveExport("letterboxd"), { class: "plain" }),
        button("Export as JSON", () => saveExport("json"), { class: "plain" }),
        button("Forget me …", forgetMe, { class: "plain danger" }))),
    list, more, away);

  on("hidden", drawHidden);
  on("stale", () => { if (element.isConnected) void load(); });
  return { element, title: "Your films", show: () => { drawHidden(); return load(); } };
}
