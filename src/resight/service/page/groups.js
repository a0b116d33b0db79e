// Loose photos as groups that become encounters: proposed by time and place, edited by hand.

import { chip, get, patch, post } from "./api.js";
import { openAnnotation, sideSelect } from "./annotation.js";
import { fill, h } from "./dom.js";
import { findMany, putInOthers, sayOthers } from "./finding.js";
import { clock, count, day, seen } from "./format.js";
import { inOrder, nameFor, proposed } from "./grouping.js";
import { proposalButton, proposedSide } from "./siding.js";
import { complain, say } from "./toast.js";

const GAPS = [[5, "5 minutes"], [30, "30 minutes"], [120, "2 hours"], [1440, "a day"]];

export class Groups {
  /** `changed()` when what is loose is to be read again. */
  constructor(desk, changed) {
    this.desk = desk;
    this.changed = changed;
    this.minutes = 30;
    this.groups = []; // {name, place, annotations, edited: whether somebody made it so, by hand; named, placed: typed}
    this.picked = new Set();
    this.proposals = new Map(); // of an annotation's id, the side that is proposed, or null
    this.saving = new Map(); // of an annotation's id, the promise that its side is saved
    this.root = h("section", { class: "groups", hidden: true, "aria-labelledby": "groups-head" });
  }

  /** What is loose now: groups that somebody edited stay as they are while all of their photos are. */
  show(annotations) {
    const typing = this.root.contains(document.activeElement) ? document.activeElement : null;
    typing?.blur(); // what is typed but not left yet counts too
    const [, index, field] = /^group-(\d+)-(\w+)$/.exec(typing?.id) ?? [];
    const group = this.groups[index];
    if (group) group.edited = true; // or is about to be
    // The same objects as before, as a side may be on its way into them.
    const known = new Map(this.groups.flatMap((each) => each.annotations).map((each) => [each.id, each]));
    this.annotations = annotations.map((each) => Object.assign(known.get(each.id) ?? {}, each));
    const loose = new Set(annotations.map(({ id }) => id));
    this.picked = new Set([...this.picked].filter((id) => loose.has(id)));
    this.#propose(this.annotations, this.groups.filter((each) => each.edited && each.annotations.every(({ id }) => loose.has(id))));
    this.root.querySelector(`#group-${this.groups.indexOf(group)}-${field}`)?.focus();
    this.#proposeSides();
  }

  leave() {
    this.turn = null; // nobody sees what else would be proposed
  }

