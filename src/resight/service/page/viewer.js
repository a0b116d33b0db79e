// Two photos that move as one: zoom, pan and turn together, with the lines of their match, or
// laid over each other as the geometry of the match says.
//
// Two maps hold everything. `view` takes points of the query photo to its pane; `link` takes
// points of the candidate's photo to the query photo. The candidate is shown by view ∘ link, so
// both panes always show corresponding places.

import { h } from "./dom.js";
import { IDENTITY, about, apply, apply3, asMatrix, compose, edgeMap, fit, invert, invert3, move, multiply, scaleOf, similarityAt } from "./geometry.js";
import { chosen, drawCursor, drawLine, fresh } from "./lines.js";
import { Pane } from "./pane.js";
import { followPointers } from "./pointers.js";

const TRUSTED = 12; // verified lines from which a geometry may turn the candidate unasked
const LARGEST = 40; // screen pixels per photo pixel
const CROWD = 60;

export class PairViewer {
  /** `changed()` is told when zoom, mode or what can be done has changed. */
  constructor(changed = () => {}) {
    this.query = new Pane("query");
    this.candidate = new Pane("candidate");
    this.canvas = h("canvas", { class: "match-lines", "aria-hidden": "true" });
    this.root = h("div", { class: "viewer" }, this.query.root, this.candidate.root, this.canvas);
    this.changed = changed;
    this.view = IDENTITY;
    this.link = IDENTITY;
    this.pair = null;
    this.overlay = false;
    this.opacity = 0.5;
    this.amount = "strongest";
    this.aligned = false;
    this.contrast = 0;
    this.turned = 0;
    this.cursor = null;
    this.size = [0, 0];
    new ResizeObserver(() => this.#resized()).observe(this.root);
    followPointers(this);
  }

  /** Show a pair; `pair` (lines and transform) may come later by `match`. */
  show(query, candidate, labels) {
    const sameQuery = query && this.query.annotation?.id === query.id;
    this.query.show(query, labels.query);
    this.candidate.show(candidate, labels.candidate);
    this.root.classList.toggle("viewer-alone", !candidate);
    this.pair = null;
    this.inverse = null;
    this.aligned = false;
    if (!candidate && this.overlay) this.setOverlay(false);
    if (sameQuery) this.#linkBoxes();
    else this.fit();
    this.paint();
  }

  /** The match of the pair that is shown: {lines, transform}, in photo pixels. */
  match(pair) {
    this.pair = pair;
    const matrix = pair?.transform && edgeMap(pair.transform);
    this.transform = matrix;
    this.inverse = matrix && invert3(matrix);
    this.aligned = this.#trusted();
    this.#linkBoxes();
    this.paint();
    this.changed();
  }

  get canAlign() {
    return Boolean(this.inverse) && this.#similarity() !== null;
  }

  get zoom() {
    return this.query.annotation ? scaleOf(this.view) / scaleOf(this.#fitted(this.query.annotation)) : 1;
  }

  // What the user does -------------------------------------------------------------------------

  fit() {
    if (!this.query.annotation) return;
    this.size = this.query.size();
    this.turned = 0;
    this.view = this.#fitted(this.query.annotation);
    this.#linkBoxes();
    this.paint();
    this.changed();
  }

  /** Zoom about a point of the pane, its middle if none is given. */
  zoomBy(factor, point = this.#middle()) {
    const scale = scaleOf(this.view);
    const least = scaleOf(this.#fitted(this.query.annotation)) / 4;
    const bounded = Math.min(LARGEST, Math.max(least, scale * factor)) / scale;
    this.#viewAs(compose(about(point, bounded), this.view));
  }

  panBy(dx, dy) {
    this.#viewAs(compose(move(dx, dy), this.view));
  }

  turnBy(degrees) {
    this.turned = (this.turned + degrees + 360) % 360;
    this.#viewAs(compose(about(this.#middle(), 1, degrees), this.view));
  }

  /** Two fingers: zoom, turn and pan in one. `change` is a similarity of the pane. */
  changeBy(change) {
    this.#viewAs(compose(change, this.view));
  }

  /** Move one photo alone: the candidate, or the query beneath it. */
  shiftAlone(which, dx, dy) {
    const moved = compose(move(dx, dy), which === "query" ? this.view : compose(this.view, this.link));
    if (which === "query") {
      this.link = compose(invert(moved), compose(this.view, this.link));
      this.view = moved;
    } else this.link = compose(invert(this.view), moved);
    this.aligned = false;
    this.paint();
    this.changed();
  }

  setAligned(on) {
    this.aligned = on && this.canAlign;
    this.#linkBoxes();
    this.paint();
    this.changed();
  }

  setLines(amount) {
    this.amount = amount;
    this.paint();
    this.changed();
  }

  setContrast(level) {
    this.contrast = level;
    this.root.dataset.contrast = String(level);
    this.changed();
  }

  setOverlay(on) {
    if (on && !this.candidate.annotation) return;
    this.overlay = on;
    this.root.classList.toggle("viewer-overlay", on);
    this.setOpacity(0.5);
    this.#resized();
  }

  /** How much of the candidate is seen over the query, in [0, 1]. */
  setOpacity(opacity) {
    this.opacity = opacity;
    this.candidate.root.style.opacity = this.overlay ? String(opacity) : "";
    this.changed();
  }

  /** Remember where the pointer is, to mark the same place on the other photo. */
  pointAt(pane, point) {
    this.cursor = pane && !this.overlay ? { pane, point } : null;
    this.#draw();
  }

  // How it is shown ----------------------------------------------------------------------------

  paint() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (!this.query.annotation) return;
      const shown = compose(this.view, this.link);
      this.query.place(this.view);
      if (this.overlay && this.inverse) this.candidate.placeBy(multiply(asMatrix(this.view), this.inverse), scaleOf(shown));
      else this.candidate.place(shown);
      this.#draw();
    });
  }

