// The encounters that wait for somebody, as many as were needed so far: the server may have thousands.

import { get } from "./api.js";

const PAGE = 100;
const NEAR = 10; // encounters left before the end at which more are fetched

export class Waiting {
  /** `changed()` when more came. */
  constructor(state, changed) {
    this.state = state;
    this.changed = changed;
    this.items = [];
    this.total = 0; // with those that were not fetched yet
    this.whole = false; // whether all that wait are here
    this.extra = 0; // of the items, those that the server does not count: looked at again
    this.gone = new Set(); // references of those that were decided here
  }

  /** Those after an encounter, then those before it; what there is more of follows in time. */
  after(encounter) {
    const at = this.items.indexOf(encounter);
    if (this.items.length - at <= NEAR) this.more().catch(() => {}); // asked for again by who gets there
    return [...this.items.slice(at + 1), ...this.items.slice(0, at)];
  }

  /** Put an encounter first that is not among these: one that has an answer, or waits far behind. */
  addFirst(encounter) {
    this.items.unshift(encounter);
    if (this.#isListed(encounter)) return;
    this.extra += 1;
    this.total += 1;
  }

  /** One was decided; where it was `skipped` it still waits, behind all others. */
  settle(encounter, skipped) {
    const at = this.items.indexOf(encounter);
    this.items.splice(at, 1);
    if (skipped) {
      if (this.whole) this.items.push(encounter);
      return at;
    }
    this.gone.add(encounter.ref);
    this.total -= 1;
    if (!this.#isListed(encounter)) this.extra -= 1;
    return at;
  }

  /** Take one back in, as it is `now`, in place of how it was. */
  put(encounter, now, at) {
    const there = this.items.indexOf(encounter);
    if (there >= 0) {
      this.items.splice(there, 1);
      this.extra -= Number(!this.#isListed(encounter));
    } else if (this.gone.delete(encounter.ref)) this.total += 1;
    this.extra += Number(!this.#isListed(now));
    this.items.splice(Math.max(0, Math.min(at, this.items.length)), 0, now);
  }

  /** Fetch more, if there are any. */
  async more() {
    if (this.whole) return;
    this.fetching ??= this.#fetch().finally(() => { this.fetching = null; });
    await this.fetching;
  }

  async #fetch() {
    // Those that were decided here are listed no longer, so what follows begins where ours end.
    const start = this.items.length - this.extra;
    let next = await this.#page(start);
    if (next === null && start > 0) { // others decide too, and answers change the order: none is missed
      for (next = 0; next !== null;) next = await this.#page(next);
    }
    if (next === null) {
      this.whole = true;
      this.total = this.items.length;
    }
    this.changed();
  }

  /** Take in a page of the server's list; where the next begins. */
  async #page(start) {
    const page = await get("/encounters", { state: this.state, limit: PAGE, cursor: start });
    this.total = page.total + this.extra;
    const here = new Set(this.items.map(({ ref }) => ref));
    this.items.push(...page.items.filter(({ ref }) => !here.has(ref) && !this.gone.has(ref)));
    return page.next === null ? null : Number(page.next);
  }

  #isListed({ state }) {
    return state === this.state;
  }
}
