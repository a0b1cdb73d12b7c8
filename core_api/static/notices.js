// Two lines at the head of the page: whether the server can be reached and what waits for it, and how far its
// preparation is. Both are quiet when all is well.

import * as api from "./api.js";
import { button, byId } from "./dom.js";
import * as outbox from "./outbox.js";
import { emit } from "./state.js";
import { counted } from "./titles.js";

const LOST_MS = 2000;
const PREPARING_MS = 1000;
const CALM_MS = 15_000;

let reachable = true;

export function heard(there) {
  if (there === reachable) return showConnection();
  reachable = there;
  showConnection();
  if (there) {
    outbox.retry();
    emit("stale");
  }
}

export function showConnection() {
  const line = byId("connection");
  const waiting = outbox.length();
  const text = reachable ? "" : `Marquee cannot be reached. ${waiting ? `${counted(waiting, "rating")} kept here and sent again until it answers.` : "Trying again."}`;
  if (line.dataset.text === text) return;
  line.dataset.text = text;
  line.hidden = !text;
  line.replaceChildren(text, " ", button("Try now", outbox.retry, { class: "link" }));
}

/** Asks how the server is, again and again. `onInfo` gets each answer. */
export async function follow(onInfo) {
  let wait = CALM_MS;
  try {
    const told = await api.info();
    const running = told.preparation.filter((step) => step.state === "running");
    showPreparation(running);
    onInfo(told, running.length > 0);
    if (running.length) wait = PREPARING_MS;
  } catch (error) {
    if (!(error instanceof api.Unreachable || error instanceof api.Problem)) throw error;
    wait = LOST_MS;
  }
  setTimeout(() => follow(onInfo), reachable ? wait : LOST_MS);
}

function showPreparation(running) {
  const line = byId("preparation");
  const text = running.map(({ step, done, total }) => `${step}${total ? `: ${Math.floor((100 * done) / total)} %` : " …"}`).join("; ");
  line.hidden = !text;
  const whole = text ? `Marquee works already, and is getting better: ${text}` : "";
  if (line.textContent !== whole) line.textContent = whole;
}
