// Photos in: files -> photos with progress for each, then grouped into encounters.

import { chip, get, list, post, upload } from "./api.js";
import { openAnnotation } from "./annotation.js";
import { fill, h, icon } from "./dom.js";
import { dropped, holdsFiles } from "./dropping.js";
import { count } from "./format.js";
import { Groups } from "./groups.js";
import { isTable, sendTable, TableImport } from "./tableimport.js";
import { complain, say } from "./toast.js";

const AT_ONCE = 3;
const MOST_LOOSE = 400;

export async function show(main, _parameters, desk) {
  const view = new PhotosIn(main, desk);
  await Promise.all([view.loadLoose(), view.loadTable()]);
  return {
    keys: [{ key: "o", label: "Choose photos", group: "Photos in", run: () => view.choose.click() },
      { key: "d", label: "Choose a folder", group: "Photos in", run: () => view.chooseFolder.click() },
      { key: "t", label: "Choose a table", group: "Photos in", run: () => view.chooseTable.click() }],
    leave: () => view.leave(),
  };
}

class PhotosIn {
  constructor(main, desk) {
    this.desk = desk;
    this.waiting = [];
    this.running = 0;
    this.tally = { sent: 0, added: 0, already: 0, bad: 0, like: 0 };
    this.decisions = []; // of what was dropped here, to be taken back as one
    this.stopping = new AbortController();
    this.choose = h("input", { type: "file", multiple: true, accept: "image/*,.heic,.heif,.tif,.tiff", class: "visually-hidden", tabindex: "-1", "aria-label": "Photos", onchange: (event) => this.take([...event.target.files]) });
    this.chooseFolder = h("input", { type: "file", webkitdirectory: true, class: "visually-hidden", tabindex: "-1", "aria-label": "Folder of photos", onchange: (event) => this.take([...event.target.files]) });
    this.chooseTable = h("input", { type: "file", accept: ".csv,.tsv,.xlsx,.xlsm", class: "visually-hidden", tabindex: "-1", "aria-label": "Table", onchange: (event) => this.take([...event.target.files]) });
    this.zone = h("div", { class: "drop-zone" }, icon("photo"),
      h("p", {}, h("strong", {}, "Drop photos or a folder here"), ", or ",
        h("button", { class: "button", onclick: () => this.choose.click() }, "choose photos"), " ",
        h("button", { class: "button", onclick: () => this.chooseFolder.click() }, "choose a folder")),
      h("p", { class: "hint" }, "The files stay as they are; the catalogue keeps its own copies, byte for byte."),
      h("p", { class: "hint" }, "With a table (CSV or Excel) that says who is on them? Drop it with its photos, or ",
        h("button", { class: "button button-small", onclick: () => this.chooseTable.click() }, "choose a table"), ". You see what it will do first."),
      this.choose, this.chooseFolder, this.chooseTable);
    this.tables = h("div", {});
    this.total = h("p", { class: "upload-total", role: "status" });
    this.rows = h("ol", { class: "uploads", "aria-label": "Files" });
    this.undo = h("button", { class: "button button-small", hidden: true, onclick: () => this.#undo() }, icon("undo"), "Undo all of it");
    this.section = h("section", { class: "upload-section", hidden: true, "aria-label": "Files sent" }, h("div", { class: "upload-head" }, this.total, this.undo), this.rows);
    this.groups = new Groups(desk, () => this.loadLoose());
    this.mayAdd = desk.may("reviewer");
    fill(main, h("div", { class: "page" }, h("div", { class: "page-head" }, h("h1", {}, "Photos in")),
      this.mayAdd ? this.zone : h("p", { class: "hint" }, "You may look at photos but not put any in."), this.tables, this.section, this.groups.root));
    this.#listen();
  }

  /** Photos may be dropped anywhere on the page; a miss would make the browser open the file. */
  #listen() {
    const { signal } = this.stopping;
    const over = (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.zone.classList.add("drop-over");
    };
    window.addEventListener("dragover", over, { signal });
    window.addEventListener("dragleave", (event) => !event.relatedTarget && this.zone.classList.remove("drop-over"), { signal });
    window.addEventListener("drop", async (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.zone.classList.remove("drop-over");
      try {
        this.take(await dropped(event.dataTransfer));
      } catch (error) {
        complain(error);
      }
    }, { signal });
    window.addEventListener("beforeunload", (event) => (this.running || this.waiting.length) && event.preventDefault(), { signal });
  }

  leave() {
    if (this.running || this.waiting.length) say(`${count(this.waiting.length + this.running, "file")} not sent yet: that stopped when you left.`, { kind: "bad" });
    this.table?.leave();
    this.groups.leave();
    this.stopping.abort();
  }

  /** Photos and tables: with a table, the photos are its own, and wait until it is put in. */
  async take(files) {
    if (!files.length || !this.mayAdd) return;
    const [table, ...more] = files.filter(isTable);
    const photos = files.filter((file) => !isTable(file));
    if (more.length) say(`One table at a time: ${more.map(({ name }) => name).join(", ")} not taken.`, { kind: "bad" });
    if (table) {
      try {
        this.#showTable(await sendTable(table));
      } catch (error) {
        return void complain(error);
      }
    }
    if (this.table && !this.table.ended) this.table.take(photos);
    else this.#takePhotos(photos);
  }

  /** A table that was sent but not put in yet, perhaps before the page was closed. */
  async loadTable() {
    if (!this.mayAdd) return;
    const { items } = await get("/imports");
    if (items.length && !this.stopping.signal.aborted) this.#showTable(items[0]);
  }

  #showTable(table) {
    this.table?.leave();
    this.table = new TableImport(this.desk, table, (put) => {
      if (!put) this.table = null;
      this.loadLoose().catch(complain);
    });
    fill(this.tables, this.table.root);
    this.table.root.querySelector("h2").scrollIntoView({ block: "nearest" });
  }

