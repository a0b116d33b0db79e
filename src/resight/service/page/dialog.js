// Dialogs on the browser's own <dialog>: it keeps the focus in, closes by Escape, and gives the focus back.

import { h, icon } from "./dom.js";

let numbered = 0;

/**
 * Open a dialog and return a promise of what it was closed with (null if dismissed).
 * `content(close)` makes the body; `wide` gives it more room.
 */
export function open(title, content, { wide = false } = {}) {
  return new Promise((resolve) => {
    let result = null;
    const id = `dialog-${++numbered}`;
    const close = (value = null) => {
      result = value;
      dialog.close();
    };
    const dialog = h("dialog", { class: `dialog ${wide ? "dialog-wide" : ""}`, "aria-labelledby": id },
      h("header", { class: "dialog-head" },
        h("h2", { id }, title),
        h("button", { class: "icon-button", type: "button", "aria-label": "Close", onclick: () => close() }, icon("close"))),
      h("div", { class: "dialog-body" }, content(close)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    document.body.append(dialog);
    dialog.showModal();
    (dialog.querySelector("[autofocus]") ?? dialog.querySelector('.dialog-body :is(input, select, textarea, button, [tabindex="0"])'))?.focus();
  });
}

/** Ask for one line of text; null if dismissed. */
export function ask(title, { label, value = "", action = "Save", hint = "", options = [] }) {
  return open(title, (close) => {
    const list = options.length ? h("datalist", { id: "ask-options" }, options.map((option) => h("option", { value: option }))) : null;
    const input = h("input", { id: "ask-input", value, autocomplete: "off", list: list ? "ask-options" : null, autofocus: true });
    return h("form", { class: "form", method: "dialog", onsubmit: (event) => { event.preventDefault(); close(input.value.trim()); } },
      h("label", { for: "ask-input" }, label), input, list,
      hint && h("p", { class: "hint" }, hint),
      h("div", { class: "form-actions" },
        h("button", { type: "button", class: "button", onclick: () => close() }, "Cancel"),
        h("button", { class: "button button-main" }, action)));
  });
}

/** Ask yes or no, with whatever shows what will happen. */
export function confirm(title, body, action, { danger = false } = {}) {
  return open(title, (close) => [
    ...[body].flat(),
    h("div", { class: "form-actions" },
      h("button", { class: "button", autofocus: true, onclick: () => close(false) }, "Cancel"),
      h("button", { class: `button ${danger ? "button-danger" : "button-main"}`, onclick: () => close(true) }, action)),
  ]);
}
