// The home page: a welcome until three films are rated, then what to watch next, and shelves around it.

import * as api from "./api.js";
import { address } from "./card.js";
import { cover } from "./cover.js";
import { announce, debounced, h, icon, keepingFocus } from "./dom.js";
import { filterPanel, wished } from "./filters.js";
import { hideWithUndo } from "./rating.js";
import { Shelf } from "./shelf.js";
import { starsFor } from "./stars.js";
import { hidden, me, on, ratingsLoaded, state } from "./state.js";
import { listed, titleOf, yearOf } from "./titles.js";
import { welcome } from "./welcome.js";
import { because, strategyName } from "./words.js";

const K = 20;
const MOST_EXCLUDED = 900;
const LIKED = [4, 3.5, 3]; // what counts as liked: the first of these that anything reaches
const BECAUSE_SHELVES = 2;

const hiddenIds = () => hidden().map((film) => film.id);

const near = async (id, wish) => ({ strategy: "neighbours", ...await api.similar(id, wish) });

async function afterRatings(ask) {
  await ratingsLoaded();
  return ask();
}

function latestLiked() {
  for (const least of LIKED) {
    const liked = [...state.ratings].filter(([id, stars]) => stars >= least && state.films.has(id));
    if (liked.length) return liked.map(([id]) => state.films.get(id));
  }
  return [];
}

export function homeView() {
  let newSince = null; // the year from which films count as new here
  const feature = h("article", { class: "feature", hidden: true });
  const forUser = (more = {}) => (cursor) => api.forUser(me(), { ...wished(), k: K, exclude: hiddenIds(), cursor, ...more });

  const mine = new Shelf({ title: "For you", ask: (cursor) => forUser({ k: cursor ? K : K + 1 })(cursor), lead: true, onAnswer: showFeature,
    empty: "No film is left that passes your filters." });
  const popular = new Shelf({ title: "Popular", ask: (cursor) => afterRatings(() => (state.ratings.size ? forUser({ model: "popular" })(cursor) : null)) });
  const fresh = new Shelf({ title: "New", ask: askNew });
  const liked = Array.from({ length: BECAUSE_SHELVES }, (_, place) => becauseShelf(place));
  const shelves = [mine, ...liked, fresh, popular];

  function askNew(cursor) {
    const to = state.filters.year_to;
    if (!newSince || (to && to < newSince)) return null;
    fresh.rename(`New: since ${Math.max(newSince, state.filters.year_from ?? 0)}`);
    return forUser({ year_from: Math.max(newSince, state.filters.year_from ?? 0) })(cursor);
  }

  function becauseShelf(place) {
    let film;
    const shelf = new Shelf({
      title: "Because you liked a film",
      note: false,
      why: (_, answer) => (answer.fallback_reason ? `Popular, and of the same kind as ${titleOf(film)}` : `Much like ${titleOf(film)}`),
      ask: (cursor) => afterRatings(() => {
        film = latestLiked()[place];
        if (!film) return null;
        shelf.rename(`Because you liked ${titleOf(film)}`);
        const exclude = [...hiddenIds(), ...state.ratings.keys()].filter((id) => id !== film.id).slice(0, MOST_EXCLUDED);
        const { model, ...kinds } = wished();
        return cursor ? null : near(film.id, { ...kinds, exclude, k: K });
      }),
    });
    return shelf;
  }

  function showFeature(answer) {
    const [film] = answer.items;
    feature.hidden = !film;
    if (!film) return;
    if (feature.dataset.film === film.id) return;
    feature.dataset.film = film.id;
    const art = cover(film);
    feature.style.setProperty("--ground", art.style.getPropertyValue("--ground"));
    feature.style.setProperty("--letters", art.style.getPropertyValue("--letters"));
    const why = because(film, answer);
    keepingFocus(feature, () => feature.replaceChildren(
      h("div", { class: "feature-art" }, cover(film)),
      h("a", { class: "feature-cover", href: address(film), tabindex: -1, "aria-hidden": "true" }, art),
      h("div", { class: "feature-words" },
        h("p", { class: "kicker" }, answer.history_length ? "Your next film" : "To begin with"),
        h("h3", {}, h("a", { href: address(film), "data-focus": `film-${film.id}` }, titleOf(film))),
        h("p", { class: "feature-about" }, [yearOf(film), listed(film.genres.slice(0, 3))].filter(Boolean).join(" · ")),
        h("p", { class: "feature-why" }, why, h("span", { class: "by" }, h("span", { class: "unseen" }, "Ranked by "), strategyName(answer))),
        h("div", { class: "feature-acts" }, starsFor(film, true),
          h("a", { class: "button", href: `${address(film)}/recommend` }, "Recommend"),
          h("button", { type: "button", class: "plain", click: () => hideWithUndo(film) }, icon("hide"), "Hide")))));
  }

  const filters = filterPanel();
  const first = welcome();
  const element = h("div", { class: "view home" },
    h("h1", { class: "unseen" }, "What to watch next"), first.element, filters.element, mine.element, ...shelves.slice(1).map((shelf) => shelf.element));
  mine.row.before(feature);

  const load = debounced(async () => {
    const known = mine.answer?.history_length;
    first.update();
    await Promise.all(shelves.map((shelf) => shelf.load()));
    const now = mine.answer?.history_length;
    if (known !== undefined && now !== known) announce("Your shelves are up to date.");
  }, 30);

  for (const name of ["stale", "hidden"]) on(name, load);
  on("filters", () => { filters.tell(); load(); });
  on("ratings", () => first.update());

  return {
    element,
    title: "Marquee",
    show: load,
    /** What the catalogue offers: asked for again when the preparation has changed it. */
    async choices(models) {
      const [known, years] = await Promise.all([api.genres(), api.years()]);
      newSince = years.new_since;
      filters.choices(known.genres, years, models);
      await fresh.load();
    },
  };
}
