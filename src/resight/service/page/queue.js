// The encounters that wait for somebody.

import { chip } from "./api.js";
import { fill, h, reveal } from "./dom.js";
import { count, day, percent, place } from "./format.js";

const STATES = [["unresolved", "To do"], ["unsure", "Unsure"], ["second_opinion", "Second look"]];

export class Queue {
  /** `opened(encounter)` when one is chosen, `turned(state)` when another kind is to be listed,
   *  `more()` when those are wanted that are not listed yet. */
  constructor({ opened, turned, more }) {
    this.opened = opened;
    this.more = h("li", {}, h("button", { class: "button button-small queue-rest", onclick: () => more() }));
    this.list = h("ol", { class: "queue-list", "aria-label": "Encounters" });
    this.filter = h("select", { class: "queue-filter", "aria-label": "Which encounters", onchange: (event) => turned(event.target.value) },
      STATES.map(([value, label]) => h("option", { value }, label)));
    this.size = h("span", { class: "queue-size" });
    this.root = h("aside", { class: "queue", "aria-label": "Queue" }, h("div", { class: "queue-head" }, this.filter, this.size), this.list);
  }

  show({ items, total, whole }, current, state) {
    this.filter.value = state;
    this.size.textContent = total ? total.toLocaleString("en") : "";
    this.more.firstElementChild.textContent = total > items.length ? `${(total - items.length).toLocaleString("en")} more` : "More";
    const focused = this.list.contains(document.activeElement);
    fill(this.list, items.map((encounter) => this.#item(encounter, encounter === current)), !whole && this.more);
    const at = this.list.querySelector("[aria-current]");
    reveal(this.list, at);
    if (focused) at?.focus();
  }

  #item(encounter, current) {
    const { annotations, answer } = encounter;
    const title = encounter.name ?? annotations[0]?.name ?? "Photo";
    const facts = [day(encounter.seen_on), encounter.place ?? place(annotations[0] ?? {})].filter(Boolean).join(" · ");
    return h("li", {}, h("button", { class: "queue-item", "aria-current": current ? "true" : null, title: encounter.why || null, onclick: () => this.opened(encounter) },
      h("img", { src: chip(annotations[0].id, 256), alt: "", loading: "lazy", class: "queue-photo" }),
      annotations.length > 1 && h("span", { class: "queue-more", title: count(annotations.length, "photo") }, annotations.length),
      h("span", { class: "queue-text" },
        h("span", { class: "queue-title" }, title),
        h("span", { class: "queue-facts" }, facts || count(annotations.length, "photo")),
        answer && h("span", { class: "queue-answer" }, summary(answer)))));
  }
}

/** What was last found about it, in a few words. */
export function summary(answer) {
  if (answer.verdict === "new" || (answer.new_probability ?? 0) > (answer.probability ?? 1)) return `${percent(answer.new_probability)} new?`;
  if (!answer.first) return "";
  return answer.probability === null ? `${answer.first}?` : `${percent(answer.probability)} ${answer.first}`;
}
