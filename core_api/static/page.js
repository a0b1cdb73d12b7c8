// The page: which view the address names, who hears what, and the first questions to the server.

import { account, askForKey } from "./account.js";
import * as api from "./api.js";
import { byId } from "./dom.js";
import { filmView } from "./film.js";
import { filmsView } from "./films.js";
import { homeView } from "./home.js";
import { follow, heard, showConnection } from "./notices.js";
import * as outbox from "./outbox.js";
import { searchView } from "./search.js";
import { sequenceView } from "./sequence.js";
import { emit, loadRatings, on, setStars, state } from "./state.js";
import { toast } from "./toasts.js";
import { togetherView } from "./together.js";

api.connect(askForKey, heard);
account();

const VIEWS = { film: filmView, films: filmsView, search: searchView, sequence: sequenceView, together: togetherView, home: homeView };
const made = {}; // views that were shown once; they keep what they show
const places = {}; // how far each was scrolled
let present = null;

const view = (name) => (made[name] ??= VIEWS[name]());

function parsed() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  return name in VIEWS ? [name, rest.map(decodeURIComponent)] : ["home", []];
}

function go() {
  const [name, rest] = parsed();
  const now = view(name);
  const moved = now !== present;
  if (present) places[Object.keys(made).find((key) => made[key] === present)] = scrollY;
  present = now;
  document.title = now.title === "Marquee" ? "Marquee" : `${now.title} · Marquee`;
  if (moved) byId("main").replaceChildren(now.element);
  for (const tab of byId("tabs").children) {
    if (tab.dataset.view === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  if (name !== "search") query.value = "";
  const shown = now.show(...rest);
  if (!now.keepsFocus && settled) byId("main").focus({ preventScroll: true });
  if (!now.keepsFocus) scrollTo(0, moved && name !== "film" ? places[name] ?? 0 : 0);
  Promise.resolve(shown).then((title) => { if (typeof title === "string" && present === now) document.title = `${title} · Marquee`; }).catch(report);
}

function report(error) {
  if (error instanceof api.Unreachable) return; // said at the head of the page
  if (error instanceof api.Problem) toast(error.message);
  else throw error;
}
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof api.Unreachable || event.reason instanceof api.Problem)) return;
  event.preventDefault();
  report(event.reason);
});

const query = byId("query");
const searchFor = (text) => {
  const address = `#/search/${encodeURIComponent(text)}`;
  if (!text) location.hash = "#/";
  else if (parsed()[0] === "search") { history.replaceState(null, "", address); view("search").show(text); }
  else location.hash = address;
};
query.addEventListener("input", () => searchFor(query.value.trim()));
byId("find").addEventListener("submit", (event) => { event.preventDefault(); searchFor(query.value.trim()); });
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, textarea, select") || document.querySelector("dialog")) return;
  event.preventDefault();
  query.focus();
});

outbox.listen(({ sent, refused, sentence }) => {
  showConnection();
  if (refused) {
    toast(`Not stored: ${sentence}`);
    setStars(refused.movie, null);
    loadRatings(outbox.waiting).catch(report);
  }
  if (sent && !outbox.length()) emit("stale");
});

let prepared = null; // models and films when the choices were last asked for
function onInfo(told, preparing) {
  state.threshold = told.strategies.model_threshold;
  state.posters = told.poster_url ?? null;
  const now = JSON.stringify([told.models?.map((model) => [model.name, model.version, model.active]), told.counts.movies]);
  if (now === prepared || (preparing && prepared !== null)) return;
  const again = prepared !== null;
  prepared = now;
  view("home").choices(told.models).catch(report);
  if (again) emit("stale");
}

let settled = false;
on("user", () => loadRatings(outbox.waiting).then(() => emit("stale")).catch(report));
addEventListener("hashchange", go);
loadRatings(outbox.waiting).catch(report);
go();
settled = true;
void follow(onInfo);
