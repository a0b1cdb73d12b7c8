// What the field at the head of the page finds.

import { byId, h } from "./dom.js";
import { arrowsBetween, foundLists } from "./finder.js";

const MODES = [["both", "Both", ["title", "semantic"]], ["title", "Title", ["title"]], ["semantic", "Meaning", ["semantic"]]];

export function searchView() {
  const lists = foundLists({ k: 20 });
  const choices = h("fieldset", { class: "segments" }, h("legend", { class: "unseen" }, "Search by"),
    ...MODES.map(([value, name, modes]) => h("label", {},
      h("input", { type: "radio", name: "mode", value, checked: value === "both", change: () => lists.setModes(modes) }), h("span", {}, name))));
  const element = h("div", { class: "view search" }, h("div", { class: "view-head" }, h("h1", {}, "Search"), choices), lists.element);
  const input = byId("query");
  arrowsBetween(input, lists.element);
  return {
    element,
    title: "Search",
    keepsFocus: true,
    show(text) {
      if (input.value.trim() !== text) input.value = text;
      lists.search(text);
    },
  };
}
