// One film: what it is, why it was shown, what would change that, films like it, and recommendations for it.

import * as api from "./api.js";
import { address } from "./card.js";
import { cover } from "./cover.js";
import { button, h } from "./dom.js";
import { hideWithUndo, rate } from "./rating.js";
import { addTo } from "./sequence.js";
import { Shelf } from "./shelf.js";
import { starsFor } from "./stars.js";
import { me, on, remember, state, unhide, hidden } from "./state.js";
import { half, titleOf, yearOf } from "./titles.js";
import { whyNotBetter } from "./words.js";

const K = 20;

export function filmView() {
  let id = null;
  const about = h("article", { class: "film" });
  const recommended = new Shelf({
    title: "Recommended for this film",
    why: (_, answer) => (answer.models.length > 1 ? "Of its kind, with words in common, and to your taste" : "Of its kind, with words in common"),
    by: (answer) => answer.models.join(" and ") || answer.strategy,
    tell: (answer) => (answer.fallback_reason ? `Not by your taste, because ${whyNotBetter(answer.fallback_reason)}.` : "Films of its kind first, by the words for them and by the stars you would give."),
    ask: (cursor) => (cursor ? null : api.recommendedFor(id, { k: K, user_id: me(), exclude: hidden().map((film) => film.id) })),
  });
  const similar = new Shelf({
    title: "Similar films", note: false,
    why: (_, answer) => (answer.fallback_reason ? "Popular, of the same kind" : "About the same things"),
    ask: async (cursor) => (cursor ? null : { strategy: "neighbours", ...await api.similar(id, { k: K }) }),
  });
  const element = h("div", { class: "view" }, about, recommended.element, similar.element);

  function fact(film) {
    const ids = [film.imdb_id ? `IMDb ${film.imdb_id}` : null, film.tmdb_id ? `TMDB ${film.tmdb_id}` : null, `id ${film.id}`].filter(Boolean);
    return h("p", { class: "ids" }, ids.join(" · "));
  }

  async function recommend() {
    await recommended.load();
    recommended.element.scrollIntoView({ block: "nearest" });
    recommended.row.querySelector("a")?.focus({ preventScroll: true });
  }

  function draw(film) {
    const isHidden = hidden().some((one) => one.id === film.id);
    const hiding = button(isHidden ? "Show this film again" : "Hide this film", () => {
      if (isHidden) unhide(film.id);
      else hideWithUndo(film);
    }, { class: "plain" });
    const art = cover(film);
    about.style.setProperty("--ground", art.style.getPropertyValue("--ground"));
    about.replaceChildren(art, h("div", { class: "film-words" },
      h("h1", {}, titleOf(film), yearOf(film) ? h("span", { class: "film-year" }, ` ${yearOf(film)}`) : null),
      film.genres.length ? h("p", { class: "tags" }, ...film.genres.map((name) => h("span", { class: "tag" }, name))) : null,
      starsFor(film, true),
      h("div", { class: "acts" },
        button("Recommend", recommend, { class: "button" }),
        button("Add to sequence", () => addTo("sequence", film), { class: "plain" }),
        button("Add to avoided", () => addTo("avoid", film), { class: "plain" }),
        hiding),
      whyBox(film),
      film.tags.length ? h("p", { class: "tags quiet" }, ...film.tags.slice(0, 12).map((name) => h("span", { class: "tag" }, name))) : null,
      fact(film)));
  }

  function whyBox(film) {
    const reason = state.reasons.get(film.id);
    if (!reason) return null;
    const { answer } = reason;
    const carrying = (reason.film.because ?? []).filter((one) => state.ratings.has(one.id));
    const changes = carrying.map((one) => h("li", {}, h("a", { href: address(one) }, titleOf(one)), `, which you gave ${half(state.ratings.get(one.id))} `,
      button("Remove that rating", () => rate({ ...state.films.get(one.id), ...one }, null), { class: "link" })));
    return h("section", { class: "why-box", "aria-labelledby": "why-title" },
      h("h2", { id: "why-title" }, "Why it is here"),
      h("p", {}, `Number ${reason.place} of “${reason.shelf}”, ranked by ${reason.by}. ${reason.why.replaceAll("\n", "; ")}.`),
      answer.fallback_reason ? h("p", {}, `It is a simpler answer than it could be, because ${whyNotBetter(answer.fallback_reason)}.`) : null,
      h("h3", {}, "What would change it"),
      changes.length ? h("ul", {}, ...changes) : null,
      h("p", {}, changes.length ? "Lower or remove one of these, or hide the film." : "Rate films you like, or hide this one: every rating is in the next answer."));
  }

  async function load(now, recommending) {
    id = now;
    recommended.element.hidden = true;
    const known = state.films.get(id);
    if (known?.genres && known.tags) draw({ ...known, title: known.title });
    else about.replaceChildren(h("p", { class: "told" }, "…"));
    const [film] = await Promise.all([api.movie(now), similar.load()]);
    if (id !== now) return;
    remember([film]);
    draw(film);
    if (recommending) await recommend();
  }

  on("hidden", () => { if (id && state.films.has(id) && element.isConnected) draw(state.films.get(id)); });
  on("stale", () => {
    if (!element.isConnected || !id) return;
    if (!recommended.element.hidden) void recommended.load();
  });

  return {
    element,
    title: "Film",
    async show(now, act) {
      try {
        await load(now, act === "recommend");
      } catch (error) {
        if (!(error instanceof api.Problem)) throw error;
        about.replaceChildren(h("div", {}, h("h1", {}, "Not found"), h("p", {}, error.message)));
        similar.element.hidden = true;
      }
      return state.films.has(now) ? titleOf(state.films.get(now)) : null;
    },
  };
}