  #takePhotos(files) {
    if (!files.length) return;
    this.section.hidden = false;
    for (const file of files) {
      const row = new UploadRow(file, () => this.#again(row), () => this.loadLoose().catch(complain));
      this.rows.append(row.root);
      this.#queue(row);
    }
  }

  #queue(row) {
    this.tally.sent += 1;
    this.waiting.push(row);
    row.wait();
    this.#more();
    this.#count();
  }

  #again(row) {
    this.tally.sent -= 1;
    this.tally.bad -= 1;
    this.#queue(row);
  }

  /** The first goes alone: the others are of the import that it begins. */
  #more() {
    const most = this.decisions.length ? AT_ONCE : 1;
    while (this.running < most && this.waiting.length) this.#next();
  }

  async #next() {
    const row = this.waiting.shift();
    this.running += 1;
    try {
      const outcome = await upload(row.file, { decision: this.decisions[0] }, (share) => row.progress(share), this.stopping.signal);
      row.done(outcome);
      if (outcome.decision && !this.decisions.includes(outcome.decision)) this.decisions.unshift(outcome.decision);
      if (outcome.like) this.tally.like += 1;
      this.tally[{ added: "added", updated: "already", already: "already" }[outcome.status] ?? "bad"] += 1;
    } catch (error) {
      if (error.name === "AbortError") return;
      row.failed(error);
      this.tally.bad += 1;
    } finally {
      this.running -= 1;
    }
    this.#more();
    this.#count();
    if (!this.running && !this.waiting.length) {
      this.desk.refresh();
      this.loadLoose().catch(complain);
    }
  }

  #count() {
    const { sent, added, already, bad, like } = this.tally;
    const left = this.running + this.waiting.length;
    this.total.textContent = [left ? `${count(left, "file")} to go of ${sent}` : `${count(sent, "file")} sent`,
      added && `${added} put in`, already && `${already} already there`, bad && `${bad} not taken`,
      like && `${like} perhaps a copy of what was there`].filter(Boolean).join(" · ");
    this.undo.hidden = left > 0 || !this.decisions.length;
  }

  async #undo() {
    this.undo.disabled = true;
    try {
      while (this.decisions.length) { // the last goes first; where one fails, the rest can be gone on with
        await post(`/decisions/${this.decisions[0]}/undo`);
        this.decisions.shift();
      }
      fill(this.rows);
      this.tally = { sent: 0, added: 0, already: 0, bad: 0, like: 0 };
      this.section.hidden = true;
      say("Undone. It can be done again under History.");
    } catch (error) {
      complain(error);
    }
    this.undo.disabled = false;
    this.#count();
    this.desk.refresh();
    this.loadLoose().catch(complain);
  }

  /** Photos that belong to no encounter yet, of today or of a session that broke off. */
  async loadLoose() {
    const found = await list("/annotations", { loose: true, hidden: false }, MOST_LOOSE);
    if (this.stopping.signal.aborted) return;
    this.groups.show(found);
  }
}

