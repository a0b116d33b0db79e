// One animal: when it was met, its best photos, who said so, and mending what was said wrongly.

import { chip, get, patch } from "./api.js";
import { pickIndividual } from "./choosing.js";
import { open } from "./dialog.js";
import { fill, h, icon } from "./dom.js";
import { count, day, facts, side } from "./format.js";
import { againLink, decisionList } from "./history.js";
import { mapOf } from "./map.js";
import { merge, split } from "./mending.js";
import { complain, say } from "./toast.js";

export async function show(main, parameters, desk) {
  const page = new IndividualPage(main, parameters, desk);
  await page.load();
  if (parameters.split && page.mayMend) page.choose(parameters.split.split(","));
  if (parameters.merge && page.mayMend) page.mergeWith(parameters.merge);
  const key = (name, label, run) => ({ key: name, label, group: "Individual", run });
  return {
    keys: [
      page.mayEdit && key("e", "Change the name or notes", () => page.edit()),
      ...(page.mayMend ? [key("m", "Merge with another", () => page.mergeWith()),
      key("t", "Choose photos to split off", () => page.choose()),
      key("Escape", "Choose no longer", () => page.chosen && page.choose(null))] : []),
    ].filter(Boolean),
    leave: () => { page.left = true; },
  };
}

class IndividualPage {
  constructor(main, parameters, desk) {
    this.main = main;
    this.desk = desk;
    this.name = parameters.name;
    this.chosen = null; // ids of photos to split off, while choosing
    this.mayEdit = desk.may("reviewer");
    this.mayMend = desk.may("curator");
  }

  async load() {
    const known = await get("/individual", { name: this.name });
    if (this.left) return; // another view is shown by now
    this.known = known;
    this.draw();
  }

  draw() {
    const { known } = this;
    fill(this.main, h("div", { class: "page individual" },
      h("p", { class: "crumbs" }, h("a", { href: "#/individuals" }, "Individuals")),
      h("div", { class: "page-head" },
        h("h1", {}, known.name),
        h("p", { class: "hint" }, this.#life()), h("span", { class: "grow" }),
        this.mayEdit && !this.chosen && h("button", { class: "button", onclick: () => this.edit() }, this.mayMend ? "Name and notes" : "Notes"),
        this.mayMend && !this.chosen && [
          h("button", { class: "button", onclick: () => this.mergeWith() }, icon("merge"), "Merge…"),
          h("button", { class: "button", onclick: () => this.choose() }, icon("split"), "Split…"),
        ]),
      known.notes && h("p", { class: "notes" }, known.notes),
      this.chosen && this.#splitBar(),
      this.#best(), this.#map(), this.#timeline(), this.#history()));
  }

  #life() {
    const { known } = this;
    return [count(known.photos, "photo"), count(known.encounters, "encounter"),
      known.first_seen && (known.first_seen === known.last_seen ? day(known.first_seen) : `${day(known.first_seen)} to ${day(known.last_seen)}`)].filter(Boolean).join(" · ");
  }

  get photos() {
    return this.known.shown;
  }

  #best() {
    const best = Object.entries(this.known.best);
    if (!best.length || this.chosen) return null;
    return h("section", { class: "best", "aria-label": "Best photo of each side" }, best.map(([, id]) => {
      const annotation = this.photos.find((each) => each.id === id);
      return annotation && this.#photo(annotation, 1024);
    }));
  }

  #map() {
    const drawn = !this.chosen && mapOf(metAt(this.known), { folded: true });
    return drawn && h("section", { "aria-label": "Where it was met" }, h("h2", {}, "Where it was met"), drawn);
  }

