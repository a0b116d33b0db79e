// What counts as the animal, as a tint over the photo, and a brush to correct it.

import { get, post } from "./api.js";
import { h } from "./dom.js";
import { MaskGrid } from "./maskgrid.js";

const TINT = [0, 214, 255, 105];
const STROKES = 40; // that can be taken back
const KEYS = "Arrow keys move the brush, Space paints or erases there, E changes between the two, and Control Z takes back the last stroke.";

export class MaskEditor {
  /** Draws in the frame of `boxes`, the box editor; `changed(mask)` on every stroke, null for the program's own. */
  constructor(annotation, boxes, changed) {
    this.annotation = annotation;
    this.boxes = boxes;
    this.changed = changed;
    this.path = `/annotations/${encodeURIComponent(annotation.id)}/mask`;
    this.value = 1; // what the brush makes of a cell
    this.at = null; // where the brush is, in photo pixels
    this.strokes = []; // the cells as they were before each
    this.unpainted = undefined; // what is to be saved without any stroke: undefined for no change
    this.canvas = h("canvas", { class: "mask-tint", "aria-hidden": true, hidden: true });
    this.ring = h("div", { class: "mask-ring", "aria-hidden": true, hidden: true });
    boxes.frame.insertBefore(this.canvas, boxes.drawing);
    boxes.frame.append(this.ring);
    this.#tools();
  }

  #tools() {
    const choose = (value, text) => h("button", { type: "button", class: "button button-small", "aria-pressed": String(value === this.value), onclick: () => this.#use(value) }, text);
    this.said = h("p", { class: "hint", role: "status" });
    this.toggle = h("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => this.#toggle() }, "What counts as the animal");
    this.brushes = [choose(1, "Paint"), choose(0, "Erase")];
    this.size = h("input", { type: "range", min: "1", max: "20", value: "5", oninput: () => this.#showRing() });
    this.back = h("button", { type: "button", class: "button button-small", disabled: true, onclick: () => this.#undo() }, "Undo stroke");
    this.own = h("button", { type: "button", class: "button button-small", onclick: () => this.#programs() }, "Back to the program's own");
    this.tools = h("div", { class: "mask-tools", hidden: true },
      h("div", { class: "mask-row", role: "group", "aria-label": "Brush" }, this.brushes),
      h("label", {}, "Size of the brush", this.size),
      h("div", { class: "mask-row" }, this.back, this.own),
      h("p", { class: "hint" }, "Matching looks only at the tinted part. Erase hands, towels and other animals; paint what was missed."));
    this.root = h("div", { class: "mask", role: "group", "aria-label": "What counts as the animal" }, this.toggle, this.said, this.tools);
  }

  /** The brush works instead of the box while the tint is shown. */
  async #toggle() {
    const on = this.toggle.getAttribute("aria-pressed") !== "true";
    this.toggle.disabled = true;
    if (on && !this.grid) await this.#load();
    this.toggle.disabled = false;
    const shown = on && Boolean(this.grid);
    this.toggle.setAttribute("aria-pressed", String(shown));
    this.canvas.hidden = this.tools.hidden = !shown;
    this.ring.hidden = true;
    this.boxes.workWith(shown ? this : null);
    if (on) this.toggle.focus();
  }

  async #load() {
    this.said.textContent = "Looking…";
    try {
      const { mask } = await get(this.path);
      if (mask) this.#show(mask, "As somebody drew it.");
      else await this.#find();
      this.own.disabled = !mask;
    } catch (error) {
      this.said.textContent = error.message;
    }
  }

  async #find() {
    const { mask } = await post(this.path);
    this.#show(mask, mask ? "As the program found it." : "The program takes all of the box.");
  }

  #show(mask, said) {
    this.grid = new MaskGrid(this.annotation, mask);
    this.strokes = [];
    this.back.disabled = true;
    this.said.textContent = this.shown = said;
    const { box: [x, y, w, h], columns, rows } = this.grid;
    const { width, height } = this.annotation;
    Object.assign(this.canvas, { width: columns, height: rows });
    const percent = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(this.canvas.style, { left: percent(x, width), top: percent(y, height), width: percent(w, width), height: percent(h, height) });
    this.at = [x + w / 2, y + h / 2];
    this.#draw();
  }

  #draw() {
    const { cells, columns, rows } = this.grid;
    const picture = new ImageData(columns, rows);
    for (let index = 0; index < cells.length; index += 1) {
      if (cells[index]) picture.data.set(TINT, 4 * ((index % rows) * columns + Math.floor(index / rows)));
    }
    this.canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  async #programs() {
    this.own.disabled = true;
    this.said.textContent = "Looking…";
    try {
      await this.#find();
      this.changed(this.unpainted = null);
    } catch (error) {
      this.said.textContent = error.message;
      this.own.disabled = false;
    }
    this.toggle.focus();
  }

  #use(value) {
    this.value = value;
    this.brushes.forEach((brush, index) => brush.setAttribute("aria-pressed", String(index === 1 - value)));
  }

  /** Half of the brush, in photo pixels. */
  get #reach() {
    return (Number(this.size.value) / 100) * Math.max(this.grid.box[2], this.grid.box[3]);
  }

  #begin() {
    this.strokes = [...this.strokes.slice(1 - STROKES), this.grid.cells.slice()];
  }

  #paint(from, to) {
    this.grid.paint(from, to, this.#reach, this.value);
    this.at = to;
    this.#draw();
  }

  #ended() {
    const painted = this.strokes.length > 0;
    this.back.disabled = !painted;
    if (painted) this.own.disabled = false;
    const nothing = !this.grid.cells.includes(1);
    this.said.textContent = nothing ? "Nothing is left of the animal: paint it, or go back to the program's own." : painted ? "As you draw it. Save keeps it." : this.shown;
    this.changed(painted ? this.grid.mask() : this.unpainted);
  }

  #undo() {
    const before = this.strokes.pop();
    if (!before) return;
    this.grid.cells = before;
    this.#draw();
    this.#ended();
    if (this.back.disabled) this.boxes.frame.focus();
  }

  #showRing() {
    const { width, height } = this.annotation;
    const across = (200 * this.#reach) / width;
    this.ring.hidden = false;
    Object.assign(this.ring.style, { left: `${(100 * this.at[0]) / width}%`, top: `${(100 * this.at[1]) / height}%`, width: `${across}%` });
  }

  // What the box editor hands on while the brush is at work.

  get label() {
    return `What counts as the animal. ${KEYS}`;
  }

  /** A drag begins; what is to happen at each further point, and at the end. */
  drag(start) {
    this.#begin();
    this.#paint(start, start);
    this.hover(start);
    return { move: (point) => { this.#paint(this.at, point); this.hover(point); }, end: () => this.#ended() };
  }

  hover(point) {
    this.at = point;
    this.#showRing();
  }

  /** Whether the key was one of the brush's. */
  key(event) {
    const step = (event.shiftKey ? 0.1 : 0.02) * Math.max(this.grid.box[2], this.grid.box[3]);
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      const { width, height } = this.annotation;
      this.hover([Math.min(width, Math.max(0, this.at[0] + way[0] * step)), Math.min(height, Math.max(0, this.at[1] + way[1] * step))]);
    } else if (event.key === " ") this.drag(this.at).end();
    else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) this.#undo();
    else if (event.key.toLowerCase() === "e" && !event.ctrlKey && !event.metaKey) this.#use(1 - this.value);
    else return false;
    return true;
  }
}
