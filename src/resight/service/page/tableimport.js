// A table with its photos: which column is what, what each row will do, then done, and undone if need be.

import { ended, get, post, remove, upload } from "./api.js";
import { confirm } from "./dialog.js";
import { fill, h, icon, settled } from "./dom.js";
import { clock, count, day } from "./format.js";
import { complain, say } from "./toast.js";

const AT_ONCE = 3;
const SHOWN = 100; // rows, until all are asked for
const FIELDS = { path: "Photo (file name)", identity: "Animal", side: "Side", date: "Date", encounter: "Encounter", place: "Place", latitude: "Latitude", longitude: "Longitude", species: "Species" };
const RARE = { photo_name: "Name to keep", bbox: "Box (x, y, w, h)", x: "Box x", y: "Box y", w: "Box width", h: "Box height", rotation: "Rotation", mask: "Mask (COCO segmentation)" };
// What rows will do and have done, then one row; those that need somebody come first.
const WORDS = {
  bad: ["cannot be used", "left out", "cannot be used", "left out"],
  conflict: ["contradict what is known", "left as they were", "contradicts what is known", "left as it was"],
  updated: ["get new facts", "got new facts", "gets new facts", "got new facts"],
  added: ["to put in", "put in", "put in", "put in"],
  already: ["already there", "already there", "already there", "already there"],
};
const SAID = { identity: "Animal", side: "Side", date: "Date", encounter: "Encounter", place: "Place", species: "Species", position: "Position" };

export const isTable = (file) => /\.(csv|tsv|xlsx|xlsm)$/i.test(file.name);

/** Send a table and return what is known of it. */
export const sendTable = (file) => upload(file, {}, () => {}, null, "/imports");

export class TableImport {
  /** `table` as the server tells it; `changed(ended)` when photos came in or it was thrown away. */
  constructor(desk, table, changed) {
    this.desk = desk;
    this.table = table;
    this.changed = changed;
    this.columns = { ...table.columns };
    this.others = table.others;
    this.dates = table.dates; // the order of day, month and year that was chosen, if one was
    this.waiting = [];
    this.running = 0;
    this.sent = new Set(table.photos);
    this.failed = [];
    this.only = null; // the status that is shown, null for all
    this.stopping = new AbortController();
    this.form = h("div", {});
    this.sending = h("div", { class: "import-sending" });
    this.result = h("div", { class: "import-result" });
    this.root = h("section", { class: "import", "aria-labelledby": "import-head" },
      h("div", { class: "page-head" }, h("h2", { id: "import-head" }, table.name), h("p", { class: "hint" }, count(table.rows, "row")), h("span", { class: "grow" }),
        this.away = h("button", { class: "button button-small", onclick: () => this.discard() }, "Throw away")),
      this.form, this.sending, this.result);
    this.look = settled(() => this.preview(), 120);
    this.#drawForm();
    this.#drawSending();
    if (table.job && !table.report) this.#follow(table.job);
    else this.preview();
  }

  get ended() {
    return Boolean(this.table.report);
  }

  leave() {
    this.left = true;
    if (this.running + this.waiting.length) say(`${count(this.running + this.waiting.length, "photo")} of ${this.table.name} not sent yet: drop them again to go on.`, { kind: "bad" });
    this.stopping.abort();
  }

  // Photos -----------------------------------------------------------------------------------------

  take(files) {
    this.waiting.push(...files);
    while (this.running < AT_ONCE && this.waiting.length) this.#send();
    this.#drawSending();
  }

