// Long work: what runs, how far it is, and stopping it.

import { get, jobEvents, post, remove } from "./api.js";
import { confirm } from "./dialog.js";
import { fill, h } from "./dom.js";
import { when } from "./format.js";
import { complain, say } from "./toast.js";

const NAMES = { prepare: "Describe photos", identify: "Identify photos", suspicions: "Look for suspicions", calibrate: "Learn probabilities", boxes: "Learn boxes", sides: "Learn sides", import: "Import photos", table: "Put in a table", weakest: "Look for weak photos" };
const OFFERED = {
  prepare: "Describes all photos now, so that the next question about them is answered sooner.",
  suspicions: "Looks for animals with two names and names with two animals.",
  calibrate: "Learns from the photos whose animal is known how sure an answer is.",
  boxes: "Learns from the boxes drawn so far where to propose boxes on other photos.",
  sides: "Learns from the photos whose side is known which side others show, to propose it.",
  weakest: "Looks how much detail photos show; Individuals then says of which animals a better one is wanted.",
  identify: "Asks about every unresolved encounter, so that Review has the answers ready.",
};
const STATES = { queued: "waiting", running: "running", done: "done", failed: "failed", cancelled: "stopped" };

export async function show(main, _parameters, desk) {
  const view = new Jobs(main, desk);
  await view.load();
  return { leave: () => view.leave() };
}

class Jobs {
  constructor(main, desk) {
    this.desk = desk;
    this.rows = new Map(); // id -> {job, element}
    this.list = h("ol", { class: "jobs", "aria-label": "Jobs" });
    this.none = h("p", { class: "hint" }, "Nothing runs and nothing waits.");
    const start = desk.may("reviewer") && h("section", { class: "offers", "aria-label": "Start a job" }, Object.entries(OFFERED).map(([kind, text]) => h("div", { class: "offer" },
      h("button", { class: "button", onclick: () => this.start(kind) }, NAMES[kind]), h("p", { class: "hint" }, text))));
    fill(main, h("div", { class: "page" }, h("div", { class: "page-head" }, h("h1", {}, "Jobs")), start, this.none, this.list));
  }

  async load() {
    const page = await get("/jobs", { limit: 50 });
    for (const job of [...page.items].reverse()) this.#put(job);
    this.stop = jobEvents((job) => this.#put(job));
  }

  leave() {
    this.stop?.();
  }

  async start(kind) {
    try {
      this.#put(await post("/jobs", { kind, arguments: {} }));
      this.desk.refresh();
    } catch (error) {
      complain(error);
    }
  }

  #put(job) {
    const known = this.rows.get(job.id);
    const ended = known && ["queued", "running"].includes(known.job.state) && !["queued", "running"].includes(job.state);
    if (!known) {
      this.rows.set(job.id, { job, row: new Row(job, () => this.#cancel(job.id)) });
      this.list.prepend(this.rows.get(job.id).row.root);
    } else {
      known.job = job;
      known.row.update(job);
    }
    if (ended) {
      say(`${NAMES[job.kind] ?? job.kind}: ${STATES[job.state]}.`, { kind: job.state === "failed" ? "bad" : "" });
      this.desk.refresh();
    }
    this.none.hidden = this.rows.size > 0;
  }

  async #cancel(id) {
    const { job } = this.rows.get(id);
    if (!await confirm(`Stop “${NAMES[job.kind] ?? job.kind}”?`, h("p", {}, "What it has done so far is kept."), "Stop it", { danger: true })) return;
    try {
      this.#put((await remove(`/jobs/${encodeURIComponent(id)}`)) ?? await get(`/jobs/${encodeURIComponent(id)}`));
    } catch (error) {
      complain(error);
    }
  }
}

/** One job; updated in place, so that the focus and the progress bar stay. */
class Row {
  constructor(job, cancel) {
    this.state = h("span", { class: "job-state" });
    this.stage = h("p", { class: "hint job-stage" });
    this.bar = h("progress", { "aria-label": `Progress of ${NAMES[job.kind] ?? job.kind}` });
    this.cancel = h("button", { class: "button button-small", onclick: cancel, "aria-label": `Stop ${NAMES[job.kind] ?? job.kind}` }, "Stop");
    this.root = h("li", { class: "job" },
      h("div", { class: "job-line" }, h("strong", {}, NAMES[job.kind] ?? job.kind), this.state,
        h("span", { class: "hint" }, [job.actor, when(job.created_at)].filter(Boolean).join(" · ")), h("span", { class: "grow" }), this.cancel),
      this.bar, this.stage);
    this.update(job);
  }

  update(job) {
    const active = ["queued", "running"].includes(job.state);
    this.root.dataset.state = job.state;
    this.state.textContent = STATES[job.state] ?? job.state;
    this.bar.hidden = job.state !== "running";
    if (job.total) {
      this.bar.max = job.total;
      this.bar.value = job.done;
    } else this.bar.removeAttribute("value");
    const part = job.total && active ? `${job.done.toLocaleString("en")} of ${job.total.toLocaleString("en")}` : "";
    const copies = job.result?.copies ?? [];
    const said = copies.slice(0, 3).map(({ source, name, individual }) => `${source.split(/[\\/]/).pop()} looks like ${name}${individual ? ` of ${individual}` : ""}`);
    const like = copies.length > 0 && `perhaps copies of photos that were there: ${said.join("; ")}${copies.length > 3 ? `; and ${copies.length - 3} more` : ""}`;
    const damaged = job.result?.damaged ?? [];
    const broken = damaged.length > 0 && `perhaps damaged in part, look at them: ${damaged.slice(0, 3).map(({ source }) => source.split(/[\\/]/).pop()).join(", ")}${damaged.length > 3 ? ` and ${damaged.length - 3} more` : ""}`;
    this.stage.textContent = [active ? job.stage : "", part, job.message, like, broken].filter(Boolean).join(" · ");
    this.cancel.hidden = !active;
  }
}
