// The calls that the page makes. Three ways they can end badly: Problem (the server's own sentence), Unreachable
// (worth trying again), and a missing API key, which is asked for once and then sent with every call.

import * as kept from "./kept.js";

const PATIENCE_MS = 10_000;
const PASSING = new Set([408, 429, 502, 503, 504]);

export class Problem extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export class Unreachable extends Error {}

let askForKey = async () => null;
let heard = () => {};

/** `ask` gives a key or null; `told` hears after every call whether the server was there. */
export function connect(ask, told) {
  askForKey = ask;
  heard = told;
}

let asking = null;
async function newKey(wrong) {
  asking ??= askForKey(wrong).finally(() => { asking = null; });
  return asking;
}

async function send(path, options) {
  const key = kept.read("key", null);
  const headers = { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...options.headers };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    heard(false);
    throw new Unreachable("Marquee cannot be reached");
  }
  heard(true);
  return { answer, key };
}

async function request(path, options = {}) {
  let { answer, key } = await send(path, options);
  while (answer.status === 401) {
    const now = kept.read("key", null);
    if (now === key && !(await newKey(key !== null))) throw new Problem(401, "Marquee needs an API key here");
    ({ answer, key } = await send(path, options));
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  const sentence = told.detail || told.title || `Marquee answered ${answer.status}`;
  if (PASSING.has(answer.status)) throw new Unreachable(sentence);
  throw new Problem(answer.status, sentence);
}

async function call(path, options) {
  const answer = await request(path, options);
  return answer.status === 204 ? null : answer.json();
}

const json = (method, body) => ({
  method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
});

/** What is null, empty or false is left away; lists become one value with commas. */
function query(given) {
  const told = Object.entries(given).filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  const text = new URLSearchParams(told.filter(([, value]) => !Array.isArray(value) || value.length).map(([name, value]) => [name, `${value}`])).toString();
  return text ? `?${text}` : "";
}

const user = (id) => `v1/users/${encodeURIComponent(id)}`;
const film = (id) => `v1/movies/${encodeURIComponent(id)}`;
const rating = (id, movie) => `${user(id)}/ratings/${encodeURIComponent(movie)}`;

export const info = () => call("v1/info");
export const genres = () => call("v1/genres");
export const years = () => call("v1/years");
export const search = (text, mode, k) => call(`v1/movies${query({ q: text, mode, k })}`);
export const movie = (id) => call(film(id));
export const similar = (id, wish) => call(`${film(id)}/similar${query(wish)}`);
export const recommendedFor = (id, wish) => call(`${film(id)}/recommendations${query(wish)}`);
export const forUser = (id, wish) => call(`${user(id)}/recommendations${query({ explain: true, ...wish })}`);
export const forAnybody = (wish) => call("v1/recommendations", json("POST", { explain: true, ...wish }));
export const ratings = (id, limit, cursor) => call(`${user(id)}/ratings${query({ limit, cursor })}`);
export const rate = (id, movie, stars) => call(rating(id, movie), json("PUT", { rating: stars }));
export const unrate = (id, movie) => call(rating(id, movie), { method: "DELETE" });
export const forget = (id) => call(user(id), { method: "DELETE" });
export const importFile = (id, file, commit, choices = new Map()) =>
  call(`${user(id)}/imports${query({ commit, filename: file.name })}${[...choices].map(([row, film]) => `&choose=${row}:${encodeURIComponent(film)}`).join("")}`, {
    method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file,
  });
export const exported = async (id, format) => (await request(`${user(id)}/export${query({ format })}`)).blob();
