// The gallery of known animals, and what looks wrong in it.

import { address, chip, get } from "./api.js";
import { fill, h, settled } from "./dom.js";
import { count, day, side } from "./format.js";
import { suspicions } from "./suspicions.js";
import { complain } from "./toast.js";
import { Wanted } from "./wanted.js";

const PAGE = 60;
const FORMATS = [["csv", "Table (CSV)"], ["json", "JSON"], ["capture-history", "Capture histories (MARK)"], ["camtrap-dp", "Camtrap DP"], ["wildbook", "Wildbook bulk import"]];
const SORTS = [["name", "By name"], ["last_seen", "Last seen"], ["annotations", "Most photos"]];

export async function show(main, parameters, desk) {
  const gallery = new Gallery(main, parameters, desk);
  await gallery.load();
  return { keys: [{ key: "/", label: "Search", group: "Individuals", run: () => gallery.search.focus() }], leave: () => { gallery.left = gallery.wanted.left = true; } };
}

class Gallery {
  constructor(main, parameters, desk) {
    this.desk = desk;
    this.asked = 0;
    this.search = h("input", { type: "search", placeholder: "Search names and notes", "aria-label": "Search names and notes", value: parameters.q ?? "", class: "search",
      oninput: settled(() => this.load().catch(complain), 150) });
    this.sort = h("select", { "aria-label": "Order", onchange: () => this.load().catch(complain) }, SORTS.map(([value, label]) => h("option", { value, selected: value === parameters.sort }, label)));
    this.grid = h("ul", { class: "gallery", "aria-label": "Individuals" });
    this.size = h("p", { class: "hint", role: "status" });
    this.more = h("button", { class: "button", hidden: true, onclick: () => this.#next() }, "Show more");
    this.wanted = new Wanted(desk);
    this.suspicions = h("section", { class: "suspicions", hidden: true, "aria-label": "Suspicions" });
    fill(main, h("div", { class: "page" },
      h("div", { class: "page-head" }, h("h1", {}, "Individuals"), this.size, h("span", { class: "grow" }), this.search, this.sort, exports()),
      this.suspicions, this.wanted.root, this.grid, this.more));
    suspicions(this.suspicions, desk);
    this.wanted.load();
  }

  async load() {
    const turn = ++this.asked;
    const parameters = { q: this.search.value.trim(), sort: this.sort.value };
    const page = await get("/individuals", { ...parameters, limit: PAGE });
    if (turn !== this.asked || this.left) return;
    this.desk.remember("individuals", Object.fromEntries(Object.entries(parameters).filter(([name, value]) => value && !(name === "sort" && value === "name"))));
    this.shown = parameters;
    fill(this.grid);
    this.size.textContent = page.total ? count(page.total, "animal") : "";
    this.#add(page);
    if (!page.items.length) {
      fill(this.grid, h("li", { class: "empty" }, parameters.q
        ? h("p", {}, `Nobody is called “${parameters.q}”.`)
        : [h("h2", {}, "No animal is known yet"), h("p", {}, "Put photos in, then say in Review who is on them."), h("a", { class: "button button-main", href: "#/photos" }, "Put photos in")]));
    }
  }

  /** More of what is shown, whatever the search field says by now; nothing where that is shown meanwhile. */
  async #next() {
    const { shown } = this;
    this.more.disabled = true; // a second press would add the same once more
    try {
      const page = await get("/individuals", { ...shown, limit: PAGE, cursor: this.cursor });
      if (shown === this.shown) this.#add(page);
    } catch (error) {
      if (shown === this.shown && !this.left) complain(error);
    } finally {
      if (shown === this.shown) this.more.disabled = false;
    }
  }

  #add(page) {
    this.cursor = page.next;
    this.more.hidden = !page.next;
    this.more.disabled = false;
    this.grid.append(...page.items.map(tile));
  }
}

/** The whole catalogue as a file for other programs. */
function exports() {
  return h("details", { class: "more more-down" }, h("summary", { class: "button" }, "Export"),
    h("div", { class: "menu" }, FORMATS.map(([format, label]) => h("a", { class: "menu-entry", href: address("/export", { format }), download: true }, label))));
}

function tile({ name, cover, photos, encounters, last_seen: last, sides = {} }) {
  const shown = Object.keys(sides).map(side).filter(Boolean).join(", ");
  return h("li", {}, h("a", { class: "tile", href: link(name) },
    cover ? h("img", { src: chip(cover, 512), alt: "", loading: "lazy", class: "tile-photo" }) : h("span", { class: "tile-photo" }),
    h("span", { class: "tile-name" }, name),
    h("span", { class: "tile-facts" }, [count(photos, "photo"), encounters ? count(encounters, "encounter") : "", shown].filter(Boolean).join(" · ")),
    h("span", { class: "tile-facts" }, last ? `last seen ${day(last)}` : " ")));
}

const link = (name) => `#/individual?${new URLSearchParams({ name })}`;
