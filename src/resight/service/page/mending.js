// Merging two individuals and splitting one: what will happen first, undo afterwards.

import { chip, get, post } from "./api.js";
import { open } from "./dialog.js";
import { h } from "./dom.js";
import { count, day, seen } from "./format.js";
import { complain, say } from "./toast.js";

/** Offer to take a decision back; `then()` draws what changed. */
export function sayUndoable(text, decision, desk, then) {
  say(text, { action: { label: "Undo", run: async () => {
    try {
      await post(`/decisions/${encodeURIComponent(decision.id)}/undo`);
      say("Undone.");
      desk.refresh();
      then();
    } catch (error) {
      complain(error);
    }
  } } });
}

/** Merge two individuals; the name that was kept, or null. */
export async function merge(a, b, desk) {
  let known;
  try {
    known = await Promise.all([a, b].map((name) => get("/individual", { name })));
  } catch (error) {
    complain(error);
    return null;
  }
  const chosen = await open(`Are ${a} and ${b} one animal?`, (close) => {
    const said = h("p", { class: "preview", role: "status" });
    const button = h("button", { class: "button button-main", disabled: true, onclick: () => close(keep) }, "Merge");
    let keep = known[0].photos >= known[1].photos ? a : b;
    const preview = async () => {
      const from = keep === a ? b : a;
      button.disabled = true;
      try {
        const body = await post("/individuals/merge", { from, into: keep, preview: true });
        said.textContent = described(body.preview, `${count(body.preview.annotations.length, "photo")} of ${from} will be called ${keep}.`);
        said.className = "preview";
        button.disabled = false;
      } catch (error) {
        said.textContent = error.message;
        said.className = "preview wrong";
      }
    };
    const choice = (name) => h("label", { class: "check" }, h("input", { type: "radio", name: "keep", checked: name === keep, onchange: () => { keep = name; preview(); } }), `Keep the name ${name}`);
    preview();
    return [
      h("div", { class: "two" }, known.map(({ name, shown }) => h("section", {}, h("h3", {}, name), contact(shown)))),
      h("fieldset", { class: "plain-set" }, h("legend", { class: "visually-hidden" }, "Which name is kept"), choice(a), choice(b)), said,
      h("div", { class: "form-actions" }, h("button", { class: "button", onclick: () => close() }, "Cancel"), button),
    ];
  }, { wide: true });
  if (!chosen) return null;
  const from = chosen === a ? b : a;
  try {
    const decision = await post("/individuals/merge", { from, into: chosen }, known.find(({ name }) => name === from).etag);
    desk.refresh();
    sayUndoable(`${from} is now ${chosen}.`, decision, desk, () => desk.open());
    return chosen;
  } catch (error) {
    complain(error);
    return null;
  }
}

/** Give some photos of an individual a name of their own; the decision, or null. */
export async function split({ name, etag }, photos, desk, then) {
  const annotations = photos.map(({ id }) => id);
  const decision = await open(`Split ${count(photos.length, "photo")} off ${name}`, (close) => {
    const input = h("input", { id: "split-name", autocomplete: "off", required: true, value: `${name} B`, autofocus: true });
    const said = h("p", { class: "preview", role: "status" });
    const call = (preview) => post("/individuals/split", { name, annotations, new_name: input.value.trim(), preview }, etag);
    const tell = (error) => { said.textContent = error.message; said.className = "preview wrong"; };
    const look = async () => {
      try {
        const body = await call(true);
        said.textContent = described(body.preview, "");
        said.className = "preview";
      } catch (error) {
        tell(error);
      }
    };
    look();
    input.addEventListener("change", look);
    return h("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      try {
        close(await call(false));
      } catch (error) {
        tell(error);
      }
    } }, contact(photos), h("label", { for: "split-name" }, "Name of the other animal"), input, said,
    h("div", { class: "form-actions" }, h("button", { type: "button", class: "button", onclick: () => close() }, "Cancel"), h("button", { class: "button button-main" }, "Split")));
  }, { wide: true });
  if (!decision) return null;
  desk.refresh();
  sayUndoable(`${count(photos.length, "photo")} split off${decision.individual ? ` as ${decision.individual}` : ""}.`, decision, desk, then);
  return decision;
}

function contact(photos) {
  return h("div", { class: "contact" }, photos.map((annotation) => h("figure", {}, h("img", { src: chip(annotation.id, 512), alt: annotation.name, loading: "lazy" }), h("figcaption", {}, day(seen(annotation))))));
}

/** What a preview says of the individuals as they would be. */
function described({ individuals }, first) {
  const then = individuals.map(({ name, photos, encounters }) => `${name} has ${count(photos, "photo")} of ${count(encounters, "encounter")}`).join("; ");
  return `${first} Afterwards ${then}.`.trim();
}

