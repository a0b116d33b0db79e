// Dialogs of deciding: another individual than those listed, and somebody else having been faster.

import { chip, get } from "./api.js";
import { confirm, open } from "./dialog.js";
import { fill, h, settled } from "./dom.js";
import { count } from "./format.js";

/** Ask for one of all individuals; its name, or null. `without` is left out. */
export function pickIndividual({ title = "Another known animal", without = null } = {}) {
  return open(title, (close) => {
    const results = h("div", { class: "pick-list", role: "group", "aria-label": "Individuals", "data-own-arrows": true, onkeydown: along });
    let asked = 0;
    const search = async (q) => {
      const turn = ++asked;
      const page = await get("/individuals", { q, limit: 30 });
      if (turn !== asked) return;
      const found = page.items.filter(({ name }) => name !== without);
      fill(results, found.length ? found.map((each) => h("button", { class: "pick", onclick: () => close(each.name) },
        each.cover !== null && h("img", { src: chip(each.cover, 128), alt: "", loading: "lazy" }),
        h("span", {}, each.name), h("span", { class: "hint" }, count(each.photos, "photo")))) : h("p", { class: "hint" }, "Nobody is called so."));
    };
    const input = h("input", { type: "search", id: "pick", autocomplete: "off", autofocus: true,
      oninput: settled((event) => search(event.target.value.trim()), 150),
      onkeydown: (event) => {
        if (event.key === "Enter") results.querySelector("button")?.click();
        if (event.key === "ArrowDown") results.querySelector("button")?.focus();
      } });
    search("");
    return [h("label", { for: "pick" }, "Name"), input, results];
  });
}

function along(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...event.currentTarget.querySelectorAll("button")];
  all[all.indexOf(document.activeElement) + step]?.focus();
}

/** What somebody did to one of the photos. */
function conflict({ actor, individual, etag }) {
  if (etag === null) return "One of the photos is gone.";
  return individual ? `${actor} says it is ${individual}.` : `${actor} changed what is known of a photo.`;
}

/** Somebody changed the same photos while they were looked at: say what, and show them afresh. */
export async function showConflict(error, encounter, afresh) {
  const changes = error.body.errors ?? [];
  const yes = await confirm("Somebody was faster", [
    h("p", {}, error.message),
    changes.length ? h("ul", {}, changes.map((change) => h("li", {}, conflict(change)))) : null,
    h("p", { class: "hint" }, "Nothing of yours was saved, and nothing of theirs is lost."),
  ].filter(Boolean), "Show it as it is now");
  if (yes) afresh();
}
