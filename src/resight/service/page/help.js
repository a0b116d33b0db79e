// What the keys of the view do, and where to read more.

import { open } from "./dialog.js";
import { h, keycap } from "./dom.js";
import { enable, enabled, understood } from "./keys.js";

const WRITTEN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Enter: "↵", " ": "Space", Escape: "Esc", Delete: "Del" };

/** "Shift+ArrowLeft" -> "Shift ←". */
export function written(key) {
  return key.split(/\+(?=.)/).map((part) => WRITTEN[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join(" ");
}

export function showHelp() {
  const groups = Map.groupBy ? Map.groupBy(understood(), ({ group }) => group) : grouped(understood());
  return open("Keys", () => [
    h("div", { class: "key-groups" }, [...groups].map(([group, keys]) => h("section", {},
      h("h3", {}, group),
      h("dl", { class: "keys" }, keys.filter(({ hidden }) => !hidden).map(({ key, label, shown }) => h("div", {},
        h("dt", {}, (shown ?? [written(key)]).map(keycap)), h("dd", {}, label))))))),
    h("label", { class: "check" },
      h("input", { type: "checkbox", checked: enabled(), onchange: (event) => enable(event.target.checked) }),
      "Single keys work. Switch them off where speech input types letters; every one of them is a button too."),
    h("p", { class: "hint" }, "Drag or use the wheel on a photo to move and enlarge both; hold Shift to move one alone; double-click to come close and back."),
  ], { wide: true });
}

function grouped(keys) {
  const groups = new Map();
  for (const each of keys) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
  return groups;
}
