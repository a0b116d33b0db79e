// Who the server says it is, for each encounter: asked once, and for the next ones before they are opened.

import { get, post } from "./api.js";
import { preload } from "./pane.js";

const AHEAD = 2;

/** The job that describes photos, or is about to. */
export async function describing() {
  try {
    const { items } = await get("/jobs");
    return items.find(({ kind, state }) => ["import", "prepare"].includes(kind) && ["queued", "running"].includes(state));
  } catch {
    return undefined; // what is there can be asked about, and that says what is wrong
  }
}

export class Asking {
  /** `namedAt`: when an animal was last named. Answers from before do not know its photos as its. */
  constructor(namedAt) {
    this.namedAt = namedAt;
    this.answers = new Map(); // encounter reference -> promise of its answer
    this.pairs = new Map();
    this.individuals = new Map();
  }

  /** The answer about an encounter; `again` asks anew, after photos have come or changed. */
  answer(encounter, { again = false } = {}) {
    const { ref } = encounter;
    if (again || !this.answers.has(ref)) {
      const asked = encounter.answer && !again
        ? get(`/identifications/${encodeURIComponent(encounter.answer.id)}`)
        : post("/identifications", { encounter: ref });
      asked.catch(() => this.answers.delete(ref));
      this.answers.set(ref, asked);
    }
    return this.answers.get(ref);
  }

  /** The match of two photos within an answer: {lines, transform}. */
  pair(answer, query, annotation) {
    const key = `${answer.id} ${query} ${annotation}`;
    if (!this.pairs.has(key)) {
      const asked = get(`/identifications/${encodeURIComponent(answer.id)}/pair`, { query, annotation });
      asked.catch(() => this.pairs.delete(key));
      this.pairs.set(key, asked);
    }
    return this.pairs.get(key);
  }

  /** Everything about an individual: its photos, when it was seen, notes. */
  individual(name) {
    if (!this.individuals.has(name)) {
      const asked = get("/individual", { name });
      asked.catch(() => this.individuals.delete(name));
      this.individuals.set(name, asked);
    }
    return this.individuals.get(name);
  }

  /** A decision changed what is known of the animals. */
  named(decision) {
    this.namedAt = decision.at;
    this.individuals.clear();
  }

  isStale(answer) {
    return Boolean(this.namedAt) && Date.parse(answer.at) < Date.parse(this.namedAt);
  }

  /** Prepare the next encounters: answers, and the photos that will be seen first. One after the other. */
  async ahead(encounters) {
    for (const encounter of encounters.slice(0, AHEAD)) {
      try {
        preload(encounter.annotations[0].photo, 640).catch(() => {});
        let answer = await this.answer(encounter);
        if (this.isStale(answer)) answer = await this.answer(encounter, { again: true });
        const best = answer.candidates[0]?.photos[0];
        if (best) await Promise.all([this.pair(answer, best.query, best.annotation.id), preload(best.annotation.photo, 640)]);
      } catch {
        return; // whoever opens that encounter is told what is wrong
      }
    }
  }
}
