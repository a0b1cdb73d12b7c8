// Rating a film: shown at once, kept in the outbox until the server has it, and every act can be undone.

import { announce } from "./dom.js";
import * as outbox from "./outbox.js";
import { emit, hide, me, remember, setStars, state, unhide } from "./state.js";
import { half, titleOf } from "./titles.js";
import { toast } from "./toasts.js";

function set(film, stars) {
  remember([film]);
  setStars(film.id, stars);
  emit("ratings", film.id);
  outbox.put(me(), film.id, stars);
}

/** 0 to 5, or null to take the rating away. */
export function rate(film, stars) {
  const before = state.ratings.get(film.id) ?? null;
  if (before === stars) return;
  const whose = me();
  set(film, stars);
  const title = titleOf(film);
  toast(stars === null ? `Rating of ${title} removed.` : `${title}: ${half(stars)} of 5.`, {
    text: "Undo",
    work: () => {
      if (whose !== me()) return;
      set(film, before);
      announce(`Undone: ${title} is ${before === null ? "not rated" : `at ${half(before)} of 5`} again.`);
    },
  });
}

export function hideWithUndo(film) {
  hide(film);
  toast(`${titleOf(film)} is hidden.`, { text: "Undo", work: () => unhide(film.id) });
}
