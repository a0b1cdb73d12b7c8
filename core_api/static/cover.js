// A drawn cover from title, year and genre: the same film has the same cover everywhere. Which drawing, which colours
// and which lettering follow from the most telling genre; the rest from the letters of the title. A poster from
// elsewhere lies over it only if the operator has set a source (MARQUEE_POSTER_URL) and the film has a TMDB id.

import { h, s } from "./dom.js";
import { MOTIFS } from "./motifs.js";
import { state } from "./state.js";
import { titleOf, yearOf } from "./titles.js";

// Most telling first. Drawings, lettering, palettes of [ground, far, middle, near, light].
const GENRES = {
  "Film-Noir": [["blinds"], "narrow", ["15161a 2b2d33 6b1d1d 0b0b0d f3ead7", "1a1714 3a332b 8a2b1f 0d0b09 f0dfc0"]],
  Western: [["mesas"], "slab", ["6e2413 a8481f d9772b 8a3416 f9d77e", "3f2a20 8c4b2c c97b4a 5f3321 f3cf9b"]],
  Horror: [["moon"], "narrow", ["0e0b10 231018 6d0f1d c9243a f0d9c4", "0c120e 1b2a20 3d5a3c 9cb380 eef0d8", "140f1e 2a1a3d 59317a b34fc4 f0ddf5"]],
  "Sci-Fi": [["orbits"], "wide", ["0b1030 232b6b 5a5fd0 f08a5d f9ed99", "061c26 0d4256 1d97a8 f2b84e eaf4f4", "1a0b2e 3f2070 8a45c9 ff9470 fbe7c6"]],
  War: [["horizon"], "slab", ["2b2a21 4a4733 b5532a 1a1a13 f0d9a0", "1f2a30 3a4a50 c06a3a 141c20 f2e2bd"]],
  Musical: [["notes"], "serif", ["2b0f3a 4c1d63 c9386b f2a541 fde8c9", "0f2a4a 1d4a78 e4572e f2b134 fdf0d5"]],
  Documentary: [["lens"], "wide", ["1e2b2f 3f5a5f 76949a 14201f f1ede0", "2d2a26 5b5348 94876f 1d1a17 f5edd9"]],
  Animation: [["balloons", "waves"], "bubbly", ["1d3f72 3b6fb0 f2765a f9c64b fdf3da", "13544f 2a8a7d f4a950 ef6a57 fdf2dc", "5a2a6e 8c4aa3 f58ca0 ffcf6b fff1e0"]],
  Fantasy: [["castle"], "serif", ["1c1f4a 363c80 c75b8f 282b5e f8e3a8", "123a3a 24605a d98b4a 1a4c48 f6ecc0"]],
  Mystery: [["keyhole"], "serif", ["14213d 24385f 4b6a9b 0c1526 f7d488", "2a1a2e 4a2d50 855a8c 180e1b f2dca8"]],
  Crime: [["blinds", "stripes"], "narrow", ["1b1e23 3b424c a32a2a 101216 f1e3c6", "221a14 4f3a26 b9772c 14100c f5e6c4"]],
  Thriller: [["spiral"], "narrow", ["7a1f12 b23a1e e8662c 2a0d08 fbe6c0", "0f2433 1f4a63 2f86a6 f25c3a f4ecd8", "26262b 4a4a52 86868f d7263d f4f1ea"]],
  Romance: [["circles"], "italic", ["5c1a36 87304f e0788b f7b9a8 fff1e6", "3a1f4d 673a78 d98cb3 f3b6c0 fdf0ea", "7a2e2a a9504a ee9a80 f7c9a0 fff3e2"]],
  Adventure: [["peaks"], "slab", ["164a55 2d7580 e0913f 0f343d f9e4ae", "4a2c5e 7c4a86 e58a6a 331d43 fbdca0", "2a4a2c 4f7a4a d9a441 1b331d f6ecc4"]],
  Action: [["stripes"], "narrow", ["101820 22384a d6402b f2a330 f8efd9", "2a0f10 5a1a1c d9392b f0a63a fbe9cf", "10241f 1d4a3f 2d9a7a f2c230 f2f5e6"]],
  Comedy: [["rays"], "bubbly", ["d98a12 f0ae34 e4572e 27303d fff3d6", "1f7a70 2f968a f4a261 2b2d42 fff4dd", "c24a3a d9654f ffd07a 3a2a3f fff4e0", "3d4a8c 5562a8 f7a440 262b52 fdf0d2"]],
  Children: [["balloons"], "bubbly", ["2e6f95 4a92ba f7b24a ef6a57 fff4dc", "6a4c93 8a6bb3 ffca5a f2727f fff3e4"]],
  Drama: [["spotlight", "waves"], "serif", ["1f2a44 31426a 5f7fae 141c2e f4e1bd", "3c2a2a 634440 b07a5e 241818 f8e3c8", "26382f 40594b 7f9f80 17231d f2ecd2", "402040 643a60 b0789a 281428 f9e2d8"]],
};
const OTHER = [["fans"], "serif", ["2c3440 46525f 8a9aa8 c9a45c f4ecda", "3a2c40 5c4763 a08aa8 d9a066 f6ebdc"]];

/** Numbers from 0 to 1, the same for the same text. */
function numbers(text) {
  let seed = 2166136261;
  for (const letter of text) seed = Math.imul(seed ^ letter.codePointAt(0), 16777619);
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const picked = (random, list) => list[Math.floor(random() * list.length)];

const SECOND = 0.4; // how often the second most telling genre draws the cover: not all space films look alike
const LONG = 34; // letters from which on a title is set small
const SHORT = 7;

/** Decoration: whoever shows it says the title beside it. */
export function cover(film) {
  const title = titleOf(film).replace(/ \([^)]*\)$/, "");
  const year = yearOf(film);
  const random = numbers(`${title}|${year}`);
  const [telling, also] = Object.keys(GENRES).filter((name) => film.genres?.includes(name));
  const genre = also && random() < SECOND ? also : telling;
  const [motifs, lettering, palettes] = GENRES[genre] ?? OTHER;
  const palette = picked(random, palettes).split(" ").map((colour) => `#${colour}`);
  const art = s("svg", { viewBox: "0 0 200 300", preserveAspectRatio: "xMidYMin slice" },
    s("rect", { width: 200, height: 300, fill: palette[0] }), ...MOTIFS[picked(random, motifs)](random, palette));
  const longest = Math.max(...title.split(/[\s-]+/).map((word) => word.length));
  const size = title.length > LONG ? "long" : title.length <= SHORT ? "short" : "middling";
  const made = h("div", { class: `cover ${lettering} ${size}`, "aria-hidden": "true" }, art,
    h("div", { class: "cover-words" }, h("span", { class: "cover-title" }, title), year ? h("span", { class: "cover-year" }, `${year}`) : null));
  made.style.setProperty("--ground", palette[0]);
  made.style.setProperty("--letters", palette[4]);
  made.style.setProperty("--longest", Math.max(1, longest)); // letters of a word
  if (state.posters && film.tmdb_id) made.append(poster(film));
  return made;
}

function poster(film) {
  const image = h("img", { src: state.posters.replace("{tmdb_id}", encodeURIComponent(film.tmdb_id)), alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.remove()); // the drawn one is under it
  return image;
}
