// Single keys. Each view says which it understands; help lists them.

const STORED = "resight.single-keys";
let current = [];

/** Whether single keys are listened to: they can be switched off for those who speak to their computer. */
export const enabled = () => localStorage.getItem(STORED) !== "off";
export const enable = (on) => localStorage.setItem(STORED, on ? "on" : "off");

/**
 * The keys of the view that is shown: [{key, label, group, run, also, hidden}].
 * `key` is as KeyboardEvent.key has it, with "Shift+" before it where Shift is held;
 * `also` are further keys that do the same.
 */
export function understand(keys) {
  current = keys;
}

export const understood = () => current;

function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Shift is part of the sign for + and ?, and a modifier for letters and arrows.
  const shifted = event.shiftKey && (event.key.length > 1 || /[a-z]/.test(key));
  return shifted ? `Shift+${key}` : key;
}

const TYPED_IN = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]";

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !enabled()) return;
    if (document.querySelector("dialog[open]") || event.target.matches?.(TYPED_IN)) return;
    const name = nameOf(event);
    const found = current.find(({ key, also = [] }) => key === name || also.includes(name));
    if (!found) return;
    if (takesItself(event.target, name)) return;
    event.preventDefault();
    if (event.repeat && !found.repeats) return;
    found.run(event);
  });
}

/** Whether the focused control has a use of its own for the key. */
function takesItself(target, name) {
  if (name === "Enter" || name === " ") return target.matches?.("button, a[href], summary, [role=option], input");
  if (/Arrow|Home|End/.test(name)) return target.matches?.("input, [role=listbox] *, [data-own-arrows], [data-own-arrows] *");
  return false;
}