  #viewAs(view) {
    this.view = view;
    this.paint();
    this.changed();
  }

  #fitted(annotation) {
    return fit(annotation, this.size);
  }

  #middle() {
    return [this.size[0] / 2, this.size[1] / 2];
  }

  #similarity() {
    const { annotation } = this.candidate;
    if (!this.inverse || !annotation) return null;
    const points = this.pair.lines.filter((line) => line[5]);
    const middle = points.length
      ? [2, 3].map((column) => points.reduce((sum, line) => sum + line[column] + 0.5, 0) / points.length)
      : [annotation.width / 2, annotation.height / 2];
    return similarityAt(this.inverse, middle);
  }

  /** Whether the geometry is so well supported, and so plain, that the candidate may follow it. */
  #trusted() {
    if (!this.canAlign || this.pair.lines.filter((line) => line[5]).length < TRUSTED) return false;
    const boxes = compose(invert(this.#fitted(this.query.annotation)), this.#fitted(this.candidate.annotation));
    const grown = scaleOf(this.#similarity()) / scaleOf(boxes);
    return grown > 0.4 && grown < 2.5;
  }

  #linkBoxes() {
    const { annotation } = this.candidate;
    if (!annotation || !this.query.annotation) return;
    this.link = this.aligned
      ? this.#similarity()
      : compose(invert(this.#fitted(this.query.annotation)), this.#fitted(annotation));
  }

  #resized() {
    const size = this.query.size();
    if (!size[0] || !this.query.annotation || (size[0] === this.size[0] && size[1] === this.size[1])) return;
    const [before, middle] = [this.zoom, this.#middle()];
    const centre = this.size[0] ? apply(invert(this.view), middle) : null;
    this.size = size;
    if (!centre) return void this.fit();
    const [x, y] = apply(this.view, centre);
    const grown = (before * scaleOf(this.#fitted(this.query.annotation))) / scaleOf(this.view);
    const [toX, toY] = this.#middle();
    this.#linkBoxes();
    this.#viewAs(compose(move(toX - x, toY - y), compose(about([x, y], grown), this.view)));
  }

  #draw() {
    const context = fresh(this.canvas);
    if (!this.candidate.annotation || !this.query.annotation) return;
    const origin = this.canvas.getBoundingClientRect();
    const offset = (pane) => {
      const frame = pane.root.getBoundingClientRect();
      return [frame.left - origin.left, frame.top - origin.top];
    };
    const [atQuery, atCandidate] = [offset(this.query), offset(this.candidate)];
    const lines = chosen(this.pair?.lines ?? [], this.amount);
    const toCandidate = this.overlay && this.inverse
      ? (point) => apply(this.view, apply3(this.inverse, point))
      : (point) => apply(compose(this.view, this.link), point);
    for (const [qx, qy, cx, cy, confidence, verified] of lines) {
      const start = apply(this.view, [qx + 0.5, qy + 0.5]);
      const end = toCandidate([cx + 0.5, cy + 0.5]);
      if (this.#inside(start) && this.#inside(end)) {
        drawLine(context, plus(start, atQuery), plus(end, atCandidate), confidence, verified, lines.length > CROWD);
      }
    }
    if (this.cursor) this.#drawCursor(context, atQuery, atCandidate);
  }

  #drawCursor(context, atQuery, atCandidate) {
    const { pane, point } = this.cursor;
    const shown = compose(this.view, this.link);
    const there = pane === "query"
      ? (this.transform ? apply(shown, apply3(this.transform, apply(invert(this.view), point))) : point)
      : (this.inverse ? apply(this.view, apply3(this.inverse, apply(invert(shown), point))) : point);
    if (this.#inside(there)) drawCursor(context, plus(there, pane === "query" ? atCandidate : atQuery));
  }

  #inside([x, y]) {
    return x >= 0 && y >= 0 && x <= this.size[0] && y <= this.size[1];
  }
}

const plus = ([x, y], [dx, dy]) => [x + dx, y + dy];
