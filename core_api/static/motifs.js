// The drawings on the covers: one small composition a genre, in flat colours on a field of 200 by 300. Each takes a
// source of numbers (0 to 1) and a palette [ground, far, middle, near, light] and gives SVG elements.

import { s } from "./dom.js";

const circle = (cx, cy, r, fill, more = {}) => s("circle", { cx, cy, r, fill, ...more });
const rect = (x, y, width, height, fill, more = {}) => s("rect", { x, y, width, height, fill, ...more });
const path = (d, fill, more = {}) => s("path", { d, fill, ...more });
const ring = (cx, cy, r, stroke, width) => circle(cx, cy, r, "none", { stroke, "stroke-width": width });
const range = (count) => Array.from({ length: count }, (_, place) => place);

/** A line of hills from edge to edge, `rough` high, filled down to the bottom. */
function hills(random, top, rough, steps, fill) {
  const points = range(steps + 1).map((step) => [(200 * step) / steps, top + rough * (random() - 0.5)]);
  const curve = points.slice(1).map(([x, y], place) => {
    const [before, height] = points[place];
    return `C${(before + x) / 2} ${height} ${(before + x) / 2} ${y} ${x} ${y}`;
  });
  return path(`M0 300V${points[0][1]}${curve.join("")}V300Z`, fill);
}

function peaks(random, top, rough, count, fill) {
  const step = 200 / count;
  const line = range(count + 1).map((place) => `L${(place - 0.5) * step} ${top + rough * (0.5 + random() / 2)}L${place * step} ${top + rough * random() * 0.35}`);
  return path(`M-60 300V${top + rough}${line.join("")}L260 ${top + rough}V300Z`, fill);
}

