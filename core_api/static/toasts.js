// Short messages at the foot of the page, with at most one thing to do. They wait while pointed at or focused.

import { announce, button, byId, h } from "./dom.js";

const SHOWN_MS = 9000;
const MOST = 2;

export function toast(text, action = null) {
  const made = h("div", { class: "toast" }, h("span", {}, text));
  const end = () => {
    clearTimeout(made.timer);
    made.remove();
  };
  if (action) made.append(button(action.text, () => { end(); action.work(); }, { class: "link" }));
  const start = () => {
    clearTimeout(made.timer);
    made.timer = setTimeout(() => (made.matches(":hover, :focus-within") ? start() : end()), SHOWN_MS);
  };
  byId("toasts").append(made);
  while (byId("toasts").children.length > MOST) byId("toasts").firstChild.remove();
  announce(action ? `${text} ${action.text}: press Control Z.` : text);
  start();
  latest = action ? { made, work: () => { end(); action.work(); } } : latest;
}

let latest = null;
addEventListener("keydown", (event) => {
  if (!(event.key === "z" && (event.ctrlKey || event.metaKey)) || event.target.matches("input, textarea")) return;
  if (latest?.made.isConnected) {
    event.preventDefault();
    latest.work();
  }
});
