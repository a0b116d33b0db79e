// Short messages at the foot of the page, read aloud by screen readers.

import { h, icon, keycap } from "./dom.js";

const LASTING = 8000;
let region = null;

/** Where messages appear; made once. */
export function toasts() {
  region = h("div", { class: "toasts", role: "status", "aria-live": "polite", "aria-relevant": "additions", "aria-label": "Messages" });
  return region;
}

/**
 * Say something. `action`: {label, key, run} makes a button of it. `kind`: "" or "bad".
 * Returns a function that takes the message away.
 */
export function say(text, { action = null, kind = "" } = {}) {
  const close = () => message.remove();
  const button = action && h("button", { class: "toast-action", onclick: () => { close(); action.run(); } },
    action.label, action.key ? keycap(action.key) : null);
  const message = h("div", { class: `toast ${kind && `toast-${kind}`}` },
    icon(kind === "bad" ? "warn" : "check"),
    h("span", { class: "toast-text" }, text), button,
    h("button", { class: "toast-close", "aria-label": "Dismiss", onclick: close }, icon("close")));
  while (region.children.length >= 3) region.firstElementChild.remove();
  region.append(message);
  const lasts = kind === "bad" ? LASTING * 2 : LASTING;
  let timer = setTimeout(close, lasts);
  for (const pause of ["pointerenter", "focusin"]) message.addEventListener(pause, () => clearTimeout(timer));
  for (const resume of ["pointerleave", "focusout"]) message.addEventListener(resume, () => { timer = setTimeout(close, lasts); });
  return close;
}

/** Say what went wrong. */
export const complain = (error) => say(error.message || String(error), { kind: "bad" });
