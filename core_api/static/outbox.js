// Ratings on their way to the server. Each waits in the browser's storage until the server has acknowledged it, so a
// cut network or a closed page loses nothing. Of one film only the last wish is kept: it is sent again and again until
// it is answered, and since it says what shall be ("4 stars", "no rating"), repeating it doubles nothing.

import * as api from "./api.js";
import * as kept from "./kept.js";

const SOONEST_MS = 500;
const LATEST_MS = 8000;

let told = () => {};
let sending = false;
let wait = SOONEST_MS;
let timer = null;

const all = () => kept.read("outbox", []);
const same = (one, other) => one.user === other.user && one.movie === other.movie;

/** `hear` is called with what happened: {sent}, {refused, sentence}, or {} when something waits or no longer does. */
export function listen(hear) {
  told = hear;
  addEventListener("online", retry);
  void flush();
}

export const waiting = (user) => all().filter((entry) => entry.user === user);
export const length = () => all().length;

/** Stars from 0 to 5, or null to take the rating away. */
export function put(user, movie, stars) {
  const entry = { user, movie, stars, token: `${Date.now()}.${Math.random()}` };
  kept.write("outbox", [...all().filter((other) => !same(entry, other)), entry]);
  void flush();
}

export function forgetUser(user) {
  kept.write("outbox", all().filter((entry) => entry.user !== user));
}

/** Now, whatever the next try was waiting for. */
export function retry() {
  wait = SOONEST_MS;
  clearTimeout(timer);
  timer = null;
  void flush();
}

async function flush() {
  if (sending || timer) return;
  sending = true;
  try {
    for (let entry = all()[0]; entry; entry = all()[0]) {
      await deliver(entry);
      wait = SOONEST_MS;
    }
  } catch (error) {
    if (!(error instanceof api.Unreachable)) throw error;
    timer = setTimeout(() => { timer = null; void flush(); }, wait);
    wait = Math.min(2 * wait, LATEST_MS);
    told({});
  } finally {
    sending = false;
  }
}

async function deliver(entry) {
  try {
    if (entry.stars === null) await api.unrate(entry.user, entry.movie);
    else await api.rate(entry.user, entry.movie, entry.stars);
  } catch (error) {
    if (error instanceof api.Unreachable) throw error;
    if (!(error instanceof api.Problem)) throw error;
    if (error.status === 401) throw new api.Unreachable(error.message);
    drop(entry);
    if (error.status === 404 && entry.stars === null) told({ sent: entry }); // it was gone already
    else told({ refused: entry, sentence: error.message });
    return;
  }
  drop(entry);
  told({ sent: entry });
}

/** Unless a later wish for the same film has taken its place meanwhile. */
const drop = (entry) => kept.write("outbox", all().filter((other) => other.token !== entry.token));