  /** One photo after the other, so that nobody else waits long; a later call takes over. */
  async #proposeSides() {
    const turn = this.turn = Symbol("turn");
    for (const { id } of this.annotations) {
      const annotation = this.groups.flatMap(({ annotations }) => annotations).find((each) => each.id === id);
      if (annotation?.side !== "unknown" || this.proposals.has(id)) continue;
      let proposed = null;
      try {
        proposed = await proposedSide(annotation);
      } catch {
        // A photo that cannot be looked at gets no proposal; what is done with it says why.
      }
      if (turn !== this.turn || proposed === undefined) return;
      this.proposals.set(id, proposed);
      const select = this.root.querySelector(`[data-side-of="${CSS.escape(id)}"]`);
      if (select) this.#proposal(annotation, select);
    }
  }

  /** Beside a side that nobody has said. */
  #proposal(annotation, select) {
    const proposed = this.proposals.get(annotation.id);
    if (proposed && select.value === "unknown") select.after(proposalButton(proposed, select, annotation.name));
  }

  /** Groups of these photos, but for those that are in a group which is kept. */
  #propose(annotations, kept = []) {
    const taken = new Set(kept.map(({ name }) => name));
    const held = new Set(kept.flatMap(({ annotations }) => annotations));
    const rest = annotations.filter((each) => !held.has(each));
    const made = proposed(rest, { minutes: this.minutes }).map((together) => {
      const name = nameFor(together, taken);
      taken.add(name);
      return { name, place: together.find(({ place }) => place)?.place ?? "", annotations: together };
    });
    this.groups = inOrder([...kept, ...made]);
    this.draw();
  }

  /** All that are still here anew, also those that somebody grouped: that is what was asked for. */
  #regroup(minutes) {
    this.minutes = minutes;
    this.picked.clear();
    this.#propose(this.groups.flatMap(({ annotations }) => annotations));
  }

  draw() {
    this.root.hidden = this.groups.length === 0;
    const total = this.groups.reduce((sum, { annotations }) => sum + annotations.length, 0);
    fill(this.root,
      h("div", { class: "page-head" }, h("h2", { id: "groups-head" }, "Which photos belong together?"),
        h("p", { class: "hint", role: "status" }, `${count(total, "photo")} in ${count(this.groups.length, "encounter")}`), h("span", { class: "grow" }),
        h("label", { class: "inline" }, "Together within ", h("select", { onchange: (event) => this.#regroup(Number(event.target.value)) },
          GAPS.map(([value, label]) => h("option", { value, selected: value === this.minutes }, label)))),
        this.#boxless.length > 0 && h("button", { class: "button", onclick: () => this.#find() }, "Find the animals…"),
        h("button", { class: "button button-main", onclick: () => this.#save(this.groups) }, this.groups.length > 1 ? `Keep all ${this.groups.length} encounters` : "Keep this encounter")),
      this.#bar(),
      h("ol", { class: "group-list" }, this.groups.map((group, index) => this.#card(group, index))));
  }

  get #boxless() {
    return this.groups.flatMap(({ annotations }) => annotations).filter(({ box }) => !box);
  }

  /** Boxes for all photos that have none. */
  async #find() {
    const made = [];
    let taken = 0;
    await findMany(this.#boxless, async (annotation, box, others) => {
      const now = await patch(`/annotations/${encodeURIComponent(annotation.id)}`, { box, rotation: 0 }, annotation.etag);
      this.groups.forEach((group) => this.#put(group, now));
      taken += 1;
      if (!others.length) return;
      made.push(await putInOthers(annotation, others));
      this.#others(made.at(-1).annotations);
    });
    this.draw();
    if (taken) say(`${count(taken, "photo")} with a box now.`);
    sayOthers(made, this.changed);
  }

  /** Further animals of a photo: an encounter is of one, so each gets its own. */
  #others(annotations) {
    const taken = new Set(this.groups.map(({ name }) => name));
    for (const annotation of annotations) {
      const name = nameFor([annotation], taken);
      taken.add(name);
      this.groups.push({ name, place: annotation.place ?? "", annotations: [annotation], edited: true });
    }
  }

  #bar() {
    if (!this.picked.size) return h("p", { class: "hint" }, "An encounter is one animal on one occasion: all its photos are asked about together. Tick photos to move them.");
    const to = h("select", { id: "move-to" }, h("option", { value: "new" }, "an encounter of their own"), this.groups.map(({ name }, index) => h("option", { value: index }, name)));
    return h("div", { class: "choose-bar" }, h("span", { role: "status" }, `${count(this.picked.size, "photo")} ticked`), h("span", { class: "grow" }),
      h("label", { for: "move-to" }, "Move to"), to, h("button", { class: "button button-main", onclick: () => this.#move(to.value) }, "Move"),
      h("button", { class: "button", onclick: () => { this.picked.clear(); this.draw(); } }, "Untick"));
  }

  #card(group, index) {
    const id = `group-${index}`;
    return h("li", { class: "group" },
      h("div", { class: "group-head" },
        h("label", { for: `${id}-name`, class: "visually-hidden" }, "Name of the encounter"),
        h("input", { id: `${id}-name`, value: group.name, class: "group-name", autocomplete: "off", onchange: ({ target }) => this.#name(group, target) }),
        h("label", { for: `${id}-place`, class: "visually-hidden" }, "Place"),
        h("input", { id: `${id}-place`, value: group.place, placeholder: "place", class: "group-place", autocomplete: "off", onchange: (event) => { group.place = event.target.value.trim(); group.edited = group.placed = true; } }),
        h("span", { class: "grow" }),
        index > 0 && h("button", { class: "button button-small", "aria-label": `Join ${group.name} to the encounter before`, onclick: () => this.#join(index) }, "Join to the one before"),
        h("button", { class: "button button-small", "aria-label": `Keep ${group.name}`, onclick: () => this.#save([group]) }, "Keep")),
      h("ul", { class: "group-photos" }, group.annotations.map((annotation) => this.#photo(annotation, group))));
  }

  /** An emptied name is the one there was, which then counts as proposed. */
  #name(group, field) {
    const typed = field.value.trim();
    field.value = group.name = typed || group.name;
    group.edited = true;
    group.named = typed !== "";
  }

  #photo(annotation, group) {
    const name = annotation.name;
    const select = sideSelect(annotation.side, (_, chosen) => this.#side(annotation, chosen), { "aria-label": `Side of ${name}`, class: "loose-side", "data-side-of": annotation.id });
    const facts = h("div", { class: "loose-facts" }, select,
      h("span", { class: "hint" }, [day(seen(annotation)), clock(annotation.taken_at)].filter(Boolean).join(" ") || "no date"));
    this.#proposal(annotation, select);
    return h("li", { class: "loose" },
      h("button", { class: "photo", title: "Box, side and facts", "aria-label": `Box, side and facts of ${name}`, onclick: () => this.#edit(annotation, group) },
        h("img", { src: `${chip(annotation.id, 512)}&v=${encodeURIComponent(annotation.etag)}`, alt: "", loading: "lazy" })),
      h("input", { type: "checkbox", class: "loose-pick", "aria-label": `Move ${name}`, checked: this.picked.has(annotation.id), onchange: (event) => {
        if (event.target.checked) this.picked.add(annotation.id);
        else this.picked.delete(annotation.id);
        this.#redraw(`[aria-label="${CSS.escape(`Move ${name}`)}"]`);
      } }),
      facts);
  }

  #redraw(focus) {
    this.draw();
    this.root.querySelector(focus)?.focus();
  }

  #put(group, now) {
    const at = group.annotations.findIndex(({ id }) => id === now.id);
    if (at < 0) return;
    this.proposals.delete(now.id); // of another box, perhaps
    group.annotations[at] = now;
  }

  /** Arrow keys choose on the way to the side that is meant: one save at a time, until what is shown is saved. */
  #side(annotation, select) {
    const { id } = annotation;
    if (!this.saving.has(id)) this.saving.set(id, this.#saveSide(annotation, select).finally(() => this.saving.delete(id)));
  }

  /** The photo is not drawn anew, so that the select stays under the fingers. */
  async #saveSide(annotation, select) {
    const path = `/annotations/${encodeURIComponent(annotation.id)}`;
    const shown = () => annotation.side;
    try {
      while (select.value !== shown()) Object.assign(annotation, await patch(path, { side: select.value }, annotation.etag));
    } catch (error) {
      complain(error);
      if (error.status === 412) Object.assign(annotation, await get(path));
      select.value = shown();
    }
    if (!select.isConnected) this.draw(); // drawn meanwhile, with the side as it was
  }

  async #edit(annotation, group) {
    const saved = await openAnnotation(annotation, true, this.changed);
    if (!saved) return;
    this.#put(group, saved);
    this.#others(saved.others ?? []);
    this.#redraw(`[aria-label="${CSS.escape(`Box, side and facts of ${annotation.name}`)}"]`);
  }

  #move(to) {
    const target = to === "new" ? { name: "", place: "", annotations: [] } : this.groups[Number(to)];
    const moving = this.groups.flatMap(({ annotations }) => annotations).filter(({ id }) => this.picked.has(id));
    for (const group of this.groups) {
      const staying = group.annotations.filter(({ id }) => !this.picked.has(id));
      group.edited ||= staying.length < group.annotations.length;
      group.annotations = staying;
    }
    target.annotations.push(...moving);
    target.edited = true;
    if (to === "new") {
      target.name = nameFor(target.annotations, new Set(this.groups.map(({ name }) => name)));
      this.groups.push(target);
    }
    this.groups = this.groups.filter(({ annotations }) => annotations.length);
    this.picked.clear();
    this.draw();
  }

  #join(index) {
    this.groups[index - 1].annotations.push(...this.groups[index].annotations);
    this.groups[index - 1].edited = true;
    this.groups.splice(index, 1);
    this.draw();
  }

  async #save(groups) {
    let kept = 0;
    try {
      await Promise.all(this.saving.values());
      for (const group of [...groups]) {
        await this.#keep(group);
        this.groups = this.groups.filter((each) => each !== group);
        kept += 1;
      }
    } catch (error) {
      complain(error);
    }
    if (kept) say(`${count(kept, "encounter")} kept.`, { action: { label: "Review", run: () => this.desk.go("review") } });
    this.desk.refresh();
    this.draw();
  }

  /** Keep a group as an encounter of a name that no other has; one that somebody typed stays or is refused. */
  async #keep(group) {
    const taken = new Set();
    while (await exists(group.name)) {
      if (group.named) throw new Error(`There is an encounter “${group.name}” already: give this one another name.`);
      taken.add(group.name);
      group.name = nameFor(group.annotations, taken);
      if (taken.has(group.name)) group.name += " (new)";
    }
    const facts = {
      annotations: group.annotations.map(({ id }) => id), encounter: group.name,
      etags: Object.fromEntries(group.annotations.map(({ id, etag }) => [id, etag])),
    };
    if (group.place || group.placed) facts.place = group.place || null;
    await post("/annotations/describe", facts);
  }
}

async function exists(name) {
  try {
    await get("/encounter", { ref: name });
    return true;
  } catch (error) {
    if (error.status === 404) return false;
    throw error;
  }
}

