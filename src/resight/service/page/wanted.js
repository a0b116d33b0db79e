// Photos that would help to know animals again: whose best photo of a side is weak, or lacks.

import { chip, ended, get, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { count, percent, side } from "./format.js";
import { complain } from "./toast.js";

const FIRST = 12; // until all are asked for

export class Wanted {
  constructor(desk) {
    this.mayLook = desk.may("reviewer");
    this.desk = desk;
    this.root = h("section", { class: "suspicions wanted", hidden: true, "aria-label": "Photos wanted" });
  }

  async load({ open = false, limit = FIRST } = {}) {
    let found;
    try {
      found = await get("/weakest", { limit });
    } catch {
      return; // the gallery below is what people came for
    }
    const { items, total, lacking } = found;
    if (this.left || !(total || lacking)) return void (this.root.hidden = true);
    this.root.hidden = false;
    fill(this.root, h("details", { open },
      h("summary", {}, icon("photo"), total ? `${count(total, "photo")} would help to know animals again` : "Which animals lack a good photo?"),
      lacking > 0 && this.#lacking(lacking),
      h("ul", { class: "suspicion-list" }, items.map(wish)),
      total > items.length && h("button", { class: "button button-small", onclick: () => this.load({ open: true, limit: 500 }) }, `Show ${total > 500 ? "500" : "all"}`)));
  }

  #lacking(number) {
    const text = `${count(number, "photo")} not looked at yet; their animals are left out.`;
    this.state = h("p", { class: "hint wanted-lacking", role: "status" }, text, this.mayLook && h("button", { class: "button button-small", onclick: () => this.#look() }, "Look at them"));
    return this.state;
  }

  async #look() {
    try {
      const { id } = await post("/jobs", { kind: "weakest" });
      this.desk.refresh();
      const tell = ({ done, total }) => { this.state.textContent = total ? `Looking at photos: ${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : "Waits for its turn…"; };
      if (!await ended(id, tell, () => this.left)) return;
    } catch (error) {
      complain(error);
    }
    await this.load({ open: true });
    this.desk.refresh();
  }
}

/** What photo is wanted, beside the best that there is. */
function wish({ individual, side: of, best, below }) {
  const kind = side(of);
  return h("li", { class: "suspicion" },
    h("span", { class: "suspicion-photos" }, best ? h("img", { src: chip(best, 256), alt: "", loading: "lazy" }) : h("span", { class: "wanted-none" }, icon("photo"))),
    h("span", {}, "Take a new ", kind ? h("strong", {}, kind) : "", " photo of ", h("a", { href: `#/individual?${new URLSearchParams({ name: individual })}` }, individual),
      h("span", { class: "hint" }, best ? ` the best shows more detail than ${below > 0 ? percent(below) : "none"} of all photos` : " there is none of this side yet")));
}
