// Where animals were met: a map without tiles, so that it needs no network, and the same in words.

import { h } from "./dom.js";
import { count } from "./format.js";
import { degrees, distance, kilometres, layout, scaleBar } from "./places.js";

const SVG = "http://www.w3.org/2000/svg";
const CLOSE = 17; // pixels within which marks become one
const SAME = 0.01; // km
const FAR = 3000; // km beyond which one scale does not hold for all of a map

/**
 * A map of points, and a list of them: [{latitude, longitude, precision_km, title, asked}], `asked`
 * for what is asked about. Null where there is none. `folded`: the list is opened by who wants it.
 */
export function mapOf(points, { folded = false } = {}) {
  if (!points.length) return null;
  const size = [Math.min(640, window.innerWidth - 72), Math.min(320, window.innerHeight - 240)];
  let last = 0;
  const numbered = points.map((point) => ({ ...point, number: point.asked ? "?" : last += 1 }));
  const coarse = Math.max(...points.map(({ precision_km: km }) => km ?? 0));
  const list = h("ol", { class: "map-list", tabindex: "0", "aria-label": "Positions" }, numbered.map((point) => h("li", {},
    h("span", { class: `map-number ${point.asked ? "map-asked" : ""}` }, point.number), words(point, points))));
  return h("div", { class: "map" }, drawn(numbered, size),
    coarse > 0 && h("p", { class: "hint" }, `Positions are rounded to some ${Math.round(coarse)} km for you: each was somewhere in its square.`),
    folded ? h("details", {}, h("summary", {}, `${count(points.length, "position")} in words`), list) : list);
}

/** A point in words, with how far it is from what is asked about. */
function words(point, points) {
  const from = points.find(({ asked }) => asked);
  const known = from && !point.asked && !point.precision_km && !from.precision_km;
  const digits = point.precision_km ? 1 : 4;
  return h("span", {}, point.title, h("span", { class: "hint" }, ` ${degrees(point.latitude, "NS", digits)}, ${degrees(point.longitude, "EW", digits)}`),
    known && h("strong", {}, kilometres(from, point) < SAME ? " the same place" : ` ${distance(kilometres(from, point))} away`));
}

function drawn(points, [width, height]) {
  const plan = layout(points, [width, height]);
  const groups = together(points, plan);
  const [km, long] = scaleBar(plan.km, width / 5);
  const top = points.find(({ asked }) => asked);
  const label = `Map of ${count(points.length, "position")}${top ? "; the question mark is what is asked about" : ""}. The same in words follows.`;
  return s("svg", { class: "map-drawn", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
    s("g", { class: "map-grid" },
      plan.parallels.map(({ degrees: value, at }) => [s("line", { x1: 0, x2: width, y1: at, y2: at }),
        at > 14 && at < height - 26 && s("text", { x: 5, y: at - 4 }, degrees(value, "NS", plan.digits))]),
      plan.meridians.map(({ degrees: value, at }) => [s("line", { y1: 0, y2: height, x1: at, x2: at }),
        at > 60 && at < width - long - 96 && s("text", { x: at + 4, y: height - 7 }, degrees(value, "EW", plan.digits))])),
    points.filter(({ precision_km: km }) => km > 0).map((point) => {
      const [x, y] = plan.at(point);
      const side = point.precision_km * plan.km;
      return s("rect", { class: "map-square", x: x - side / 2, y: y - side / 2, width: side, height: side });
    }),
    groups.map(mark), width / plan.km < FAR && bar(km, long, width, height), north(width));
}

/** Points whose marks would cover each other, together; what is asked about is drawn last. */
function together(points, plan) {
  const groups = [];
  for (const point of points) {
    const [x, y] = plan.at(point);
    const near = groups.find((group) => Math.hypot(group.x - x, group.y - y) < CLOSE);
    if (near) near.points.push(point);
    else groups.push({ x, y, points: [point] });
  }
  return groups.sort((a, b) => isAsked(a) - isAsked(b));
}

const isAsked = ({ points }) => Number(points.some(({ asked }) => asked));

function mark(group) {
  const { x, y, points } = group;
  const asked = isAsked(group);
  const numbers = points.filter((point) => !point.asked).map(({ number }) => number);
  const text = [asked && "?", numbers.length > 2 ? `${numbers.length}×` : numbers.join(", ")].filter(Boolean).join(" ");
  const half = Math.max(10, text.length * 3.6 + 5);
  return s("g", { class: `map-mark ${asked ? "map-asked" : ""}` }, s("title", {}, points.map(({ title }) => title).join("\n")),
    s("rect", { x: x - half, y: y - 10, width: 2 * half, height: 20, rx: asked ? 3 : 10 }),
    s("text", { x, y: y + 4, "text-anchor": "middle" }, text));
}

function bar(km, long, width, height) {
  const [left, low] = [width - long - 12, height - 10];
  return s("g", { class: "map-bar" }, s("path", { d: `M${left} ${low - 6}v6h${long}v-6` }), s("text", { x: left + long / 2, y: low - 5, "text-anchor": "middle" }, distance(km)));
}

const north = (width) => s("g", { class: "map-bar" }, s("path", { d: `M${width - 18} 34V12m-5 7 5-8 5 8` }), s("text", { x: width - 18, y: 47, "text-anchor": "middle" }, "N"));

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat(2).filter(Boolean));
  return element;
}
