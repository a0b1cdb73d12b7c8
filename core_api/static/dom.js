// Making elements, saying things to a screen reader, keeping the focus. Text goes in as text: nothing parses HTML.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

function fill(made, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

/** An element. Properties that are functions become listeners of that name, all others attributes. */
export const h = (tag, props = {}, ...children) => fill(document.createElement(tag), props, children);
export const s = (tag, props = {}, ...children) => fill(document.createElementNS(SVG, tag), props, children);

export const button = (text, click, props = {}) => h("button", { type: "button", ...props, click }, text);

const ICONS = {
  hide: "M3 3l18 18M10.6 5.1A10.5 10.5 0 0 1 12 5c6 0 9.5 7 9.5 7a17 17 0 0 1-3 3.8M6.5 6.6A16.6 16.6 0 0 0 2.5 12S6 19 12 19a9.5 9.5 0 0 0 5-1.5M9.9 9.9a3 3 0 0 0 4.2 4.2",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  sliders: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
};

export const icon = (name) =>
  s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, s("path", { d: ICONS[name] }));

let saying;
/** Said by a screen reader when it has finished what it is saying. */
export function announce(text) {
  clearTimeout(saying);
  byId("said").textContent = "";
  saying = setTimeout(() => { byId("said").textContent = text; }, 60);
}

/** Does `change`, which moves or replaces elements, and leaves the focus where it was or as near as can be.
 * Elements are known again by `data-focus`; where that one is gone, the next in `within` takes it. */
export function keepingFocus(within, change) {
  const held = within.contains(document.activeElement) ? document.activeElement : null;
  const name = held?.dataset.focus;
  const place = held ? [...within.querySelectorAll("[data-focus]")].indexOf(held) : -1;
  change();
  if (!held || document.activeElement === held) return;
  const now = [...within.querySelectorAll("[data-focus]")];
  const next = (held.isConnected && held) || now.find((one) => one.dataset.focus === name)
    || now[Math.min(Math.max(place, 0), now.length - 1)];
  next?.focus({ preventScroll: true });
}

export function debounced(work, wait) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), wait);
  };
}

/** A dialog that is gone from the page when closed; the focus goes back to where it was. */
export function dialog(title, ...children) {
  const made = h("dialog", { class: "sheet", "aria-labelledby": "sheet-title" },
    h("header", { class: "sheet-head" },
      h("h2", { id: "sheet-title" }, title),
      h("button", { type: "button", class: "round", "aria-label": "Close", click: () => made.close() }, icon("close"))),
    ...children);
  made.addEventListener("close", () => made.remove());
  made.addEventListener("click", (event) => { if (event.target === made) made.close(); });
  document.body.append(made);
  made.showModal();
  return made;
}
