// Search a film, rate it, see the recommendations change. All text goes in through textContent.

import * as api from "./api.js";

const at = (id) => document.getElementById(id);
const REASONS = {
  no_history: "you have not rated anything yet",
  nothing_liked: "you have not liked anything yet",
  no_vectors: "the films you rated have no vectors yet",
  nothing_left: "there is nothing else left",
  no_recommender: "no recommender is set up",
  model_training: "the model is still being trained",
  model_unavailable: "no model is ready",
  recommender_unavailable: "the recommender does not answer",
  deadline: "the model took too long",
};
const STRATEGIES = {
  popular: "Popular films",
  neighbours: "Films near to those you liked",
  model: "Ranked by a model of what people watch",
};

let user = localStorage.getItem("user") || `visitor-${crypto.randomUUID?.() ?? Date.now()}`;
let stars = new Map(); // of the films rated, by id

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function guarded(work) {
  try {
    at("problem").hidden = true;
    return await work();
  } catch (error) {
    at("problem").textContent = error.message;
    at("problem").hidden = false;
  }
}

function starsFor(film) {
  const box = element("div");
  const slider = element("input", undefined, "stars");
  const given = stars.get(film.id);
  Object.assign(slider, { type: "range", min: 0, max: 5, step: 0.5, value: given ?? 0 });
  slider.setAttribute("aria-label", `Your rating of ${film.title}`);
  const value = element("span", given === undefined ? " not rated" : ` ${given} of 5`, "value");
  slider.addEventListener("input", () => { value.textContent = ` ${slider.value} of 5`; });
  slider.addEventListener("change", () => guarded(async () => {
    await api.rate(user, film.id, Number(slider.value));
    await refresh();
  }));
  box.append(slider, value);
  return box;
}

function filmLine(film, ...more) {
  const line = element("li");
  line.append(element("strong", film.title));
  if (film.genres?.length) line.append(element("div", film.genres.join(", "), "quiet"));
  line.append(...more);
  return line;
}

function showRated(page) {
  stars = new Map(page.items.map((row) => [row.movie_id, row.rating]));
  at("rated").replaceChildren(...page.items.map((row) => {
    const film = { id: row.movie_id, title: row.title ?? `Film ${row.movie_id} (not in the catalogue)` };
    const remove = element("button", "Take back");
    remove.addEventListener("click", () => guarded(async () => {
      await api.unrate(user, film.id);
      await refresh();
    }));
    return filmLine(film, starsFor(film), remove);
  }));
  if (!page.items.length) at("rated").append(element("li", "None yet.", "quiet"));
}

function showRecommended(answer) {
  const why = answer.fallback_reason ? `, because ${REASONS[answer.fallback_reason] ?? answer.fallback_reason}` : "";
  const model = answer.model ? ` (${answer.model})` : "";
  at("ranked-by").textContent = `${STRATEGIES[answer.strategy]}${model}${why}. ${answer.history_length} ${answer.history_length === 1 ? "film" : "films"} rated.`;
  at("recommended").replaceChildren(...answer.items.map((film) => {
    const liked = film.because.map((other) => other.title).join("; ");
    return filmLine(film, ...(liked ? [element("div", `because of ${liked}`, "quiet")] : []), starsFor(film));
  }));
}

async function refresh() {
  const [rated, recommended] = await Promise.all([api.ratings(user), api.recommendations(user)]);
  showRated(rated);
  showRecommended(recommended);
  showFound();
}

let typed = 0;
let found = [];
async function search() {
  const mine = ++typed;
  const text = at("query").value.trim();
  const answer = text ? await api.search(text) : { items: [] };
  if (mine !== typed) return; // a later search is under way
  found = answer.items;
  showFound();
}

function showFound() {
  at("found").replaceChildren(...found.map((film) => filmLine(film, starsFor(film))));
}

let preparing = false;
async function showPreparation() {
  try {
    const { preparation } = await api.info();
    const running = preparation.filter((step) => step.state === "running");
    at("preparation").hidden = !running.length;
    at("preparation").textContent = running
      .map((step) => `${step.step}${step.total ? `: ${Math.floor((100 * step.done) / step.total)} %` : " …"}`)
      .join("; ");
    if (preparing && !running.length) await refresh(); // what ended may have made the answers better
    preparing = running.length > 0;
  } finally {
    setTimeout(() => guarded(showPreparation), preparing ? 1000 : 10000); // between two steps none is running
  }
}

at("who").addEventListener("submit", (event) => {
  event.preventDefault();
  user = at("user").value;
  localStorage.setItem("user", user);
  guarded(refresh);
});
let pause;
at("query").addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => guarded(search), 150);
});
at("user").value = user;
localStorage.setItem("user", user);
guarded(refresh);
guarded(showPreparation);
