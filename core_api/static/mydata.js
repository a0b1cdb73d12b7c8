// A person's own data: an export of another service brought in (a look first, then the commit), taken along, erased.

import * as api from "./api.js";
import { announce, button, dialog, h } from "./dom.js";
import * as outbox from "./outbox.js";
import { emit, me, state } from "./state.js";
import { counted, half } from "./titles.js";
import { toast } from "./toasts.js";

const SHOWN = 200; // rows of a table
const EFFECTS = { new: "new", changed: "changes your rating", same: "as it is", kept: "your rating stays", repeated: "said elsewhere in the file" };

export async function saveExport(format) {
  const blob = await api.exported(me(), format);
  const link = h("a", { href: URL.createObjectURL(blob), download: format === "json" ? "marquee.json" : "letterboxd.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function forgetMe() {
  const whose = state.name ?? "this guest";
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const sheet = dialog("Forget me", h("p", {}, `All ratings of ${whose} are erased from Marquee, at once and for good. Export them first if you may want them again.`), problem,
    h("div", { class: "acts" },
      button("Erase everything", async () => {
        try {
          outbox.forgetUser(me());
          if (state.ratings.size) await api.forget(me());
          sheet.close();
          emit("user");
          toast("You are forgotten.");
        } catch (error) {
          problem.textContent = error.message;
          problem.hidden = false;
        }
      }, { class: "button danger" }),
      button("Keep my data", () => sheet.close(), { class: "plain" })));
}

export function importing() {
  const chooser = h("input", { type: "file", id: "import-file", accept: ".zip,.csv,.json" });
  const zone = h("div", { class: "drop" },
    h("label", { for: "import-file" }, "Choose a file, or drop one here"), chooser,
    h("p", { class: "hint" }, "Letterboxd (zip or csv), IMDb ratings, Trakt, Jellyfin and Plex (json), MovieLens, Marquee. Nothing is written before you have seen what is in it."));
  const result = h("div", { class: "preview", "aria-live": "polite" });
  const sheet = dialog("Import your history", zone, result);
  sheet.classList.add("wide");

  async function look(file) {
    if (!file) return;
    zone.classList.remove("over");
    result.replaceChildren(h("p", { class: "told" }, `Reading ${file.name} …`));
    try {
      const preview = await api.importFile(me(), file, false);
      result.replaceChildren(...previewOf(preview, file));
      announce(`${preview.counts.matched} matched, ${preview.counts.ambiguous} ambiguous, ${preview.counts.unmatched} unmatched.`);
    } catch (error) {
      result.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    }
  }

  async function commit(file, choices) {
    const done = await api.importFile(me(), file, true, choices);
    sheet.close();
    emit("user");
    toast(`${counted(done.written, "rating")} imported from ${done.source}.`);
  }

  function previewOf(preview, file) {
    const { counts } = preview;
    const choices = new Map(); // row -> film id
    const commitButton = button(label(), async () => {
      commitButton.disabled = true;
      try {
        await commit(file, choices);
      } catch (error) {
        commitButton.disabled = false;
        result.prepend(h("p", { class: "problem", role: "alert" }, error.message));
      }
    }, { class: "button" });
    function label() {
      return `Import ${counted((counts.new ?? 0) + (counts.changed ?? 0) + choices.size, "rating")}`;
    }
    const chosen = (row, film) => {
      if (film) choices.set(row.row, film);
      else choices.delete(row.row);
      commitButton.textContent = label();
    };
    return [
      h("p", { class: "tally" }, h("b", {}, preview.source), ...["matched", "ambiguous", "unmatched", "set_aside"].map((name) => h("span", { class: `count-${name}` }, h("b", {}, `${counts[name]}`), ` ${name.replace("_", " ")}`))),
      table("Ambiguous", preview.ambiguous, ["Line", "In your file", "Which film is it?"], (row) => [row.line, named(row), picker(row, chosen)]),
      table("Unmatched", preview.unmatched, ["Line", "In your file", "Why"], (row) => [row.line, named(row), row.reason]),
      table("Set aside", preview.set_aside, ["Line", "Row", "Why"], (row) => [row.line, row.text, row.reason]),
      table("Matched", preview.matched, ["Line", "In your file", "Film here", "Stars", ""], (row) => [row.line, named(row), row.movie.title, row.rating === null ? row.kind : half(row.rating), EFFECTS[row.effect] ?? row.effect]),
      h("div", { class: "acts stay" }, commitButton, button("Leave it", () => sheet.close(), { class: "plain" })),
    ];
  }

  const named = (row) => `${row.title ?? "no title"}${row.year ? ` (${row.year})` : ""}`;

  function picker(row, chosen) {
    return h("select", { "aria-label": `Film for line ${row.line}`, change: (event) => chosen(row, event.target.value) },
      h("option", { value: "" }, "None of them"), ...row.candidates.map((film) => h("option", { value: film.id }, film.title)));
  }

  function table(name, rows, columns, cells) {
    if (!rows.length) return null;
    const shown = rows.slice(0, SHOWN);
    return h("details", { open: name !== "Matched" || rows.length < 30 }, h("summary", {}, `${name}: ${rows.length}`),
      h("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": `${name} rows` }, h("table", {},
        h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column)))),
        h("tbody", {}, ...shown.map((row) => h("tr", {}, ...cells(row).map((cell) => h("td", {}, typeof cell === "number" ? `${cell}` : cell ?? ""))))))),
      rows.length > shown.length ? h("p", { class: "hint" }, `and ${rows.length - shown.length} more`) : null);
  }

  chooser.addEventListener("change", () => look(chooser.files[0]));
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => { event.preventDefault(); void look(event.dataTransfer.files[0]); });
}