  #timeline() {
    return h("section", { "aria-label": "Encounters" },
      h("h2", {}, "Encounters"),
      h("ol", { class: "timeline" }, [...this.known.timeline].reverse().map((met) => h("li", {},
        h("div", { class: "timeline-when" }, h("strong", {}, day(met.seen_on) || "No date"),
          h("span", { class: "hint" }, [met.name, met.place].filter(Boolean).join(" · ")),
          this.mayEdit && h("a", { class: "hint", href: againLink(met.ref), "aria-label": `Look again at ${met.name ?? "this photo"}` }, "look again")),
        h("div", { class: "timeline-photos" }, met.annotations.map((id) => this.#photo(this.photos.find((each) => each.id === id), 512)))))));
  }

  #photo(annotation, size) {
    const image = h("img", { src: chip(annotation.id, size), alt: facts(annotation) || annotation.name, loading: "lazy" });
    if (!this.chosen) {
      return h("button", { class: `photo ${annotation.hidden ? "photo-hidden" : ""}`, onclick: () => this.enlarge(annotation), title: annotation.name }, image,
        side(annotation.side) && h("span", { class: "photo-side" }, side(annotation.side)));
    }
    const box = h("input", { type: "checkbox", checked: this.chosen.has(annotation.id), onchange: (event) => {
      if (event.target.checked) this.chosen.add(annotation.id);
      else this.chosen.delete(annotation.id);
      fill(this.chosenText, this.#chosenText());
      this.splitButton.disabled = !this.#maySplit();
    } });
    return h("label", { class: "photo photo-choice" }, image, box, side(annotation.side) && h("span", { class: "photo-side" }, side(annotation.side)));
  }

  async enlarge(annotation) {
    const { openAnnotation } = await import("./annotation.js");
    if (await openAnnotation(annotation, this.mayEdit)) await this.load();
  }

  #history() {
    const list = h("div", {});
    decisionList(list, { individual: this.name }, this.desk, () => this.load()).catch(complain);
    return h("section", { "aria-label": "History" }, h("h2", {}, "Who said so"), list);
  }

  // Splitting: choose photos, look at what will happen, do it.

  choose(ids = []) {
    const own = new Map(this.photos.map(({ id }) => [String(id), id]));
    this.chosen = ids && new Set(ids.map((id) => own.get(String(id))).filter((id) => id !== undefined));
    this.draw();
    this.main.querySelector(".photo-choice input")?.focus();
  }

  #splitBar() {
    this.chosenText = h("span", { role: "status" }, this.#chosenText());
    this.splitButton = h("button", { class: "button button-main", disabled: !this.#maySplit(), onclick: () => this.#split() }, "Split these off…");
    return h("div", { class: "choose-bar" }, icon("split"), this.chosenText, h("span", { class: "grow" }),
      h("button", { class: "button", onclick: () => this.choose(null) }, "Cancel"), this.splitButton);
  }

  #chosenText() {
    return this.chosen.size ? `${count(this.chosen.size, "photo")} chosen` : "Choose the photos that show another animal";
  }

  #maySplit() {
    return this.chosen.size > 0 && this.chosen.size < this.photos.length;
  }

  async #split() {
    const photos = this.photos.filter(({ id }) => this.chosen.has(id));
    if (!await split(this.known, photos, this.desk, () => this.load())) return;
    this.chosen = null;
    await this.load();
  }

  async mergeWith(name) {
    const other = name ?? await pickIndividual({ title: `Merge ${this.name} with`, without: this.name });
    if (!other) return;
    const kept = await merge(this.name, other, this.desk);
    if (kept) this.desk.go("individual", { name: kept });
    if (kept === this.name) await this.load();
  }

  async edit() {
    const { known } = this;
    const said = await open("Name and notes", (close) => {
      const name = h("input", { id: "edit-name", value: known.name, autocomplete: "off", required: true, disabled: !this.mayMend, autofocus: this.mayMend });
      const notes = h("textarea", { id: "edit-notes", value: known.notes ?? "" });
      return h("form", { class: "form", onsubmit: (event) => { event.preventDefault(); close({ name: name.value.trim(), notes: notes.value.trim() }); } },
        h("label", { for: "edit-name" }, "Name"), name, h("label", { for: "edit-notes" }, "Notes"), notes,
        h("div", { class: "form-actions" }, h("button", { type: "button", class: "button", onclick: () => close() }, "Cancel"), h("button", { class: "button button-main" }, "Save")));
    });
    if (!said) return;
    let { name, etag } = known;
    try { // notes and name are a decision each
      if (said.notes !== known.notes) ({ etag } = await patch("/individual", { name, notes: said.notes }, etag));
      if (said.name !== known.name) ({ name } = await patch("/individual", { name, new_name: said.name }, etag));
    } catch (error) {
      if (error.status === 412) {
        await this.load();
        return void say("Somebody changed this animal in the meantime. It is shown as it is now; nothing of yours was saved.", { kind: "bad", action: { label: "Edit again", run: () => this.edit() } });
      }
      return void complain(error);
    }
    say("Saved.");
    if (name !== known.name) this.desk.go("individual", { name });
    else await this.load();
  }
}


/** Where an individual was met, the last first: a point of each encounter that has one. */
export function metAt(known) {
  const photos = new Map(known.shown.map((annotation) => [annotation.id, annotation]));
  return [...known.timeline].reverse().flatMap((met) => {
    const found = met.annotations.map((id) => photos.get(id)).find((annotation) => annotation?.position);
    return found ? [{ ...found.position, title: [day(met.seen_on) || "No date", met.name, met.place].filter(Boolean).join(" · ") }] : [];
  });
}
