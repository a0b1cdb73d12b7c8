// Which films may come and how varied: genres, years, diversity, and who ranks. Set once, kept, and true for all
// shelves of the home page. The controls are made once, so changing one never takes the focus from it.

import { button, debounced, h, icon } from "./dom.js";
import { NO_FILTERS, setFilters, state } from "./state.js";

const PAUSE_MS = 250;

/** The filters as a wish of the API; with lists, for a body. */
export function wished() {
  const { genres, year_from, year_to, diversity, model } = state.filters;
  return {
    ...(genres.length ? { genres } : {}),
    ...(year_from ? { year_from } : {}),
    ...(year_to ? { year_to } : {}),
    ...(diversity ? { diversity } : {}),
    ...(model ? { model } : {}),
  };
}

export function filterPanel() {
  const genres = h("div", { class: "chips", role: "group", "aria-label": "Genres" });
  const from = h("input", { type: "number", id: "year-from", min: 1870, max: 2100, inputmode: "numeric" });
  const to = h("input", { type: "number", id: "year-to", min: 1870, max: 2100, inputmode: "numeric" });
  const diversity = h("input", { type: "range", id: "diversity", min: 0, max: 1, step: 0.1 });
  const model = h("select", { id: "ranker" }, h("option", { value: "" }, "Automatic"));
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const count = h("span", { class: "count" });
  const summary = h("summary", {}, icon("sliders"), "Filters and variety", count);
  const panel = h("details", { class: "filters" }, summary, h("div", { class: "filters-in" },
    h("fieldset", {}, h("legend", {}, "Genres"), genres),
    h("div", { class: "filter-line" },
      h("fieldset", { class: "years" }, h("legend", {}, "Years"), h("label", { for: "year-from", class: "unseen" }, "From year"), from, h("span", {}, "to"),
        h("label", { for: "year-to", class: "unseen" }, "To year"), to),
      h("div", { class: "field" }, h("label", { for: "diversity" }, "Variety"),
        h("div", { class: "scale" }, h("span", {}, "closest"), diversity, h("span", {}, "most varied"))),
      h("div", { class: "field" }, h("label", { for: "ranker" }, "Ranked by"), model),
      button("Clear filters", clear, { class: "plain" })),
    problem));

  function year(input) {
    return input.value === "" ? null : Number(input.value);
  }
  const years = debounced(() => {
    const [first, last] = [year(from), year(to)];
    const wrong = [first, last].some((one) => one !== null && !(one >= 0 && one <= 9999)) || (first !== null && last !== null && first > last);
    problem.hidden = !wrong;
    problem.textContent = wrong ? "The first year is after the last one." : "";
    if (!wrong) setFilters({ year_from: first, year_to: last });
  }, 2 * PAUSE_MS);
  from.addEventListener("input", years);
  to.addEventListener("input", years);
  diversity.addEventListener("input", debounced(() => setFilters({ diversity: Number(diversity.value) }), PAUSE_MS));
  model.addEventListener("change", () => setFilters({ model: model.value || null }));

  function clear() {
    setFilters({ ...NO_FILTERS, genres: [] });
    fill();
  }

  function fill() {
    const { filters } = state;
    from.value = filters.year_from ?? "";
    to.value = filters.year_to ?? "";
    diversity.value = filters.diversity;
    model.value = filters.model ?? "";
    for (const chip of genres.children) chip.setAttribute("aria-pressed", filters.genres.includes(chip.textContent));
    tell();
  }

  function tell() {
    const { filters } = state;
    const set = filters.genres.length + Number(Boolean(filters.year_from || filters.year_to)) + Number(filters.diversity > 0) + Number(Boolean(filters.model));
    count.textContent = set ? `${set}` : "";
    diversity.setAttribute("aria-valuetext", `${Math.round(filters.diversity * 100)} %`);
  }

  function chip(name) {
    const made = button(name, () => {
      const now = state.filters.genres;
      setFilters({ genres: now.includes(name) ? now.filter((one) => one !== name) : [...now, name] });
      made.setAttribute("aria-pressed", state.filters.genres.includes(name));
    }, { class: "chip" });
    return made;
  }

  /** Once the server has told what there is to choose from. */
  function choices(known, span, models) {
    from.placeholder = span.first ?? "";
    to.placeholder = span.last ?? "";
    genres.replaceChildren(...known.map((genre) => chip(genre.name)));
    const names = [...new Set([...(models ?? []).map((one) => one.name), "neighbours", "popular"])];
    model.replaceChildren(h("option", { value: "" }, "Automatic"), ...names.map((name) => h("option", { value: name }, name)));
    fill();
  }

  fill();
  return { element: panel, choices, tell };
}
