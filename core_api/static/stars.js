// Half stars from 0 to 5 for one film, by mouse, touch and keyboard. 0 is a rating; taking it away is the button beside.

import { h, icon } from "./dom.js";
import { rate } from "./rating.js";
import { on, state } from "./state.js";
import { half, stars as inWords, titleOf } from "./titles.js";

const IDLE_MS = 900; // after the last arrow key the value counts
const live = new Map(); // film id -> controls on the page

on("ratings", (id) => {
  for (const [film, controls] of id === null ? live : [[id, live.get(id) ?? new Set()]]) {
    for (const control of controls) {
      if (control.element.isConnected) control.show();
      else controls.delete(control);
    }
    if (!controls.size) live.delete(film);
  }
});

/** `big` for a film's own page. */
export function starsFor(film, big = false) {
  const title = titleOf(film);
  const five = h("span", { class: "five" });
  const value = h("output", { class: "value" });
  const slider = h("span", {
    class: "slider", role: "slider", tabindex: 0, "data-focus": `stars-${film.id}`,
    "aria-label": `Your rating of ${title}`, "aria-valuemin": 0, "aria-valuemax": 5,
  }, h("span", { class: "zero", title: "0 stars" }, "0"), five);
  const remove = h("button", {
    type: "button", class: "remove", "data-focus": `remove-${film.id}`, title: "Remove the rating",
    "aria-label": `Remove your rating of ${title}`, click: () => { slider.focus(); rate(film, null); },
  }, icon("close"));
  const element = h("div", { class: `stars${big ? " big" : ""}` }, slider, value, remove);

  let pending = null; // being chosen, not yet given
  let timer;
  const given = () => state.ratings.get(film.id);

  function show() {
    const now = pending ?? given();
    slider.style.setProperty("--stars", now ?? 0);
    slider.setAttribute("aria-valuenow", now ?? 0);
    slider.setAttribute("aria-valuetext", inWords(now));
    element.classList.toggle("rated", now !== undefined);
    element.classList.toggle("at-zero", now === 0);
    value.textContent = now === undefined ? "" : half(now);
    remove.hidden = given() === undefined;
  }

  function commit() {
    clearTimeout(timer);
    const chosen = pending;
    pending = null;
    if (chosen === null) return;
    rate(film, chosen);
    show();
  }

  function at(event) {
    const box = five.getBoundingClientRect();
    if (event.clientX < box.left - 1) return 0;
    return Math.min(5, Math.max(0.5, Math.ceil(((event.clientX - box.left) / box.width) * 10) / 2));
  }

  let held = false;
  slider.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    held = true;
    slider.setPointerCapture(event.pointerId);
    pending = at(event);
    show();
  });
  slider.addEventListener("pointermove", (event) => {
    if (!held && event.pointerType !== "mouse") return;
    if (held) {
      pending = at(event);
      show();
    } else {
      slider.style.setProperty("--stars", at(event));
      element.classList.add("trying");
      value.textContent = half(at(event));
    }
  });
  slider.addEventListener("pointerup", () => {
    if (!held) return;
    held = false;
    commit();
  });
  slider.addEventListener("pointercancel", () => { held = false; pending = null; show(); });
  slider.addEventListener("pointerleave", () => { element.classList.remove("trying"); if (!held) show(); });

  const STEPS = { ArrowRight: 0.5, ArrowUp: 0.5, ArrowLeft: -0.5, ArrowDown: -0.5 };
  slider.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const from = pending ?? given();
    if (event.key in STEPS) pending = Math.min(5, Math.max(0, (from ?? (STEPS[event.key] > 0 ? 0 : 0.5)) + STEPS[event.key]));
    else if (event.key === "Home") pending = 0;
    else if (event.key === "End") pending = 5;
    else if (/^[0-5]$/.test(event.key)) pending = Number(event.key);
    else if (event.key === "Enter" && pending !== null) { event.preventDefault(); commit(); return; }
    else if (event.key === "Escape" && pending !== null) { clearTimeout(timer); pending = null; show(); return; }
    else if ((event.key === "Delete" || event.key === "Backspace") && given() !== undefined) { pending = null; clearTimeout(timer); rate(film, null); return; }
    else return;
    event.preventDefault();
    show();
    clearTimeout(timer);
    timer = setTimeout(commit, IDLE_MS);
  });
  slider.addEventListener("blur", () => { if (!held) commit(); });

  if (!live.has(film.id)) live.set(film.id, new Set());
  live.get(film.id).add({ element, show });
  show();
  return element;
}
