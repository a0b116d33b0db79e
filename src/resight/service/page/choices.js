// The possible answers with their probabilities, and the buttons that decide.

import { chip } from "./api.js";
import { fill, h, icon, keycap, reveal } from "./dom.js";
import { count, percent } from "./format.js";

const KEYED = 9;

export class Choices {
  /** `actions`: {look(index), lookNew(), decide(answer), other(), again(), second()}. */
  constructor(actions) {
    this.actions = actions;
    this.cards = h("div", { class: "cards", role: "group", "aria-label": "Who it may be" });
    this.main = h("button", { class: "button decide", onclick: () => actions.confirm() });
    this.asNew = h("button", { class: "button decide decide-new", onclick: () => actions.decide("new") }, "New animal", keycap("N"));
    this.more = h("details", { class: "more" },
      h("summary", { class: "button" }, "More"),
      h("div", { class: "menu" },
        entry("Another known animal…", "/", actions.other),
        entry("Cannot be told from this photo", "X", () => actions.decide("unknown")),
        entry("Ask for a second opinion", "E", () => actions.decide("second_opinion")),
        entry("Ask resight again", "G", actions.again)));
    const close = () => { this.more.open = false; };
    this.more.addEventListener("click", (event) => event.target.closest(".menu button") && close());
    this.more.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.more.open) return;
      close();
      this.more.firstElementChild.focus();
    });
    this.more.addEventListener("focusout", (event) => !this.more.contains(event.relatedTarget) && event.relatedTarget && close());
    this.fresh = h("div", { class: "fresh" }); // beside the cards, so that it never scrolls out of sight
    this.root = h("section", { class: "choices", "aria-label": "Answer" }, this.cards, this.fresh,
      h("div", { class: "decisions" },
        h("div", { class: "decisions-main" }, this.main, this.asNew),
        h("div", { class: "decisions-row" },
          h("button", { class: "button", onclick: () => actions.decide("unsure") }, "Unsure", keycap("U")),
          h("button", { class: "button", onclick: () => actions.decide("skip") }, "Skip", keycap("S")),
          this.more)));
  }

  /** `candidates` as the review keeps them, `selected` an index or "new". */
  show(answer, candidates, selected, readOnly) {
    const focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.card : null;
    fill(this.cards, candidates.map((candidate, index) => this.#card(candidate, index, index === selected)));
    fill(this.fresh, this.#newCard(answer, selected === "new"));
    const at = this.cards.querySelector('[aria-pressed="true"]');
    reveal(this.cards, at);
    if (focused) this.root.querySelector(`[data-card="${CSS.escape(focused)}"]`)?.focus();
    this.#decision(candidates[selected], selected, answer);
    this.#lock(readOnly);
  }

  /** While nothing is known yet; `meanwhile` says what is going on. */
  wait(meanwhile = "") {
    fill(this.cards, h("p", { class: "cards-wait", role: "status" }, h("span", { class: "spinner" }), "Comparing with the catalogue…", meanwhile && h("span", {}, meanwhile)));
    fill(this.fresh);
    this.#decision(undefined, null, null);
    this.main.disabled = true;
  }

  /** Where there is no answer: every decision but those on candidates still works. */
  fail(message, readOnly) {
    fill(this.cards, h("p", { class: "cards-wait wrong" }, icon("warn"), message));
    fill(this.fresh, this.#newCard(null, true));
    this.#decision(undefined, "new");
    this.#lock(readOnly);
  }

  /** Those who may only look are offered no decision. */
  #lock(readOnly) {
    for (const each of this.root.querySelectorAll(".decisions button")) each.disabled = readOnly;
    this.more.hidden = readOnly;
  }

  /** The two main answers; the likelier one stands out. */
  #decision(candidate, selected, answer) {
    const likelierNew = selected === "new" || (selected === 0 && (answer?.new_probability ?? 0) > (candidate.probability ?? 0));
    this.main.hidden = selected === "new";
    this.main.classList.toggle("button-main", !likelierNew);
    this.asNew.classList.toggle("button-new", likelierNew);
    fill(this.main, h("span", { class: "decide-text" }, "It is ", h("strong", {}, candidate?.individual ?? "…")), keycap("↵"));
    fill(this.asNew, h("span", { class: "decide-text" }, "New animal"), keycap(selected === "new" ? "↵" : "N"));
  }

  #card(candidate, index, shown) {
    const { individual, probability, score, photos } = candidate;
    const cover = photos[0]?.annotation;
    const points = photos[0]?.inliers;
    const share = percent(probability);
    return card({
      shown, name: individual, key: index < KEYED ? String(index + 1) : null, probability,
      picture: cover && h("img", { src: chip(cover.id, 256), alt: "" }),
      figure: probability === null || probability === undefined ? (score ? `score ${score.toFixed(1)}` : "") : share,
      detail: candidate.chosen ? "you named it" : points ? count(points, "point") : "little alike",
      run: () => this.actions.look(index), id: `c${index}`,
    });
  }

  #newCard(answer, shown) {
    return card({
      shown, name: "New animal", key: "N", probability: answer?.new_probability, kind: "card-new",
      picture: h("span", { class: "card-plus" }, icon("plus")),
      figure: answer?.new_probability === null || answer?.new_probability === undefined ? "" : percent(answer.new_probability),
      detail: answer?.new_probability === null ? "not in the catalogue" : "not known yet", run: () => this.actions.lookNew(), id: "new",
    });
  }
}

function card({ shown, name, key, probability, picture, figure, detail, run, id, kind = "" }) {
  const bar = h("span", { class: "bar-fill" });
  bar.style.width = `${(probability ?? 0) * 100}%`;
  return h("button", { class: `card ${kind}`, "aria-pressed": String(shown), onclick: run, "data-card": id },
    h("span", { class: "card-photo" }, picture, key && keycap(key)),
    h("span", { class: "card-text" },
      h("span", { class: "card-name" }, name),
      h("span", { class: "card-figures" }, probability !== null && probability !== undefined && h("span", { class: "bar", "aria-hidden": "true" }, bar), h("span", { class: "card-figure" }, figure)),
      h("span", { class: "card-detail" }, detail)));
}

function entry(label, key, run) {
  return h("button", { class: "menu-entry", onclick: run }, h("span", {}, label), keycap(key));
}
