// Merging two individuals and splitting one: what will happen first, undo afterwards.

import { chip, get, post } from "./api.js";
import { open } from "./dialog.js";
import { h } from "./dom.js";
import { count, day, seen } from "./format.js";
import { complain, say } from "./toast.js";

/** Offer to take a decision back; `then()` draws what changed. */
function sayUndoable(text, { id }, desk, then) {
  say(text, { action: { label: "Undo", run: async () => {
    try {
      await post(`/decisions/${encodeURIComponent(id)}/undo`);
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

/** Give some photos of an individual a name of their own; whether that was done. */
export async function split(known, photos, desk, then) {
  const { name } = known;
  const asked = (other) => ({ name, annotations: photos.map(({ id }) => id), new_name: other.trim() });
  const decision = await open(`Split ${count(photos.length, "photo")} off ${name}`, (close) => {
    const input = h("input", { id: "split-name", autocomplete: "off", required: true, value: `${name} B`, autofocus: true });
    const said = h("p", { class: "preview", role: "status" });
    const tell = (text, wrong) => { said.textContent = text; said.className = `preview ${wrong ? "wrong" : ""}`; };
    const look = async () => {
      try {
        const { preview } = await post("/individuals/split", { ...asked(input.value), preview: true });
        const apart = Object.entries(preview.encounters).map(([from, to]) => `The other photos of “${from}” stay, so these get an encounter of their own: “${to}”.`);
        tell(described(preview, apart.join(" ")));
      } catch (error) {
        tell(error.message, true);
      }
    };
    look();
    input.addEventListener("change", look);
    return h("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      try {
        close(await post("/individuals/split", asked(input.value), known.etag));
      } catch (error) {
        tell(error.message, true);
      }
    } }, contact(photos), h("label", { for: "split-name" }, "Name of the other animal"), input, said,
    h("div", { class: "form-actions" }, h("button", { type: "button", class: "button", onclick: () => close() }, "Cancel"), h("button", { class: "button button-main" }, "Split")));
  }, { wide: true });
  if (!decision) return false;
  desk.refresh();
  sayUndoable(`${count(photos.length, "photo")} split off as ${decision.individual}.`, decision, desk, then);
  return true;
}

function contact(photos) {
  return h("div", { class: "contact" }, photos.map((annotation) => h("figure", {}, h("img", { src: chip(annotation.id, 512), alt: annotation.name, loading: "lazy" }), h("figcaption", {}, day(seen(annotation))))));
}

/** What a preview says of the individuals as they would be. */
function described({ individuals }, first) {
  const then = individuals.map(({ name, photos, encounters }) => `${name} has ${count(photos, "photo")} of ${count(encounters, "encounter")}`).join("; ");
  return `${first} Afterwards ${then}.`.trim();
}

