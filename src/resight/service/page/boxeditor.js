// Draw, move, resize and turn the box around one animal, by mouse, finger or keys.

import { picture } from "./api.js";
import { between, corners, isInside, moved, normal, resized, rounded, turnedTo } from "./boxes.js";
import { fill, h, svg } from "./dom.js";
import { outlines } from "./finding.js";

const HANDLES = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];
const REACH = 28; // screen pixels from the upper edge to the handle that turns
const TINY = 6; // a drag of fewer screen pixels draws nothing
const LABEL = "The box around the animal. Arrow keys move it, Control and arrow keys resize it, comma and full stop turn it; Shift makes larger steps. The fields beside say where it is.";

export class BoxEditor {
  /** `annotation` as the API gives it; `changed({box, rotation})` on every change. */
  constructor(annotation, changed) {
    this.annotation = annotation;
    this.changed = changed;
    this.box = annotation.box ? [...annotation.box] : null;
    this.rotation = annotation.rotation || 0;
    this.image = h("img", { src: picture(annotation.photo, 1280), alt: "", draggable: "false" });
    this.proposed = []; // boxes that were found, to be taken or left
    this.drawing = svg("svg", { viewBox: `0 0 ${annotation.width} ${annotation.height}`, "aria-hidden": "true" });
    this.frame = h("div", { class: "box-frame", tabindex: "0", role: "group", "data-own-arrows": true, "aria-label": LABEL }, this.image, this.drawing);
    this.frame.style.aspectRatio = `${annotation.width} / ${annotation.height}`;
    this.#fields();
    this.frame.addEventListener("pointerdown", (event) => this.#down(event));
    this.frame.addEventListener("pointermove", (event) => this.tool && !this.dragging && this.tool.hover(this.#point(event)));
    this.frame.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(this.frame);
  }

  #fields() {
    const field = (name, label, step) => h("label", {}, label, h("input", { type: "number", step, "data-field": name, inputmode: "decimal", onchange: () => this.#typed() }));
    this.fields = h("div", { class: "box-fields", role: "group", "aria-label": "Box in photo pixels" },
      field("x", "Left", "1"), field("y", "Top", "1"), field("w", "Width", "1"), field("h", "Height", "1"), field("rotation", "Turned (°, counter-clockwise)", "1"));
  }

  #field(name) {
    return this.fields.querySelector(`[data-field=${name}]`);
  }

  #typed() {
    const value = (name) => Number(this.#field(name).value);
    const box = ["x", "y", "w", "h"].map(value);
    this.set(box[2] > 0 && box[3] > 0 ? box : this.box, normal(value("rotation") || 0));
  }

  /** No box: the whole photo is the animal's. */
  clear() {
    this.set(null, 0);
  }

  /** Hand drags and keys to a tool (`drag(point)`, `hover(point)`, `key(event)`, `label`); null: the box again. */
  workWith(tool) {
    this.tool = tool;
    this.frame.setAttribute("aria-label", tool?.label ?? LABEL);
    this.draw();
  }

  /** Show boxes that were found, without taking one. */
  propose(boxes) {
    this.proposed = boxes;
    this.draw();
  }

  set(box, rotation) {
    this.box = box;
    this.rotation = rotation;
    this.draw();
    this.changed({ box: box && rounded(box), rotation });
  }

  /** Photo pixels for each screen pixel. */
  get #scale() {
    return this.annotation.width / (this.frame.clientWidth || 1);
  }

  #point(event) {
    const frame = this.frame.getBoundingClientRect();
    return [(event.clientX - frame.left) * this.#scale, (event.clientY - frame.top) * this.#scale];
  }

  draw() {
    const shown = this.box ? rounded(this.box) : [0, 0, this.annotation.width, this.annotation.height];
    ["x", "y", "w", "h"].forEach((name, index) => { this.#field(name).value = shown[index]; });
    this.#field("rotation").value = this.rotation;
    const proposed = outlines(this.proposed, this.#scale);
    if (this.tool || !this.box) return void fill(this.drawing, this.box ? this.#outline() : proposed);
    const { width, height } = this.annotation;
    const points = corners(this.box, this.rotation);
    const around = `M0 0H${width}V${height}H0Z M${points.map((point) => point.join(" ")).join("L")}Z`;
    const [from, to] = this.#turnHandle();
    const unit = this.#scale;
    fill(this.drawing,
      svg("path", { d: around, class: "box-dim", "fill-rule": "evenodd" }), proposed, this.#outline(),
      svg("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], class: "box-line", "stroke-width": 2 * unit }),
      svg("circle", { cx: to[0], cy: to[1], r: 7 * unit, class: "box-handle box-turn", "stroke-width": 2 * unit }),
      this.#handlePoints().map(([x, y]) => svg("circle", { cx: x, cy: y, r: 5.5 * unit, class: "box-handle", "stroke-width": 2 * unit })));
  }

  #outline() {
    const points = corners(this.box, this.rotation).map((point) => point.join(",")).join(" ");
    return [["box-line-back", 4], ["box-line", 2]].map(([name, wide]) => svg("polygon", { points, class: name, "stroke-width": wide * this.#scale }));
  }

  #handlePoints() {
    const [topLeft, topRight, bottomRight, bottomLeft] = corners(this.box, this.rotation);
    const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    return [topLeft, middle(topLeft, topRight), topRight, middle(topRight, bottomRight), bottomRight, middle(bottomRight, bottomLeft), bottomLeft, middle(bottomLeft, topLeft)];
  }

  /** The upper edge's middle, and the handle beyond it; inside the box where there is no room above. */
  #turnHandle() {
    const points = this.#handlePoints();
    const [top, bottom] = [points[1], points[5]];
    const length = Math.hypot(top[0] - bottom[0], top[1] - bottom[1]) || 1;
    const away = [(top[0] - bottom[0]) / length, (top[1] - bottom[1]) / length];
    const at = (way) => [top[0] + away[0] * way * REACH * this.#scale, top[1] + away[1] * way * REACH * this.#scale];
    const outside = at(1);
    const { width, height } = this.annotation;
    const fits = outside[0] >= 0 && outside[1] >= 0 && outside[0] <= width && outside[1] <= height;
    return [top, fits ? outside : at(-1)];
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.frame.focus();
    this.frame.setPointerCapture(event.pointerId);
    const start = this.#point(event);
    this.dragging = this.tool ? this.tool.drag(start) : this.#drag(start);
    const move = (moveEvent) => this.dragging?.move(this.#point(moveEvent));
    const up = () => {
      this.dragging?.end();
      this.dragging = null;
      this.frame.removeEventListener("pointermove", move);
      this.frame.removeEventListener("pointerup", up);
      this.frame.removeEventListener("pointercancel", up);
    };
    this.frame.addEventListener("pointermove", move);
    this.frame.addEventListener("pointerup", up);
    this.frame.addEventListener("pointercancel", up);
  }

  /** A drag of the box, as of a tool. */
  #drag(start) {
    const change = this.#grip(start);
    const [box, rotation] = [this.box, this.rotation];
    const move = (point) => {
      const result = change(point, [point[0] - start[0], point[1] - start[1]], box, rotation);
      if (result) this.set(...result);
    };
    return { move, end: () => {} };
  }

  /** What a drag that starts here does: a function of (point, delta, box, rotation) -> [box, rotation]. */
  #grip(start) {
    const reach = 12 * this.#scale;
    const near = ([x, y]) => Math.hypot(x - start[0], y - start[1]) <= reach;
    if (this.box) {
      const [, turner] = this.#turnHandle();
      if (near(turner)) return (point, _delta, box) => [box, turnedTo(box, point)];
      const handle = this.#handlePoints().findIndex(near);
      if (handle >= 0) return (_point, delta, box, rotation) => [resized(box, rotation, HANDLES[handle], delta), rotation];
      if (isInside(this.box, this.rotation, start)) return (_point, delta, box, rotation) => [moved(box, delta, this.annotation), rotation];
    }
    return (point, delta) => {
      if (Math.min(Math.abs(delta[0]), Math.abs(delta[1])) < TINY * this.#scale) return null;
      return [between(this.#onPhoto(start), this.#onPhoto(point)), 0];
    };
  }

  #onPhoto([x, y]) {
    return [Math.min(this.annotation.width, Math.max(0, x)), Math.min(this.annotation.height, Math.max(0, y))];
  }

  #key(event) {
    if (event.target !== this.frame || event.altKey) return;
    if (this.tool) return void (this.tool.key(event) && event.preventDefault());
    const step = (event.shiftKey ? 0.05 : 0.005) * Math.max(this.annotation.width, this.annotation.height);
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const turn = { ",": 1, "<": 15, ".": -1, ">": -15 }[event.key];
    if (!way && !turn) return;
    event.preventDefault();
    const { width, height } = this.annotation;
    const box = this.box ?? [width * 0.1, height * 0.1, width * 0.8, height * 0.8];
    if (turn) return this.set(box, normal(this.rotation + turn));
    if (!this.box) this.set(box, this.rotation);
    else if (event.ctrlKey || event.metaKey) this.set(resized(box, this.rotation, way.map(Math.abs), way.map((each) => each * step)), this.rotation);
    else this.set(moved(box, way.map((each) => each * step), this.annotation), this.rotation);
  }
}