  async #send() {
    const file = this.waiting.shift();
    const path = file.webkitRelativePath || file.name;
    this.running += 1;
    try {
      await upload(file, {}, () => {}, this.stopping.signal, `/imports/${this.table.id}/photos?path=${encodeURIComponent(path)}`);
      this.sent.add(path);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.failed.push(error.message.startsWith(path) ? error.message : `${path}: ${error.message}`);
    } finally {
      this.running -= 1;
    }
    if (this.waiting.length) this.#send();
    this.#drawSending();
    if (!this.running && !this.waiting.length) this.look();
  }

  #drawSending() {
    const left = this.running + this.waiting.length;
    const total = this.sent.size + left;
    fill(this.sending,
      left > 0 && h("progress", { max: total, value: total - left, "aria-label": "Photos sent" }),
      h("p", { role: "status" }, left ? `${count(left, "photo")} to go of ${total}` : this.sent.size ? `${count(this.sent.size, "photo")} sent with it.`
        : "Drop its photos here too. Rows may also name photos that the catalogue has already."),
      this.failed.length > 0 && h("details", { open: true }, h("summary", { class: "wrong" }, `${count(this.failed.length, "file")} not taken`), h("ul", { class: "plain-list" }, this.failed.map((text) => h("li", {}, text)))));
  }

  // Columns ----------------------------------------------------------------------------------------

  #drawForm() {
    if (this.ended || this.table.fixed) return void fill(this.form, this.table.fixed && h("p", { class: "hint" }, "A bulk import sheet of Wildbook: its columns are known."));
    const choice = ([field, label]) => h("div", {}, h("label", { for: `column-${field}` }, label), h("select", { id: `column-${field}`, onchange: (event) => this.#choose(field, event.target.value) },
      h("option", { value: "" }, "–"),
      this.table.header.map(({ name, sample }) => h("option", { value: name, selected: this.columns[field] === name }, sample ? `${name} (${sample.slice(0, 30)})` : name))));
    this.order = h("div", { hidden: true }); // beside the column of dates
    this.orderOf = "";
    fill(this.form, h("fieldset", { class: "columns" }, h("legend", {}, "Which column is what?"), Object.entries(FIELDS).flatMap((each) => each[0] === "date" ? [choice(each), this.order] : [choice(each)])),
      h("details", {}, h("summary", {}, "Boxes and more"), h("div", { class: "columns" }, Object.entries(RARE).map(choice))));
  }

  #choose(field, column) {
    if (column) this.columns[field] = column;
    else delete this.columns[field];
    if (field === "date") this.dates = null;
    this.look();
  }

  /** What its example means, where the dates do not show it. Left as it is where nothing else is asked: it may be in use. */
  #drawOrder(dates) {
    const asked = dates && JSON.stringify([dates.example, dates.choices]);
    if (asked !== this.orderOf) {
      fill(this.order, dates && [h("label", { for: "date-order" }, `${dates.example} is`),
        h("select", { id: "date-order", onchange: (event) => { this.dates = event.target.value || null; this.look(); } }, h("option", { value: "" }, "choose"),
          Object.entries(dates.choices).map(([order, date]) => h("option", { value: order }, date ? day(date) : `no date: ${order.replace("-", " ")}`)))]);
      this.orderOf = asked;
    }
    this.order.hidden = !dates;
    this.order.classList.toggle("lacking", Boolean(dates) && !dates.order);
    if (dates) this.order.lastChild.value = dates.order ?? "";
  }

  get #choices() {
    return { columns: this.table.fixed ? null : this.columns, others: this.others, dates: this.dates };
  }

  // What will happen -------------------------------------------------------------------------------

  async preview() {
    const turn = this.turn = (this.turn ?? 0) + 1;
    if (this.ended) return void this.#draw(this.table.report);
    try {
      const report = await post(`/imports/${this.table.id}/preview`, this.#choices);
      if (turn === this.turn && !this.left && !this.job) this.#draw(report);
    } catch (error) {
      if (turn === this.turn && !this.left) fill(this.result, h("p", { class: "wrong", role: "status" }, icon("warn"), ` ${error.message}`));
    }
  }

  #draw(report) {
    this.report = report;
    this.all = false;
    if (!report.counts[this.only]) this.only = null;
    const { counts, warnings, unnamed } = report;
    if (!this.ended && !this.table.fixed) this.#drawOrder(report.dates);
    const good = counts.added + counts.updated;
    const bad = counts.bad + counts.conflict;
    this.list = h("div", {});
    fill(this.result,
      warnings.map((text) => h("p", { class: "hint" }, text)),
      h("div", { class: "import-counts", role: "group", "aria-label": "Rows to show" }, Object.keys(WORDS).filter((status) => counts[status]).map((status) => this.#chip(status, counts[status]))),
      this.#copies(report.rows.filter(({ like }) => like).length),
      this.#unnamed(unnamed),
      h("div", { class: "import-do" }, this.ended ? this.#done(good) : [
        h("button", { class: "button button-main", disabled: !good || this.running + this.waiting.length > 0, onclick: () => this.run() }, good ? `Put in ${count(good, "row")}` : "Nothing to put in"),
        h("span", { class: "hint", role: "status" }, bad ? `${count(bad, "row")} cannot be put in and will be left out, for the reasons below.` : good ? "Nothing has been changed yet." : "")]),
      this.list);
    this.#rows();
  }

  #chip(status, number) {
    const words = WORDS[status][this.ended ? 1 : 0];
    return h("button", { class: `import-count import-${status}`, "aria-pressed": String(this.only === status), onclick: (event) => {
      this.only = this.only === status ? null : status;
      for (const each of event.currentTarget.parentElement.children) each.setAttribute("aria-pressed", String(each === event.currentTarget && this.only === status));
      this.#rows();
    } }, h("strong", {}, number.toLocaleString("en")), ` ${words}`);
  }

  #copies(number) {
    return number > 0 && h("p", { class: "hint" }, icon("warn"), ` ${count(number, "photo")} may be copies of photos that the catalogue has; the rows say of which.`);
  }

  #unnamed(unnamed) {
    if (!unnamed.length) return null;
    const some = unnamed.slice(0, 3).join(", ") + (unnamed.length > 3 ? ", …" : "");
    if (this.ended) return h("p", { class: "hint" }, this.others ? "" : `${count(unnamed.length, "photo")} in no row: not put in (${some}).`);
    return h("label", { class: "check" }, h("input", { type: "checkbox", checked: this.others, onchange: (event) => { this.others = event.target.checked; this.look(); } }),
      `Also put in ${count(unnamed.length, "photo")} that no row names (${some})`);
  }

  #rows() {
    const rows = this.report.rows.filter(({ status }) => this.only === null || status === this.only);
    const shown = this.all ? rows : rows.slice(0, SHOWN);
    fill(this.list, rows.length > 0 && h("div", { class: "import-scroll", tabindex: "0", role: "region", "aria-label": "Rows" }, h("table", { class: "table import-table" },
      h("thead", {}, h("tr", {}, ["Row", this.ended ? "What happened" : "What happens", "What it says"].map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, shown.map((row) => this.#row(row))))),
    shown.length < rows.length && h("button", { class: "button", onclick: () => { this.all = true; this.#rows(); } }, `Show all ${rows.length.toLocaleString("en")}`));
  }

  #row({ source, status, reason, said, like, damaged }) {
    return h("tr", { "data-status": status },
      h("td", {}, source),
      h("td", {}, h("span", { class: "import-status" }, WORDS[status][this.ended ? 3 : 2]), reason && h("span", { class: "import-reason" }, reason),
        like && h("span", { class: "import-reason import-like" }, icon("warn"), ` perhaps a copy: its photo looks like ${like.name}${like.individual ? ` of ${like.individual}` : ""}, which is there`),
        damaged && h("span", { class: "import-reason import-like", title: damaged }, icon("warn"), " perhaps damaged in part: look at it")),
      h("td", {}, Object.entries(said).map(([field, text]) => h("span", { class: "import-said" }, h("span", { class: "hint" }, `${SAID[field] ?? field} `), field === "date" ? `${day(text)} ${clock(text)}` : text))));
  }

  // Doing it ---------------------------------------------------------------------------------------

  async run() {
    try {
      this.#follow((await post(`/imports/${this.table.id}/run`, this.#choices)).id);
    } catch (error) {
      complain(error);
    }
  }

  async #follow(id) {
    this.job = id;
    const bar = h("progress", { "aria-label": "Rows put in" });
    const text = h("p", { role: "status" }, "Putting them in…");
    fill(this.form);
    fill(this.result, bar, text);
    const tell = ({ done, total }) => {
      if (total) [bar.max, bar.value] = [total, done];
      text.textContent = total ? `${done.toLocaleString("en")} of ${total.toLocaleString("en")} rows` : "Waits for its turn…";
    };
    let job;
    try {
      job = await ended(id, tell, () => this.left);
    } catch (error) {
      return void this.#stopped(error.message);
    }
    if (!job) return;
    if (job.state !== "done") return void this.#stopped(job.message || "It was stopped. What was put in stays.");
    this.job = null;
    this.table = await get(`/imports/${this.table.id}`);
    if (this.left) return;
    this.only = null;
    this.away.textContent = "Close";
    this.#draw(this.table.report);
    fill(this.sending);
    this.desk.refresh();
    this.changed(true);
  }

  #stopped(message) {
    this.job = null;
    say(message, { kind: "bad" });
    this.#drawForm();
    this.preview();
  }

  #done(good) {
    return [h("strong", { role: "status" }, icon("check"), good ? ` ${count(good, "row")} put in.` : " Nothing was put in."),
      this.table.decisions.length > 0 && h("button", { class: "button", onclick: (event) => this.#undo(event.currentTarget) }, icon("undo"), "Undo all of it"),
      h("a", { class: "button", href: "#/review" }, "Review"), h("a", { class: "button", href: "#/individuals" }, "Individuals")];
  }

  async #undo(button) {
    button.disabled = true;
    try {
      // After an interruption they are several; the last goes first. One that failed can be gone on with.
      while (this.table.decisions.length) {
        await post(`/decisions/${this.table.decisions[0]}/undo`);
        this.table.decisions.shift();
      }
    } catch (error) {
      button.disabled = false;
      return void complain(error);
    }
    say("Undone. It can be done again under History.");
    this.desk.refresh();
    this.changed(true);
  }

  async discard() {
    if (!this.ended && !await confirm(`Throw “${this.table.name}” away?`, h("p", {}, "The table and the photos that were sent with it go. The catalogue stays as it is."), "Throw away", { danger: true })) return;
    this.stopping.abort();
    try {
      if (!this.ended) await remove(`/imports/${this.table.id}`);
    } catch (error) {
      if (error.status !== 404) return void complain(error);
    }
    this.left = true;
    this.root.remove();
    this.changed(false);
  }
}
