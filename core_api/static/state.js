// Who is here, what they rated, what they hid, which filters are set; and who wants to hear when that changes.
// Events: user, ratings (a film's stars changed here), stale (the server knows something new), filters, hidden.

import * as api from "./api.js";
import * as kept from "./kept.js";

const events = new EventTarget();
export const on = (name, work) => events.addEventListener(name, (event) => work(event.detail));
export const emit = (name, detail) => events.dispatchEvent(new CustomEvent(name, { detail }));

const PAGE = 500;
const MOST_HIDDEN = 400; // they travel in the address of a request

export const NO_FILTERS = Object.freeze({ genres: [], year_from: null, year_to: null, diversity: 0, model: null });

export const state = {
  name: kept.read("user", null),
  ratings: new Map(), // film id -> stars of the present user, newest first
  films: new Map(), // film id -> the last that was told of it
  reasons: new Map(), // film id -> why it was last shown
  filters: { ...NO_FILTERS, ...kept.read("filters", {}) },
  threshold: 1, // ratings from which on a model ranks
  posters: null, // an address with {tmdb_id}, if the operator has set one
};

/** The user id of all calls: the name, or for a guest one that nobody else has. */
export function me() {
  if (state.name) return state.name;
  let guest = kept.read("guest", null);
  if (!guest) {
    const letters = crypto.getRandomValues(new Uint8Array(9));
    guest = `guest-${[...letters].map((byte) => byte.toString(36)).join("").slice(0, 12)}`;
    kept.write("guest", guest);
  }
  return guest;
}

export function signIn(name) {
  state.name = name;
  kept.write("user", name);
  emit("user");
}

export function signOut() {
  state.name = null;
  kept.write("user", null);
  kept.write("guest", null); // the next person here starts from nothing
  emit("user");
}

export function setFilters(change) {
  state.filters = { ...state.filters, ...change };
  kept.write("filters", state.filters);
  emit("filters");
}

export const hidden = () => kept.read(`hidden.${me()}`, []);

export function hide(film) {
  const others = hidden().filter((one) => one.id !== film.id);
  kept.write(`hidden.${me()}`, [...others, { id: film.id, title: film.title }].slice(-MOST_HIDDEN));
  emit("hidden");
}

export function unhide(id) {
  kept.write(`hidden.${me()}`, hidden().filter((one) => one.id !== id));
  emit("hidden");
}

export function remember(films) {
  for (const film of films) state.films.set(film.id, { ...state.films.get(film.id), ...film });
}

let loading = Promise.resolve();
/** Kept once they are there. */
export const ratingsLoaded = () => loading;

/** All ratings of the present user, with those that wait to be sent laid over them. */
export function loadRatings(waiting) {
  loading = readRatings(waiting);
  return loading;
}

async function readRatings(waiting) {
  const whose = me();
  const found = new Map();
  let cursor = null;
  do {
    const page = await api.ratings(whose, PAGE, cursor);
    for (const row of page.items) {
      found.set(row.movie_id, row.rating);
      if (row.title) remember([{ id: row.movie_id, title: row.title, year: row.year, genres: row.genres }]);
    }
    cursor = page.next;
  } while (cursor && whose === me());
  if (whose !== me()) return;
  state.ratings = found;
  for (const { movie, stars } of waiting(whose)) setStars(movie, stars);
  emit("ratings");
}

/** Here alone; null takes the rating away. */
export function setStars(movie, stars) {
  const others = [...state.ratings].filter(([id]) => id !== movie);
  state.ratings = new Map(stars === null ? others : [[movie, stars], ...others]);
}
