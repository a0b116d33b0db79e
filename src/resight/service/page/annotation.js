// One annotation: its photo with the box, its side, and when and where it was taken.

import { get, patch, put } from "./api.js";
import { BoxEditor } from "./boxeditor.js";
import { open } from "./dialog.js";
import { fill, h } from "./dom.js";
import { Finder, putInOthers, sayOthers } from "./finding.js";
import { seen, side } from "./format.js";
import { MaskEditor } from "./maskeditor.js";
import { proposalButton, proposedSide } from "./siding.js";
import { say } from "./toast.js";

export const SIDES = ["unknown", "left", "right", "top", "bottom", "front", "back", "topleft", "topright", "frontleft", "frontright", "backleft", "backright"];

export function sideSelect(current, changed, attributes = {}) {
  return h("select", { ...attributes, onchange: ({ target }) => changed(target.value, target) },
    SIDES.map((name) => h("option", { value: name, selected: name === (current ?? "unknown") }, side(name) || "side?")));
}

/**
 * Show one annotation to be corrected; the annotation as saved, or null. Its `others` are the
 * annotations of further animals that were put in with it; `undone()` when they were taken out.
 * Where only a part of it could be saved, that part is, also if the dialog is then dismissed.
 */
export async function openAnnotation(given, mayEdit = true, undone = () => {}) {
  let annotation = given;
  try {
    annotation = await get(`/annotations/${encodeURIComponent(given.id)}`); // with its newest etag
  } catch {
    // Shown as it was read; saving will say what is wrong.
  }
  let part = null;
  const all = await open(annotation.name, (close) => form(annotation, mayEdit, close, undone, (now) => { part = now; }), { wide: true });
  return all ?? part;
}

/** Save facts, and its mask and whether it is hidden, which are decisions of their own; each is told to `kept`. */
async function saved(annotation, { hidden, mask, ...facts }, others, undone, kept) {
  const path = `/annotations/${encodeURIComponent(annotation.id)}`;
  let now = annotation;
  const keep = (changed) => {
    now = changed;
    annotation.etag = now.etag; // what follows may be refused, and saved again
    kept(now);
  };
  if (Object.keys(facts).length) keep(await patch(path, facts, now.etag));
  if (mask !== undefined) keep({ ...now, etag: (await put(`${path}/mask`, { mask }, now.etag)).etag });
  if (hidden !== undefined) keep(await patch(path, { hidden }, now.etag));
  if (!others.length) return now;
  const made = await putInOthers(annotation, others);
  sayOthers([made], undone);
  return { ...now, others: made.annotations };
}

/** As it is for the box that was saved; without a word where nothing can be proposed. */
async function proposeInto(place, annotation, select) {
  const proposed = await proposedSide(annotation).catch(() => null);
  if (proposed && select.value === "unknown") fill(place, proposalButton(proposed, select, annotation.name));
}

function form(annotation, mayEdit, close, undone, kept) {
  const changes = {};
  let some = false; // of them is saved
  const keep = (now) => {
    some = true;
    kept(now);
  };
  const wrong = h("p", { class: "wrong", role: "alert" });
  const save = h("button", { class: "button button-main", disabled: true }, "Save");
  const note = (name, value) => {
    changes[name] = value;
    save.disabled = false;
  };
  const editor = new BoxEditor(annotation, ({ box, rotation }) => {
    note("box", box);
    note("rotation", rotation);
  });
  const finder = new Finder(annotation, editor, () => { save.disabled = false; });
  const mask = new MaskEditor(annotation, editor, (drawn) => note("mask", drawn));
  const text = (name, label, value, hint = "") => h("label", {}, label, h("input", { value: value ?? "", placeholder: hint, autocomplete: "off", oninput: (event) => note(name, event.target.value.trim() || null) }));
  const select = sideSelect(annotation.side, (value) => note("side", value));
  const proposal = h("div", { class: "side-proposal", role: "status" });
  if (mayEdit && annotation.side === "unknown") proposeInto(proposal, annotation, select);
  const fields = h("fieldset", { class: "annotation-fields", disabled: !mayEdit }, h("legend", { class: "visually-hidden" }, "Facts"),
    h("label", {}, "Side", select), proposal,
    text("encounter", "Encounter", annotation.encounter, "photos of one occasion"),
    text("date", "Date", (annotation.date ?? seen(annotation)).slice(0, 10), "2024-07-05"),
    text("place", "Place", annotation.place),
    text("species", "Species", annotation.species),
    finder.root,
    h("button", { type: "button", class: "button", onclick: () => editor.clear() }, "No box: the whole photo"),
    editor.fields,
    h("label", { class: "check" }, h("input", { type: "checkbox", checked: annotation.hidden, onchange: (event) => note("hidden", event.target.checked) }), "Leave this photo out of every search"));
  const submit = async (event) => {
    event.preventDefault();
    save.disabled = true;
    wrong.textContent = "";
    try {
      close(await saved(annotation, changes, finder.others, undone, keep));
      say("Saved.");
    } catch (error) {
      wrong.textContent = error.status === 412
        ? "Somebody changed this photo in the meantime. Close and open it again to see how it is now; " + (some ? "only a part of yours was saved." : "nothing of yours was saved.")
        : error.message;
      save.disabled = error.status === 412;
    }
  };
  return h("form", { class: "annotation-form", onsubmit: submit }, h("div", { class: "annotation-photo" }, editor.frame, mayEdit && mask.root),
    h("div", { class: "annotation-side" }, fields, wrong,
      h("p", { class: "hint" }, "Drag on the photo to draw a box; drag the box, its handles, or the round one above to correct it."),
      mayEdit && h("div", { class: "form-actions" }, h("button", { type: "button", class: "button", onclick: () => close() }, "Cancel"), save)));
}
