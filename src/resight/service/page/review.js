// Review: the queue, two photos, and who it is.

import { get, post } from "./api.js";
import { Asking, describing } from "./asking.js";
import { Choices } from "./choices.js";
import { pickIndividual, showConflict } from "./choosing.js";
import { open as dialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { count, day, percent } from "./format.js";
import { Queue } from "./queue.js";
import { reviewKeys } from "./reviewkeys.js";
import { Stage } from "./stage.js";
import { complain, say } from "./toast.js";
import { Waiting } from "./waiting.js";

const SETTLING = 350; // ms after a new encounter in which a second press of the same key decides nothing

/** Photos of the catalogue that had no part in an answer, as no method has described them yet. */
const undescribed = (answer) => answer?.left_out["not described yet"] ?? 0;
const PAUSE = 2000; // ms between two looks at the jobs

export async function show(main, parameters, desk) {
  const review = new Review(main, desk, parameters.state ?? "unresolved");
  await review.start(parameters.ref);
  return { keys: reviewKeys(review), leave: () => review.leave() };
}

class Review {
  constructor(main, desk, state) {
    this.desk = desk;
    this.state = state;
    this.main = main;
    this.decided = []; // {decision, encounter, at}: what Z takes back, the last first
    this.readOnly = !desk.may("reviewer");
    this.waiting = new Waiting(state, () => !this.left && this.#list());
    this.queue = new Queue({ opened: (encounter) => this.open(encounter), more: () => this.waiting.more().catch(complain), turned: (value) => desk.go("review", { state: value }) });
    this.stage = new Stage({ queryPhoto: (index) => this.showQueryPhoto(index), candidatePhoto: (index) => this.showPhoto(index), where: () => this.where() });
    this.choices = new Choices({
      look: (index) => this.look(index), lookNew: () => this.lookNew(), confirm: () => this.confirm(),
      decide: (answer) => this.decide(answer), other: () => this.other(), again: () => this.again(),
    });
    this.spoken = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  }

  async start(ref) {
    const [, decisions] = await Promise.all([this.waiting.more(), get("/decisions", { limit: 20 })]);
    this.asking = new Asking(decisions.items.find(({ individual }) => individual)?.at);
    this.root = h("div", { class: "review" }, this.queue.root, h("div", { class: "desk" }, this.stage.root, this.choices.root), this.spoken);
    fill(this.main, this.root);
    let wanted = this.waiting.items.find((encounter) => encounter.ref === ref);
    if (ref && !wanted) {
      wanted = await get("/encounter", { ref }).catch(() => null); // gone meanwhile: the queue is shown
      if (wanted) this.waiting.addFirst(wanted); // one that has an answer, or waits far behind
    }
    if (this.waiting.items.length) this.open(wanted ?? this.waiting.items[0]);
    else this.#empty();
  }

  leave() {
    this.left = true;
    this.unsay?.(); // its Undo goes on under History
    this.stage.leave();
  }

  // Looking ------------------------------------------------------------------------------------

  async open(encounter, { again = false } = {}) {
    if (this.left) return; // another view is shown by now
    this.current = encounter;
    this.answer = null;
    this.candidates = [];
    this.selected = null;
    this.shownAt = performance.now();
    this.desk.remember("review", { ...(this.state === "unresolved" ? {} : { state: this.state }), ref: encounter.ref });
    this.#list();
    this.stage.newName.value = "";
    this.queryIndex = 0;
    this.stage.showQuery(encounter, 0);
    const waiting = setTimeout(() => this.#wait(encounter), 60); // an answer that is there already shows at once, without a flicker
    try {
      const answer = await this.asking.answer(encounter, { again });
      if (this.current !== encounter || this.left) return;
      this.#show(answer);
      if (this.asking.isStale(answer)) await this.#renew(encounter, "Animals were named since this was asked: comparing with them too…");
      if (undescribed(this.answer)) await this.#onceDescribed(encounter);
    } catch (error) {
      if (this.current !== encounter || this.left) return;
      this.selected = "new";
      this.stage.showAlone();
      this.choices.fail(error.message, this.readOnly);
    } finally {
      clearTimeout(waiting);
    }
    this.asking.ahead(this.waiting.after(encounter));
  }

  /** While an answer is awaited, which the first one is for long where photos are still described. */
  async #wait(encounter) {
    const waits = () => this.current === encounter && !this.answer && this.selected === null && !this.left;
    if (!waits()) return;
    this.stage.showAlone();
    this.choices.wait();
    while (await new Promise((later) => setTimeout(later, PAUSE)), waits()) {
      const job = await describing();
      if (job && waits()) this.choices.wait(`Photos are being described${job.total ? `: ${job.done} of ${job.total}` : ""}.`);
    }
  }

  /** Ask again in the background: there is more to compare with, and it may be the one. */
  async #renew(encounter, note = "") {
    if (note) this.stage.note(note);
    let answer;
    try {
      answer = await this.asking.answer(encounter, { again: true });
    } catch {
      return; // the older answer still stands
    }
    if (this.current !== encounter || this.left || this.busy) return;
    const shown = this.candidates[this.selected]?.individual;
    const steady = this.steady;
    // Whom somebody picked from all there are, or looks at; the new answer may not name them.
    const looked = this.candidates.filter((each) => each.chosen || (steady && each.individual === shown))
      .map((each) => (each.chosen ? each : { ...each, probability: null }));
    this.#take(answer);
    this.candidates.push(...looked.filter(({ individual }) => !this.candidates.some((each) => each.individual === individual)));
    const at = this.candidates.findIndex(({ individual }) => individual === shown);
    if (this.selected === "new") this.lookNew();
    else this.look(steady && at >= 0 ? at : 0);
    this.steady = steady;
    if (this.candidates[this.selected]?.individual !== shown) this.shownAt = performance.now();
  }

  /** Ask again when nothing describes photos any more: some had no part in this answer. */
  async #onceDescribed(encounter) {
    const here = () => this.current === encounter && !this.left;
    this.stage.note(`${count(undescribed(this.answer), "photo")} of the catalogue are still being described and were not compared…`);
    while (here() && await describing()) await new Promise((later) => setTimeout(later, PAUSE));
    if (here()) await this.#renew(encounter);
  }

  #take(answer) {
    const { id, verdict, new_probability: newProbability } = answer;
    const best = answer.candidates[0];
    this.answer = answer;
    this.current.answer = { id, verdict, first: best?.individual, probability: best?.probability ?? null, new_probability: newProbability };
    this.#list();
    this.candidates = [...answer.candidates, ...(answer.passed_over ?? [])].map((each) => ({ ...each, photos: comparedPhotos(each) }));
  }

  #show(answer) {
    this.#take(answer);
    const first = this.candidates[0];
    const at = this.waiting.items.indexOf(this.current) + 1;
    this.spoken.textContent = `Encounter ${at} of ${this.waiting.total}: ${count(this.current.annotations.length, "photo")}. `
      + (first ? `Most alike: ${first.individual} ${first.probability === null ? "" : percent(first.probability)}` : "No candidate.");
    if (first) this.look(0);
    else this.lookNew();
    this.steady = false; // whether somebody has chosen whom to look at
  }

  #list() {
    this.queue.show(this.waiting, this.current, this.state);
  }

  /** Show a candidate by its place in the list, with the pair of photos that agrees most. */
  look(index) {
    const candidate = this.candidates[index];
    if (!candidate) return;
    this.selected = index;
    this.steady = true;
    this.photoIndex = 0;
    const best = candidate.photos[0]?.query;
    const query = this.current.annotations.findIndex((annotation) => annotation.id === best);
    if (query >= 0) this.queryIndex = query;
    this.#draw();
    this.#more(candidate);
  }

  lookNew() {
    this.selected = "new";
    this.stage.showQuery(this.current, this.queryIndex, this.answer);
    this.stage.showNew(this.answer);
    this.choices.show(this.answer, this.candidates, "new", this.readOnly);
  }

  step(by) {
    const places = [...this.candidates.keys(), "new"];
    const at = places.indexOf(this.selected);
    const to = places[Math.min(places.length - 1, Math.max(0, at + by))];
    if (to === this.selected) return;
    if (to === "new") this.lookNew();
    else this.look(to);
  }

  async neighbour(by) {
    const { current, waiting } = this;
    const to = () => waiting.items[waiting.items.indexOf(current) + by];
    if (!to() && by > 0) await waiting.more().catch(complain);
    if (to() && this.current === current) this.open(to());
  }

  showPhoto(index) {
    const photos = this.candidates[this.selected]?.photos ?? [];
    if (!photos.length) return;
    this.photoIndex = (index + photos.length) % photos.length;
    this.#draw();
  }

  showQueryPhoto(index) {
    const { annotations } = this.current;
    this.queryIndex = (index + annotations.length) % annotations.length;
    if (this.selected === "new") return this.lookNew();
    this.#draw();
  }

  #draw() {
    const candidate = this.candidates[this.selected];
    this.stage.showQuery(this.current, this.queryIndex, this.answer);
    this.stage.showCandidate(candidate, this.photoIndex, candidate.known);
    this.choices.show(this.answer, this.candidates, this.selected, this.readOnly);
    this.#match(candidate);
  }

  /** The lines of the pair that is shown, once they are here. */
  async #match(candidate) {
    const photo = candidate.photos[this.photoIndex];
    if (!photo || !this.answer) return;
    const query = this.current.annotations[this.queryIndex];
    const { viewer } = this.stage;
    try {
      const pair = await this.asking.pair(this.answer, query.id, photo.annotation.id);
      const still = viewer.query.annotation?.id === query.id && viewer.candidate.annotation?.id === photo.annotation.id;
      if (still) viewer.match(pair);
    } catch {
      // Photos that were never compared have no lines; they can be looked at all the same.
    }
  }

  /** All photos of the candidate, behind those that were compared. */
  async #more(candidate) {
    if (candidate.known) return;
    try {
      candidate.known = await this.asking.individual(candidate.individual);
    } catch {
      return; // renamed or merged in the meantime: what was compared is still shown
    }
    const there = new Set(candidate.photos.map(({ annotation }) => annotation.id));
    const others = candidate.known.shown.filter(({ id, hidden }) => !there.has(id) && !hidden);
    candidate.photos.push(...others.map((annotation) => ({ annotation, compared: false })));
    if (this.candidates[this.selected] === candidate) {
      this.stage.showCandidate(candidate, this.photoIndex, candidate.known);
      this.#match(candidate);
    }
  }

  /** Compare with an individual that is not among the candidates. */
  async other() {
    const name = await pickIndividual();
    if (!name || this.left) return;
    let index = this.candidates.findIndex(({ individual }) => individual === name);
    if (index < 0) index = this.candidates.push({ individual: name, probability: null, score: 0, photos: [], chosen: true }) - 1;
    const candidate = this.candidates[index];
    if (!candidate.photos.length) await this.#more(candidate);
    this.look(index);
  }

  /** Where the candidate was met, and where the encounter is. */
  async where() {
    const candidate = this.candidates[this.selected];
    const known = candidate?.known;
    const { annotations, name } = this.current;
    const asked = annotations.find(({ position }) => position);
    const [{ mapOf }, { metAt }] = await Promise.all([import("./map.js"), import("./individual.js")]);
    const points = [...(asked ? [{ ...asked.position, asked: true, title: [day(this.current.seen_on) || "No date", name ?? annotations[0].name, this.current.place].filter(Boolean).join(" · ") }] : []),
      ...(known ? metAt(known) : [])];
    if (!points.length) return void say("No position is known of these photos.");
    await dialog(known ? `Where ${candidate.individual} was met` : "Where it was met", () => [mapOf(points)], { wide: true });
  }

  again() {
    this.open(this.current, { again: true });
  }

  // Deciding -----------------------------------------------------------------------------------

  confirm() {
    if (this.selected === "new") this.decide("new");
    else if (this.selected !== null) this.decide("individual");
  }

  /** A candidate's number: shows it, and decides for it once it is shown. */
  number(index) {
    if (index === this.selected) this.confirm();
    else this.look(index);
  }

  async decide(answer) {
    const encounter = this.current;
    if (!encounter || this.busy || this.left || this.readOnly || performance.now() - this.shownAt < SETTLING) return;
    this.busy = true;
    const individual = answer === "individual" ? this.candidates[this.selected].individual : answer === "new" ? this.stage.newName.value.trim() || null : null;
    try {
      const decision = await post("/decisions", {
        answer, individual,
        annotations: encounter.annotations.map(({ id }) => id),
        identification: this.answer?.id ?? null,
        etags: Object.fromEntries(encounter.annotations.map(({ id, etag }) => [id, etag])),
      });
      await this.#done(decision, encounter, answer, individual ?? decision.individual);
    } catch (error) {
      if (error.status === 412) showConflict(error, encounter, () => this.#afresh(encounter));
      else complain(error);
    } finally {
      this.busy = false;
    }
  }

  async #done(decision, encounter, answer, individual) {
    const [next] = this.waiting.after(encounter);
    const at = this.waiting.settle(encounter, answer === "skip");
    this.decided.push({ decision, encounter, at });
    if (decision.individual) this.asking.named(decision);
    this.unsay?.(); // the Undo of an older message would now take back this decision
    this.unsay = say(told(answer, individual, encounter), { action: { label: "Undo", key: "Z", run: () => this.undo() } });
    this.desk.refresh();
    if (!this.waiting.items.length) await this.waiting.more().catch(complain);
    const { items } = this.waiting;
    if (items.length) this.open(items.includes(next) ? next : items[0]);
    else this.#empty();
  }

  async undo() {
    if (this.busy) return; // a decision on its way is the one that is meant, and is not there yet
    const last = this.decided.pop();
    if (!last) return void say("Nothing to undo here. Older decisions are under History.");
    try {
      this.asking.named(await post(`/decisions/${encodeURIComponent(last.decision.id)}/undo`));
    } catch (error) {
      this.decided.push(last);
      return void complain(error);
    }
    this.unsay?.();
    say("Undone.");
    this.desk.refresh();
    await this.#afresh(last.encounter, last.at);
  }

  /** Read an encounter again and open it, wherever it now stands. */
  async #afresh(encounter, at = this.waiting.items.indexOf(encounter)) {
    let now = encounter;
    try {
      now = await get("/encounter", { ref: encounter.ref });
    } catch (error) {
      complain(error);
    }
    this.waiting.put(encounter, now, at);
    if (!this.left && !this.root.isConnected) fill(this.main, this.root);
    this.open(now);
  }

  /** What is left although nothing is to do. */
  #rest() {
    const { unsure = 0, second_opinion: second = 0 } = this.desk.summary ?? {};
    const left = [unsure && `${count(unsure, "encounter")} left as unsure`, second && `${second} that should be looked at again`].filter(Boolean);
    return left.length ? `But for ${left.join(" and ")}, every encounter has an answer.` : "";
  }

  async #empty() {
    this.current = null;
    await this.desk.refresh(); // how many are unsure
    if (this.left || this.waiting.items.length) return; // an undo was faster
    this.desk.remember("review", this.state === "unresolved" ? {} : { state: this.state });
    const words = { unresolved: ["Nothing to do", this.#rest() || "Every encounter has an answer."], unsure: ["Nobody is unsure", "No encounter was left as unsure."], second_opinion: ["No second opinions asked for", "Press E on an encounter to ask for one."] };
    const [title, text] = words[this.state];
    fill(this.main, h("div", { class: "empty" }, h("h1", {}, title), h("p", {}, text),
      h("p", { class: "empty-links" },
        this.state === "unresolved" ? h("a", { class: "button button-main", href: "#/photos" }, "Put photos in") : h("a", { class: "button button-main", href: "#/review" }, "To do"),
        this.state === "unresolved" && this.desk.summary?.unsure > 0 && h("a", { class: "button", href: "#/review?state=unsure" }, "Unsure ones"),
        this.state === "unresolved" && this.desk.summary?.second_opinion > 0 && h("a", { class: "button", href: "#/review?state=second_opinion" }, "Second look"),
        h("a", { class: "button", href: "#/individuals" }, "Individuals"))));
  }
}

/** The photos of a candidate that were compared, each once, best first. */
function comparedPhotos({ photos }) {
  const seen = new Set();
  return photos.filter(({ annotation }) => !seen.has(annotation.id) && seen.add(annotation.id))
    .map((photo) => ({ ...photo, points: photo.inliers }));
}

function told(answer, individual, encounter) {
  const photos = count(encounter.annotations.length, "photo");
  return {
    individual: `${individual}: ${photos}.`, new: `New animal${individual ? ` ${individual}` : ""}: ${photos}.`,
    unsure: "Left as unsure.", skip: "Skipped.", unknown: "Cannot be told.", second_opinion: "A second opinion is asked for.",
  }[answer];
}
