// A row of small photos of which one is chosen.

import { chip } from "./api.js";
import { fill, h, reveal } from "./dom.js";
import { facts, seen, side } from "./format.js";

export class Strip {
  /** `chosen(index)` when another photo is picked. */
  constructor(label, chosen) {
    this.chosen = chosen;
    this.root = h("div", { class: "strip", role: "group", "aria-label": label });
  }

  /** `photos`: [{annotation, points, compared}]; `points` is how many matching points were found. */
  show(photos, current) {
    const focused = this.root.contains(document.activeElement);
    fill(this.root, photos.map(({ annotation, points, compared = true }, index) => h("button", {
      class: `thumb ${compared ? "" : "thumb-faint"}`,
      "aria-pressed": String(index === current),
      "aria-label": `Photo ${index + 1} of ${photos.length}: ${facts(annotation) || annotation.name}${compared ? "" : ", not compared"}`,
      title: [facts(annotation) || annotation.name, compared ? points && `${points} matching points` : "not compared in full"].filter(Boolean).join("\n"),
      onclick: () => this.chosen(index),
    }, h("img", { src: chip(annotation.id, 256), alt: "", loading: "lazy" }),
    h("span", { class: "thumb-facts" }, [side(annotation.side), seen(annotation).slice(0, 4)].filter(Boolean).join(" · ")))));
    this.root.hidden = photos.length === 0;
    const at = this.root.querySelector('[aria-pressed="true"]');
    reveal(this.root, at);
    if (focused) at?.focus();
  }
}