export const MOTIFS = {
  orbits(random, [, far, middle, near, light]) {
    const x = 50 + 100 * random();
    const y = 95 + 40 * random();
    const size = 26 + 20 * random();
    const turn = -40 + 80 * random();
    return [
      ...range(26).map(() => circle(200 * random(), 220 * random(), 0.5 + random(), light, { opacity: 0.7 })),
      ring(x, y, size * 3.3, far, 12), ring(x, y, size * 2.3, far, 8),
      circle(x, y, size, near),
      path(`M${x - size} ${y}a${size} ${size} 0 0 0 ${2 * size} 0z`, middle, { transform: `rotate(${turn} ${x} ${y})` }),
      s("ellipse", { cx: x, cy: y, rx: size * 1.9, ry: size * 0.45, fill: "none", stroke: light, "stroke-width": 3, transform: `rotate(${turn} ${x} ${y})` }),
      circle(x + size * 2.3 * Math.cos(turn), y + size * 2.3 * Math.sin(turn), 7, light),
    ];
  },
  moon(random, [, far, middle, near, light]) {
    const x = 60 + 80 * random();
    const trees = range(9).map((place) => {
      const at = place * 25 + 10 * random();
      const high = 60 + 80 * random();
      return path(`M${at - 9} 300L${at} ${300 - high - 60}L${at + 9} 300z`, place % 2 ? far : "#0007");
    });
    return [circle(x, 105, 62, near), circle(x + 16 - 32 * random(), 95, 54, middle, { opacity: 0.55 }), hills(random, 205, 30, 3, far),
      ...trees, circle(x - 5, 262, 2.5, light), circle(x + 5, 262, 2.5, light)];
  },
  circles(random, [, far, middle, near, light]) {
    const away = 26 + 14 * random();
    const y = 105 + 20 * random();
    return [circle(100, y, 96, far), circle(100 - away, y, 52, middle), circle(100 + away, y, 52, near),
      path(`M100 ${y - Math.sqrt(52 ** 2 - away ** 2)}A52 52 0 0 1 100 ${y + Math.sqrt(52 ** 2 - away ** 2)}A52 52 0 0 1 100 ${y - Math.sqrt(52 ** 2 - away ** 2)}`, light)];
  },
  rays(random, [, far, middle, near, light]) {
    const x = 60 + 80 * random();
    const y = 130 + 30 * random();
    const count = 12 + 2 * Math.floor(3 * random());
    const wedge = (place) => {
      const [a, b] = [place, place + 0.5].map((turn) => (2 * Math.PI * turn) / count);
      return path(`M${x} ${y}L${x + 330 * Math.cos(a)} ${y + 330 * Math.sin(a)}L${x + 330 * Math.cos(b)} ${y + 330 * Math.sin(b)}z`, far);
    };
    return [...range(count).map(wedge), circle(x, y, 58, middle), circle(x, y, 40, light),
      path(`M${x - 22} ${y + 2}a22 22 0 0 0 44 0z`, near), circle(x - 13, y - 12, 5, near), circle(x + 13, y - 12, 5, near)];
  },
  stripes(random, [, far, middle, near, light]) {
    const lean = random() < 0.5 ? -1 : 1;
    const bars = range(7).map((place) => {
      const x = -60 + place * 46 + 18 * random();
      return rect(x, -80, 8 + 24 * random(), 460, [far, middle, far, near, middle][place % 5], { transform: `rotate(${lean * 28} 100 150)` });
    });
    return [...bars, circle(100 + 30 * lean, 105, 34, light), circle(100 + 30 * lean, 105, 20, near)];
  },
  blinds(random, [, far, middle, near, light]) {
    const x = 70 + 60 * random();
    const head = 40;
    return [rect(0, 0, 200, 300, far), ...range(14).map((place) => rect(0, place * 17, 200, 8, light, { opacity: 0.16 + 0.05 * (place % 3) })),
      circle(x, 118, head, near), path(`M${x - 78} 300q6-130 78-136q72 6 78 136z`, near),
      path(`M${x - 62} 96q62-20 124 0l-10-10q-10-4-20-5l-8-42q-24-12-48 0l-8 42q-12 1-20 5z`, near),
      rect(x - 30, 78, 60, 7, middle)];
  },
  spiral(random, [, far, middle, near, light]) {
    const x = 80 + 40 * random();
    const y = 100 + 30 * random();
    const turn = random() < 0.5 ? 1 : -1;
    const arm = (offset, width, stroke) => {
      const points = range(90).map((step) => {
        const angle = turn * (step / 7 + offset);
        const radius = 2 + step * 1.75;
        return `${(x + radius * Math.cos(angle)).toFixed(1)} ${(y + radius * Math.sin(angle)).toFixed(1)}`;
      });
      return path(`M${points.join("L")}`, "none", { stroke, "stroke-width": width, "stroke-linecap": "round" });
    };
    return [arm(0, 13, far), arm(2.1, 9, middle), arm(4.2, 4, light), circle(x, y, 9, near)];
  },
  mesas(random, [, far, middle, near, light]) {
    const x = 50 + 100 * random();
    const mesa = (at, width, top, fill) => path(`M${at - width} 300L${at - width * 0.7} ${top + 24}H${at - width * 0.55}V${top}H${at + width * 0.55}V${top + 18}H${at + width * 0.75}L${at + width} 300z`, fill);
    return [circle(x, 110, 56, light), rect(0, 128, 200, 5, far), rect(0, 146, 200, 9, far),
      mesa(30 + 30 * random(), 60, 130, middle), mesa(150 + 30 * random(), 74, 150, near), hills(random, 232, 20, 2, far)];
  },
  horizon(random, [, far, middle, near, light]) {
    const x = 60 + 80 * random();
    const flags = range(5).map((place) => {
      const at = 18 + place * 38 + 8 * random();
      const high = 40 + 50 * random();
      return path(`M${at} 225v${-high}h3v${high}zm3 ${-high}l22 8l-22 8z`, near);
    });
    return [circle(x, 168, 70, middle), circle(x, 168, 44, light), rect(0, 190, 200, 110, far), ...flags, hills(random, 222, 26, 4, near)];
  },
  notes(random, [, far, middle, near, light]) {
    const bars = range(11).map((place) => {
      const high = 30 + 130 * Math.abs(Math.sin(place * 0.6 + 6 * random() * 0.15 + 1)) * (0.5 + random() / 2);
      return rect(8 + place * 17, 125 - high / 2, 10, high, [middle, near, light][place % 3], { rx: 5 });
    });
    return [circle(100, 125, 108, far), ...bars];
  },
  lens(random, [, far, middle, near, light]) {
    const turn = 60 * random();
    const edge = (angle) => `${100 + 40 * Math.cos(angle)} ${118 + 40 * Math.sin(angle)}`;
    const rim = (angle) => `${100 + 92 * Math.cos(angle)} ${118 + 92 * Math.sin(angle)}`;
    const blade = (place) => {
      const from = (Math.PI * place) / 3;
      return path(`M${edge(from)}L${rim(from + 0.2)}A92 92 0 0 1 ${rim(from + 1.25)}L${edge(from + Math.PI / 3)}z`, place % 2 ? middle : far);
    };
    return [circle(100, 118, 98, near), s("g", { transform: `rotate(${turn} 100 118)` }, ...range(6).map(blade)), circle(100, 118, 30, light), circle(109, 109, 8, "#fff")];
  },
  balloons(random, [, far, middle, near, light]) {
    const one = (place) => {
      const [x, y, r] = [30 + 34 * place + 16 * random(), 60 + 90 * random(), 20 + 16 * random()];
      const fill = [middle, near, light, far, middle][place];
      return [path(`M${x} ${y + r}q${8 - 16 * random()} 60 0 130`, "none", { stroke: light, "stroke-width": 1.5, opacity: 0.6 }),
        s("ellipse", { cx: x, cy: y, rx: r, ry: r * 1.18, fill }), s("ellipse", { cx: x - r * 0.35, cy: y - r * 0.45, rx: r * 0.18, ry: r * 0.3, fill: "#fff8" })];
    };
    return [hills(random, 230, 30, 3, far), ...range(5).flatMap(one)];
  },
  castle(random, [, far, middle, near, light]) {
    const x = 100 + 40 * (random() - 0.5);
    const tower = (at, width, top, fill) => [rect(at - width / 2, top, width, 300, fill), path(`M${at - width / 2 - 5} ${top}h${width + 10}L${at} ${top - width * 1.5}z`, middle)];
    return [...range(16).map(() => circle(200 * random(), 150 * random(), 0.8 + random(), light)), circle(x + 46, 66, 20, light),
      peaks(random, 120, 90, 4, far), ...tower(x - 34, 22, 150, near), ...tower(x + 30, 20, 140, near), ...tower(x, 30, 112, near), rect(x - 5, 140, 10, 18, light, { rx: 5 })];
  },
  keyhole(random, [, far, middle, near, light]) {
    const y = 100 + 16 * random();
    return [...range(5).map((place) => ring(100, y, 122 - place * 19, place % 2 ? middle : far, 9)),
      circle(100, y, 27, light), path(`M88 ${y + 12}L78 ${y + 84}h44L112 ${y + 12}z`, light), circle(100, y, 10, near)];
  },
  peaks(random, [, far, middle, near, light]) {
    const x = 45 + 110 * random();
    return [circle(x, 84, 36, light), peaks(random, 96, 90, 3, far), peaks(random, 140, 70, 4, middle), peaks(random, 190, 50, 3, near),
      path(`M100 300q-30-24 6-40q26-12 2-26q-14-10 4-18`, "none", { stroke: light, "stroke-width": 4, "stroke-dasharray": "9 8", "stroke-linecap": "round" })];
  },
  spotlight(random, [, far, middle, near, light]) {
    const x = 40 + 120 * random();
    const foot = 100 + 30 * (random() - 0.5);
    return [path(`M${x - 7} 0h14L${foot + 74} 216h-148z`, far), path(`M${x - 4} 0h8L${foot + 44} 216h-88z`, middle),
      s("ellipse", { cx: foot, cy: 216, rx: 74, ry: 16, fill: light, opacity: 0.85 }),
      circle(foot, 142, 14, near), path(`M${foot - 20} 216q2-56 20-58q18 2 20 58z`, near)];
  },
  waves(random, [, far, middle, near, light]) {
    const x = 50 + 100 * random();
    return [circle(x, 92, 42, light), hills(random, 118, 50, 3, far), hills(random, 158, 46, 2, middle), hills(random, 200, 40, 3, near)];
  },
  fans(random, [, far, middle, near, light]) {
    const fan = (x, y) => [52, 39, 26, 12].map((r, place) => circle(x, y, r, [far, middle, near, light][place]));
    return range(4).flatMap((row) => range(4).flatMap((column) => fan(column * 104 - (row % 2 ? 52 : 104) + 52, 30 + row * 60)));
  },
};
