// Sides that the catalogue's own photos propose: shown beside the side, taken by people.

import { post } from "./api.js";
import { h } from "./dom.js";
import { percent, side } from "./format.js";

/** What is proposed for an annotation: {side, probability}, null if nothing is sure, undefined if nothing was learned. */
export async function proposedSide(annotation) {
  const found = await post(`/annotations/${encodeURIComponent(annotation.id)}/side`);
  if (found.side === null) return undefined;
  return found.sure ? found : null;
}

/** Puts the proposal into the side's select, as if somebody had chosen it. */
export function proposalButton(proposed, select, name) {
  const button = h("button", { type: "button", class: "button button-small side-proposed", title: "Nobody has said so yet: press to take it", "aria-label": `Take ${side(proposed.side)} for ${name}, ${percent(proposed.probability)} sure`, onclick: () => {
    select.value = proposed.side;
    select.focus();
    select.dispatchEvent(new Event("change"));
  } }, `${side(proposed.side)}? ${percent(proposed.probability)}`);
  select.addEventListener("change", () => button.remove(), { once: true }); // whatever was chosen
  return button;
}
