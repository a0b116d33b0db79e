// The query beside a candidate: captions, photos of both, and the viewer between them.

import { fill, h, icon, keycap } from "./dom.js";
import { count, day, facts, percent } from "./format.js";
import { Strip } from "./strip.js";
import { Toolbar } from "./toolbar.js";
import { PairViewer } from "./viewer.js";

export class Stage {
  /** `actions`: {queryPhoto(index), candidatePhoto(index), where()}. */
  constructor(actions) {
    this.viewer = new PairViewer(() => this.toolbar?.update());
    this.toolbar = new Toolbar(this.viewer);
    this.queryCaption = h("div", { class: "caption" });
    this.candidateCaption = h("div", { class: "caption" });
    this.queryStrip = new Strip("Photos of this encounter", actions.queryPhoto);
    this.candidateStrip = new Strip("Photos of the candidate", actions.candidatePhoto);
    this.where = h("button", { class: "button button-small caption-where", onclick: () => actions.where() }, icon("pin"), "Where and when", keycap("W"));
    this.newName = h("input", { id: "new-name", autocomplete: "off", placeholder: "resight finds one" });
    this.newPanel = h("div", { class: "new-panel", hidden: true });
    this.viewer.candidate.root.append(this.newPanel);
    this.root = h("section", { class: "stage", "aria-label": "Photos" },
      h("div", { class: "captions" }, this.queryCaption, this.candidateCaption),
      h("div", { class: "viewer-frame" }, this.viewer.root), this.toolbar.root,
      h("div", { class: "strips" }, this.queryStrip.root, this.candidateStrip.root));
  }

  /** The encounter's own photos. */
  showQuery(encounter, index, answer) {
    const annotation = encounter.annotations[index];
    const title = encounter.name ?? annotation.name;
    fill(this.queryCaption,
      h("h1", { class: "caption-name" }, "Who is this?"),
      h("p", { class: "caption-facts" }, [title, facts(annotation)].filter(Boolean).join(" · ")),
      h("p", { class: "caption-why" }, encounter.individual ? `Somebody says it is ${encounter.individual}.` : answer ? verdict(answer) : encounter.why));
    const photos = encounter.annotations.map((each) => ({ annotation: each }));
    this.queryStrip.show(photos.length > 1 ? photos : [], index);
    this.query = annotation;
  }

  /** A candidate and the photo of it that is compared; `known` is what is known of the individual. */
  showCandidate(candidate, index, known) {
    const photo = candidate.photos[index];
    this.newPanel.hidden = true;
    const share = candidate.probability;
    fill(this.candidateCaption,
      h("div", { class: "caption-head" },
        h("h2", { class: "caption-name" },
          h("a", { href: `#/individual?${new URLSearchParams({ name: candidate.individual })}` }, candidate.individual),
          share !== null && share !== undefined && h("span", { class: "caption-share" }, percent(share))),
        known?.shown.some(({ position }) => position) && this.where),
      h("p", { class: "caption-facts" }, [photo && facts(photo.annotation), photo && agreement(photo)].filter(Boolean).join(" · ")),
      h("p", { class: "caption-why" }, known ? life(known) : " "));
    this.candidateStrip.show(candidate.photos, index);
    this.viewer.show(this.query, photo?.annotation ?? null, {
      query: `The animal asked about: ${facts(this.query) || this.query.name}`,
      candidate: photo ? `${candidate.individual}: ${facts(photo.annotation) || photo.annotation.name}` : "",
    });
  }

  /** "New animal" as an answer: what was searched, and a name to give. */
  showNew(answer) {
    fill(this.candidateCaption,
      h("h2", { class: "caption-name" }, "New animal",
        answer?.new_probability !== null && answer?.new_probability !== undefined && h("span", { class: "caption-share" }, percent(answer.new_probability))),
      h("p", { class: "caption-facts" }, answer ? searched(answer) : "Nothing was compared."));
    this.candidateStrip.show([], 0);
    fill(this.newPanel,
      icon("plus"),
      h("p", {}, "An animal that is not in the catalogue yet."),
      h("label", { for: "new-name" }, "Its name (may be left empty)"), this.newName);
    this.viewer.show(this.query, null, { query: `The animal asked about: ${facts(this.query) || this.query.name}`, candidate: "" });
    this.newPanel.hidden = false;
    this.viewer.root.classList.remove("viewer-alone");
  }

  /** Only the query, while the answer is awaited. */
  showAlone() {
    this.newPanel.hidden = true;
    fill(this.candidateCaption);
    this.candidateStrip.show([], 0);
    this.viewer.show(this.query, null, { query: `The animal asked about: ${facts(this.query) || this.query.name}`, candidate: "" });
    this.viewer.root.classList.remove("viewer-alone");
  }

  /** Say something beneath the question, until the encounter is drawn anew. */
  note(text) {
    this.queryCaption.querySelector(".caption-why")?.remove();
    this.queryCaption.append(h("p", { class: "caption-why", role: "status" }, text));
  }

  leave() {
    this.toolbar.leave();
  }
}

/** What the answer comes to, in words. */
function verdict({ verdict: said, candidates: [first], needed, new_probability: chance }) {
  const newer = (chance ?? 0) > (first?.probability ?? 0);
  const likeliest = newer ? `a new animal is likeliest (${percent(chance)})` : `${first?.individual} is likeliest (${percent(first?.probability)})`;
  return {
    known: `Most likely ${first?.individual}.`, new: "Most likely a new animal.",
    undecided: `Not sure: ${likeliest}${needed ? `, below the ${percent(needed)} that are needed` : ""}. Compare closely.`,
  }[said] ?? "Scores only: no probabilities have been learned for this method.";
}

function agreement({ inliers, matches, compared = true }) {
  if (!compared) return "not compared in full";
  if (inliers === undefined || inliers === null) return "";
  return `${count(inliers, "point")} agree${inliers === 1 ? "s" : ""}${matches ? ` of ${matches} matched` : ""}`;
}

function life({ photos, encounters: met, first_seen: first, last_seen: last, notes }) {
  const years = first ? (first === last ? `seen ${day(first)}` : `seen ${day(first)} to ${day(last)}`) : "";
  return [count(photos, "photo"), met ? count(met, "encounter") : "", years, notes].filter(Boolean).join(" · ");
}

function searched({ searched: all, shortlisted, matched, turned, annotations }) {
  const also = turned ? ", tried turned as well" : "";
  return `${annotations.length > 1 ? count(all, "pair of photos", "pairs of photos") : count(all, "photo")} searched, ${shortlisted} looked at, ${matched} compared in full${also}`;
}
