// Boxes that a detector proposes: shown on the photo, taken or left by people.

import { picture, post } from "./api.js";
import { open } from "./dialog.js";
import { fill, h, svg } from "./dom.js";
import { count } from "./format.js";
import { complain, say } from "./toast.js";

const FOUND_BY = {
  salient: "Found by what stands out in the photo: it may be another thing, or a part.",
  catalogue: "Found by what the boxes of this catalogue are drawn around.",
};

const look = (annotation) => post(`/annotations/${encodeURIComponent(annotation.id)}/boxes`);
const surely = (score) => `score ${score.toFixed(2)}`;

/** Put more animals into the catalogue that are on an annotation's photo. */
export const putInOthers = (annotation, boxes) => post(`/annotations/${encodeURIComponent(annotation.id)}/others`, { boxes });

/** Say that photos got more animals, and offer to take that back; `then()` when it was. */
export function sayOthers(made, then) {
  const decisions = made.map(({ decision }) => decision).filter(Boolean);
  const animals = decisions.reduce((sum, { annotations }) => sum + annotations, 0);
  if (!animals) return;
  say(`${count(animals, "more animal")} put in.`, { action: { label: "Undo", run: async () => {
    try {
      for (const { id } of decisions) await post(`/decisions/${encodeURIComponent(id)}/undo`);
      say("Undone.");
      then();
    } catch (error) {
      complain(error);
    }
  } } });
}

/** Boxes with their numbers, in the pixels of a photo `unit` of which are one on the screen. */
export function outlines(boxes, unit) {
  return boxes.flatMap(([x, y, w, height], index) => [
    svg("rect", { x, y, width: w, height, class: "box-line-back", "stroke-width": 4 * unit }),
    svg("rect", { x, y, width: w, height, class: "box-proposed", "stroke-width": 2 * unit }),
    svg("text", { x: x + 6 * unit, y: y + 20 * unit, class: "box-number", "font-size": 18 * unit, "stroke-width": 3 * unit }, String(index + 1)),
  ]);
}

/** The part of an annotation's form that finds its animal; `changed()` when what is to be saved did. */
export class Finder {
  constructor(annotation, editor, changed) {
    this.annotation = annotation;
    this.editor = editor;
    this.changed = changed;
    this.found = [];
    this.button = h("button", { type: "button", class: "button", onclick: () => this.#find() }, "Find the animal");
    this.said = h("p", { class: "hint", role: "status" });
    this.choices = h("div", { class: "finder-choices", role: "group", "aria-label": "Boxes found", hidden: true });
    this.root = h("div", { class: "finder" }, this.button, this.said, this.choices);
  }

  /** Boxes of the other animals, if they are to be put in too. */
  get others() {
    return this.more?.checked ? this.found.filter((box) => box !== this.taken) : [];
  }

  async #find() {
    this.button.disabled = true;
    this.said.textContent = "Looking…";
    try {
      const { boxes, detector } = await look(this.annotation);
      this.said.textContent = boxes.length ? FOUND_BY[detector] : "No animal was found. Draw the box by hand.";
      this.#show(boxes);
    } catch (error) {
      this.said.textContent = error.message;
    }
    this.button.disabled = false;
    if (!this.found.length) this.button.focus();
  }

  #show(boxes) {
    this.found = boxes.map(({ box }) => box);
    this.taken = null;
    this.editor.propose(this.found);
    const buttons = boxes.map(({ box, score, label }, index) => h("button", { type: "button", class: "button button-small", "aria-pressed": "false", onclick: (event) => {
      this.taken = box;
      this.editor.set([...box], 0);
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === event.currentTarget));
    } }, [`Box ${index + 1}`, label, surely(score)].filter(Boolean).join(" · ")));
    this.more = boxes.length > 1 ? h("input", { type: "checkbox", onchange: () => this.changed() }) : null;
    fill(this.choices, buttons, this.more && h("label", { class: "check" }, this.more, "The others are animals too: put them in"));
    this.choices.hidden = !boxes.length;
    buttons[0]?.focus();
  }
}

/**
 * Propose boxes on many photos. `take(annotation, box, others)` is called for each photo of which
 * somebody took some; resolves when all are.
 */
export async function findMany(annotations, take) {
  let closed = false;
  const cards = [];
  const said = h("p", { class: "hint", role: "status" });
  const list = h("ul", { class: "finder-list" });
  const chosen = () => cards.filter((card) => card.ticked().length);
  const done = await open("Find the animals", (close) => {
    const button = h("button", { class: "button button-main", disabled: true, onclick: () => close(true) }, "Take these boxes");
    const tell = () => {
      const boxes = chosen().reduce((sum, card) => sum + card.ticked().length, 0);
      button.textContent = boxes ? `Take ${count(boxes, "box", "boxes")}` : "Take these boxes";
      button.disabled = !boxes;
    };
    lookAtAll(annotations, list, cards, said, tell, () => closed);
    return [said, h("p", { class: "hint" }, "Nothing is taken yet. Tick the boxes that are right; a second box on a photo becomes an animal of its own."), list,
      h("div", { class: "form-actions" }, h("button", { class: "button", autofocus: true, onclick: () => close() }, "Cancel"), button)];
  }, { wide: true });
  closed = true;
  if (!done) return;
  for (const card of chosen()) {
    const [box, ...others] = card.ticked();
    try {
      await take(card.annotation, box, others);
    } catch (error) {
      complain(error);
    }
  }
}

/** One photo after the other, so that nobody else waits long. */
async function lookAtAll(annotations, list, cards, said, tell, closed) {
  let without = 0;
  for (const [index, annotation] of annotations.entries()) {
    said.textContent = `Looking at photo ${index + 1} of ${annotations.length}…`;
    try {
      const { boxes } = await look(annotation);
      if (closed()) return;
      if (boxes.length) {
        cards.push(new Card(annotation, boxes, tell));
        list.append(cards.at(-1).root);
        tell();
      } else without += 1;
    } catch (error) {
      if (closed()) return;
      list.append(h("li", { class: "wrong" }, `${annotation.name}: ${error.message}`));
    }
  }
  said.textContent = `${count(annotations.length, "photo")} looked at${without ? `, ${without} without an animal that could be found` : ""}.`;
}

/** A photo with the boxes found on it. */
class Card {
  constructor(annotation, boxes, changed) {
    this.annotation = annotation;
    const { width, height, name } = annotation;
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...outlines(boxes.map(({ box }) => box), width / 280));
    const frame = h("div", { class: "finder-photo" }, h("img", { src: picture(annotation.photo, 640), alt: "", loading: "lazy" }), drawing);
    frame.style.aspectRatio = `${width} / ${height}`;
    this.ticks = boxes.map(({ box, score }, index) => ({ box, tick: h("input", { type: "checkbox", checked: index === 0, "aria-label": `Box ${index + 1} on ${name}`, onchange: changed }), score }));
    this.root = h("li", {}, frame, h("div", { class: "finder-ticks" }, this.ticks.map(({ tick, score }, index) => h("label", { class: "check" }, tick, `${index + 1} · ${surely(score)}`))));
  }

  ticked() {
    return this.ticks.filter(({ tick }) => tick.checked).map(({ box }) => box);
  }
}
