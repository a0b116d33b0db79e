// Buttons of the viewer. Everything they do, a key does too.

import { fill, h, icon, keycap } from "./dom.js";

const AMOUNTS = [["off", "Off"], ["strongest", "20"], ["all", "All"]];
const CONTRASTS = ["normal", "strong", "strong, grey"];
const BLINK = 600; // ms: below three flashes a second

export class Toolbar {
  constructor(viewer) {
    this.viewer = viewer;
    this.blinking = 0;
    this.root = h("div", { class: "toolbar", role: "toolbar", "aria-label": "View", "data-own-arrows": true, onkeydown: (event) => this.#along(event) });
    this.#build();
    this.update();
  }

  #build() {
    const { viewer } = this;
    this.amounts = AMOUNTS.map(([amount, label]) => h("button", { class: "segment", onclick: () => viewer.setLines(amount), "aria-label": `Match lines: ${label}` }, label));
    this.overlay = button("overlay", "Overlay", "O", () => this.toggleOverlay());
    this.align = button("align", "Align", "A", () => viewer.setAligned(!viewer.aligned));
    this.contrast = button("contrast", "Contrast", "C", () => this.nextContrast());
    this.turn = button("turn", "Turn", "R", () => viewer.turnBy(90));
    this.flip = button("flip", "Flip", "F", () => this.flipOver());
    this.blink = button("blink", "Blink", "B", () => this.toggleBlink());
    this.opacity = h("input", { type: "range", min: "0", max: "100", class: "opacity", "aria-label": "How much of the candidate is seen", oninput: (event) => viewer.setOpacity(event.target.value / 100) });
    this.overlaid = h("span", { class: "toolbar-group overlaid" }, this.opacity, this.flip, this.blink);
    this.zoom = h("button", { class: "tool zoom", title: "Fit (0)", onclick: () => viewer.fit() });
    fill(this.root,
      h("span", { class: "toolbar-group segments", role: "group", "aria-label": "Match lines", title: "Match lines (L)" },
        h("span", { class: "segment-name" }, icon("lines"), h("span", { class: "tool-label" }, "Lines"), keycap("L")), this.amounts),
      h("span", { class: "toolbar-group" }, this.overlay, this.overlaid, this.align),
      h("span", { class: "toolbar-group" }, this.contrast, this.turn),
      h("span", { class: "toolbar-group" },
        h("button", { class: "tool", "aria-label": "Smaller", title: "Smaller (−)", onclick: () => viewer.zoomBy(1 / 1.3) }, icon("minus")),
        this.zoom,
        h("button", { class: "tool", "aria-label": "Larger", title: "Larger (+)", onclick: () => viewer.zoomBy(1.3) }, icon("plus"))));
  }

  update() {
    const { viewer } = this;
    const pair = Boolean(viewer.candidate.annotation);
    this.amounts.forEach((each, index) => {
      each.setAttribute("aria-pressed", String(AMOUNTS[index][0] === viewer.amount));
      each.disabled = !viewer.pair?.lines?.length;
    });
    press(this.overlay, viewer.overlay, pair);
    press(this.align, viewer.aligned, viewer.canAlign);
    press(this.contrast, viewer.contrast > 0, true);
    press(this.turn, viewer.turned !== 0, true);
    press(this.blink, Boolean(this.blinking), viewer.overlay);
    this.contrast.title = `Contrast: ${CONTRASTS[viewer.contrast]} (C)`;
    this.overlaid.hidden = !viewer.overlay;
    this.opacity.value = String(Math.round(viewer.opacity * 100));
    this.zoom.textContent = `${Math.round(viewer.zoom * 100)} %`;
    this.zoom.setAttribute("aria-label", `Zoom ${Math.round(viewer.zoom * 100)} %. Fit`);
    if (!viewer.overlay) this.#stopBlink();
  }

  nextLines() {
    const at = AMOUNTS.findIndex(([amount]) => amount === this.viewer.amount);
    this.viewer.setLines(AMOUNTS[(at + 1) % AMOUNTS.length][0]);
  }

  nextContrast() {
    this.viewer.setContrast((this.viewer.contrast + 1) % CONTRASTS.length);
  }

  toggleOverlay() {
    this.viewer.setOverlay(!this.viewer.overlay);
  }

  /** The one photo, then the other: changes show at once. */
  flipOver() {
    if (!this.viewer.overlay) this.viewer.setOverlay(true);
    this.viewer.setOpacity(this.viewer.opacity > 0.5 ? 0 : 1);
  }

  toggleBlink() {
    if (this.blinking) this.#stopBlink();
    else {
      this.flipOver();
      this.blinking = setInterval(() => this.flipOver(), BLINK);
    }
    this.update();
  }

  #stopBlink() {
    clearInterval(this.blinking);
    this.blinking = 0;
  }

  leave() {
    this.#stopBlink();
  }

  /** Arrow keys go from button to button, as toolbars do. */
  #along(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.target.matches("input")) return;
    const all = [...this.root.querySelectorAll("button:not(:disabled), input")].filter((each) => each.offsetParent);
    all[(all.indexOf(event.target) + step + all.length) % all.length]?.focus();
    event.preventDefault();
  }
}

function button(picture, label, key, run) {
  return h("button", { class: "tool", onclick: run, title: `${label} (${key})` }, icon(picture), h("span", { class: "tool-label" }, label), keycap(key));
}

function press(control, on, possible) {
  control.setAttribute("aria-pressed", String(on));
  control.disabled = !possible;
}