/** One file on its way. */
class UploadRow {
  /** `again()` sends it once more; `changed()` when what is known of its photo is another. */
  constructor(file, again, changed) {
    this.file = file;
    this.changed = changed;
    this.url = URL.createObjectURL(file);
    this.again = again;
    this.image = h("img", { src: this.url, alt: "", class: "upload-photo" });
    this.image.addEventListener("error", () => { this.image.hidden = true; }); // what no browser shows, the server may read
    this.image.addEventListener("load", () => URL.revokeObjectURL(this.url));
    this.bar = h("progress", { max: 1, value: 0, "aria-label": `Progress of ${file.name}` });
    this.said = h("span", { class: "upload-said" });
    this.actions = h("span", { class: "upload-actions" });
    this.root = h("li", { class: "upload" }, h("span", { class: "upload-frame" }, this.image), h("span", { class: "upload-name" }, file.webkitRelativePath || file.name), this.bar, this.said, this.actions);
  }

  #say(state, text, ...actions) {
    this.root.dataset.state = state;
    this.bar.hidden = state !== "sending";
    fill(this.said, state === "bad" ? icon("warn") : state === "added" ? icon("check") : null, text);
    fill(this.actions, actions);
  }

  wait() {
    this.#say("waiting", "waiting");
  }

  progress(share) {
    this.#say("sending", share < 1 ? `${Math.round(share * 100)} %` : "reading it…");
    this.bar.value = share;
  }

  done({ status, annotation, reason, like, damaged }) {
    const texts = { added: "put in", updated: "there already; now with more facts", already: "already there" };
    if (!(status in texts)) return void this.#say("bad", reason ?? status);
    this.image.hidden = false;
    this.image.src = chip(annotation, 256);
    const copy = like && h("span", { class: "upload-like" }, icon("warn"), ` Perhaps a copy: it looks like ${like.name}${like.individual ? ` of ${like.individual}` : ""}, which was there`);
    const broken = damaged && h("span", { class: "upload-like", title: damaged }, icon("warn"), " Perhaps damaged in part: look at it, and copy it again where parts are lost");
    this.#say(status === "already" ? "already" : "added", [texts[status], copy, broken],
      h("button", { class: "button button-small", "aria-label": `Box and side of ${this.file.name}`, onclick: () => this.#edit(annotation) }, icon("box"), "Box and side"));
  }

  failed(error) {
    this.#say("bad", error.message, (error.status === 0 || error.status >= 500) && h("button", { class: "button button-small", onclick: () => this.again() }, "Try again"));
  }

  async #edit(id) {
    try {
      const saved = await openAnnotation(await get(`/annotations/${encodeURIComponent(id)}`), true, this.changed);
      if (!saved) return;
      this.image.src = `${chip(id, 256)}&v=${encodeURIComponent(saved.etag)}`;
      this.changed();
    } catch (error) {
      complain(error);
    }
  }
}
