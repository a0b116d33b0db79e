// One photo in a frame: loads as many pixels as are seen, and shows them as a matrix says.

import { picture } from "./api.js";
import { h } from "./dom.js";
import { asMatrix, css, scaleOf } from "./geometry.js";

const WIDTHS = [320, 640, 1280, 2560]; // what the server makes
const known = new Map(); // address of a picture -> its Image, once decoded: photos come back when undone

/** Ask for a picture before it is needed. Returns a promise of its `Image`. */
export function preload(sha256, width) {
  const address = picture(sha256, width);
  if (!known.has(address)) {
    const image = new Image();
    image.src = address;
    const ready = image.decode().then(() => image);
    ready.catch(() => known.delete(address));
    known.set(address, ready);
    if (known.size > 60) known.delete(known.keys().next().value);
  }
  return known.get(address);
}

/** The width of picture that shows `pixels` CSS pixels sharply. */
export function widthFor(pixels) {
  const wanted = pixels * (window.devicePixelRatio || 1);
  return WIDTHS.find((width) => width >= wanted * 0.9) ?? WIDTHS.at(-1);
}

export class Pane {
  constructor(name) {
    this.image = h("img", { alt: "", draggable: "false", class: "pane-photo" });
    this.note = h("p", { class: "pane-note", hidden: true });
    this.root = h("div", { class: `pane pane-${name}`, "data-pane": name }, this.image, this.note);
    this.annotation = null;
    this.width = 0;
  }

  /** Show another photo; `label` is what a screen reader says of it. */
  show(annotation, label) {
    const same = annotation && this.annotation?.photo === annotation.photo;
    this.annotation = annotation;
    this.image.alt = label;
    this.note.hidden = true;
    if (!annotation) {
      this.image.hidden = true;
      this.image.removeAttribute("src");
      return;
    }
    this.image.style.width = `${annotation.width}px`;
    this.image.style.height = `${annotation.height}px`;
    if (same) return;
    this.width = 0;
    this.image.hidden = true;
  }

  size() {
    return [this.root.clientWidth, this.root.clientHeight];
  }

  /** Place the photo by a similarity, and fetch more pixels where it has grown. */
  place(view) {
    this.placeBy(asMatrix(view), scaleOf(view));
  }

  placeBy(matrix, scale) {
    if (!this.annotation) return;
    this.image.style.transform = css(matrix);
    this.#refine(widthFor(this.annotation.width * scale));
  }

  async #refine(width) {
    if (width <= this.width) return;
    const { annotation } = this;
    const first = this.width === 0;
    this.width = width;
    try {
      const ready = await preload(annotation.photo, width);
      if (this.annotation?.photo !== annotation.photo || this.width > width) return;
      this.image.src = ready.src;
      this.image.hidden = false;
    } catch {
      if (this.annotation?.photo !== annotation.photo || !first) return;
      this.note.textContent = "This photo cannot be shown. Its file may be missing: run resight check.";
      this.note.hidden = false;
    }
  }
}
