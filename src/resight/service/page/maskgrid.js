// The cells of a mask while it is drawn: a grid over part of the photo. No page in here.

import { corners, isInside } from "./boxes.js";
import { cellsOf, ofText, runsOf, toText } from "./runs.js";

const MOST = 256; // cells of the longer side, as the server keeps them
const AROUND = 0.1; // how much more than the box and the mask can be painted

export class MaskGrid {
  /** `annotation` with its box; `mask` as the API gives it, or null: all of the box. */
  constructor({ width, height, box, rotation }, mask) {
    const own = box ?? [0, 0, width, height];
    const points = corners(own, rotation);
    const { shown, extent } = mask ? read(mask) : { shown: (point) => isInside(own, rotation, point), extent: [] };
    points.push(...extent); // not the mask's grid, which has room around: it would grow each time
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const room = AROUND * Math.max(own[2], own[3]);
    const left = Math.max(0, Math.floor(Math.min(...xs) - room));
    const top = Math.max(0, Math.floor(Math.min(...ys) - room));
    this.box = [left, top, Math.min(width, Math.ceil(Math.max(...xs) + room)) - left, Math.min(height, Math.ceil(Math.max(...ys) + room)) - top];
    const scale = Math.min(1, MOST / Math.max(this.box[2], this.box[3]));
    [this.columns, this.rows] = [this.box[2], this.box[3]].map((side) => Math.max(1, Math.round(side * scale)));
    this.cells = new Uint8Array(this.columns * this.rows);
    this.#each((index, point) => { this.cells[index] = shown(point) ? 1 : 0; });
  }

  #each(tell) {
    for (let column = 0; column < this.columns; column += 1) {
      for (let row = 0; row < this.rows; row += 1) tell(column * this.rows + row, this.#centre(column, row));
    }
  }

  #centre(column, row) {
    return [this.box[0] + ((column + 0.5) * this.box[2]) / this.columns, this.box[1] + ((row + 0.5) * this.box[3]) / this.rows];
  }

  /** Make all cells `value` whose centre is at most `reach` photo pixels from the line `from`-`to`. */
  paint(from, to, reach, value) {
    const least = Math.max(reach, Math.max(this.box[2] / this.columns, this.box[3] / this.rows) * 0.71); // one cell always
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const length = dx * dx + dy * dy || 1;
    this.#each((index, [x, y]) => {
      const along = Math.min(1, Math.max(0, ((x - from[0]) * dx + (y - from[1]) * dy) / length));
      if (Math.hypot(x - from[0] - along * dx, y - from[1] - along * dy) <= least) this.cells[index] = value;
    });
  }

  /** As the API takes it. */
  mask() {
    return { box: this.box, size: [this.rows, this.columns], counts: toText(runsOf(this.cells)) };
  }
}

/** Whether a point of the photo is `shown` by a mask, and two corners of what is. */
function read({ box: [left, top, width, height], size: [rows, columns], counts }) {
  const cells = cellsOf(ofText(counts));
  const [xs, ys] = [[], []];
  cells.forEach((cell, index) => {
    if (!cell) return;
    xs.push(Math.floor(index / rows));
    ys.push(index % rows);
  });
  const corner = (of, more) => [left + ((of(xs) + more) * width) / columns, top + ((of(ys) + more) * height) / rows];
  const shown = ([x, y]) => {
    const [column, row] = [Math.floor(((x - left) / width) * columns), Math.floor(((y - top) / height) * rows)];
    return column >= 0 && row >= 0 && column < columns && row < rows && cells[column * rows + row] === 1;
  };
  return { shown, extent: [corner(least, 0), corner(most, 1)] };
}

// Not Math.min(...values): that many arguments overflow the stack.
const least = (values) => values.reduce((one, other) => Math.min(one, other));
const most = (values) => values.reduce((one, other) => Math.max(one, other));
