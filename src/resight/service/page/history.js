// Who decided what, when and with which method; any of it can be taken back.

import { chip, get, post } from "./api.js";
import { confirm } from "./dialog.js";
import { fill, h, icon } from "./dom.js";
import { count, when } from "./format.js";
import { complain, say } from "./toast.js";

const PAGE = 50;
const SHORT = 60; // letters; a method's fingerprint is longer
const MANY = 20; // photos of a decision that is not taken back by one slip

export async function show(main, parameters, desk) {
  const list = h("div", {});
  const disputed = h("section", { class: "suspicions", hidden: true, "aria-label": "Disagreements" });
  fill(main, h("div", { class: "page" },
    h("div", { class: "page-head" }, h("h1", {}, "History"), h("p", { class: "hint" }, "Nothing is ever erased: taking back is a decision too.")), disputed, list));
  await Promise.all([decisionList(list, {}, desk), disagreements(disputed)]);
  return {};
}

/** Photos of which two people say different things. */
async function disagreements(root) {
  const { items, total } = await get("/disagreements", { limit: 100 });
  root.hidden = !total;
  fill(root, h("details", { open: true },
    h("summary", {}, icon("warn"), `People disagree about ${count(total, "photo")}`),
    h("ul", { class: "suspicion-list" }, items.map(({ annotation, opinions }) => h("li", { class: "suspicion" },
      h("span", { class: "suspicion-photos" }, h("img", { src: chip(annotation.id, 256), alt: annotation.name })),
      h("span", {}, opinions.map(({ actor, individual }) => `${actor}: ${individual}`).join(" · ")),
      h("a", { class: "button button-small", href: againLink(annotation.encounter ?? `annotation:${annotation.id}`) }, "Look again"))))));
}

/** Where an encounter can be reviewed again. */
export const againLink = (ref) => `#/review?${new URLSearchParams({ ref })}`;

/** Fill `root` with the decisions that `filter` asks for; `changed()` after one is taken back. */
export async function decisionList(root, filter, desk, changed = () => decisionList(root, filter, desk)) {
  const rows = h("ol", { class: "decisions-list" });
  const more = h("button", { class: "button", hidden: true }, "Show older");
  const add = async (cursor) => {
    const page = await get("/decisions", { ...filter, limit: PAGE, cursor });
    rows.append(...page.items.map((decision) => row(decision, desk, changed)));
    more.hidden = !page.next;
    more.onclick = () => add(page.next).catch(complain);
    return page.items.length;
  };
  const found = await add(null);
  fill(root, found ? rows : h("p", { class: "hint" }, "No decision yet."), more);
}

function row(decision, desk, changed) {
  const { id, actor, at, note, identification, undone } = decision;
  const body = h("div", { class: "decision-changes", hidden: true });
  const opener = h("button", { class: "decision-what", "aria-expanded": "false", onclick: () => unfold(decision, opener, body) }, sentence(decision));
  return h("li", { class: `decision ${undone ? "decision-undone" : ""}` },
    h("div", { class: "decision-line" },
      h("span", { class: "decision-when" }, `#${id} · `, h("time", { datetime: at }, when(at))),
      h("span", { class: "decision-who" }, actor),
      opener,
      undone ? h("span", { class: "hint" }, "taken back")
        : desk.may("reviewer") && h("button", { class: "button button-small", "aria-label": `Undo: ${sentence(decision)}`, onclick: () => undo(decision, desk, changed) }, icon("undo"), "Undo")),
    (note || identification) && h("p", { class: "hint decision-note" }, [note, ...basis(identification).short].filter(Boolean).join(" · ")), body);
}

/** On which answer a decision rests: in short, and by which method, which is long. */
function basis(identification) {
  const parts = (identification ?? "").split(" ; ").filter(Boolean);
  const isShort = (part) => part.length <= SHORT;
  return { short: parts.filter(isShort).map((part) => part.replace(/^desk:(\d+)$/, "answer $1")), method: parts.filter((part) => !isShort(part)).join(" ") };
}

/** A decision in words. */
export function sentence({ kind, annotations, individual, undoes }) {
  const photos = typeof annotations === "number" && annotations ? count(annotations, "photo") : "";
  const named = individual ?? "";
  const words = {
    add: `${photos} put in`, assign: individual ? `${photos}: ${individual}` : `${photos}: nobody known`,
    dismiss: `Suspicion dismissed: ${photos}`,
    describe: `Facts of ${photos}`, hide: `${photos} hidden or shown again`, merge: `Merged into ${named}: ${photos}`,
    note: `Notes on ${named}`, purge: `${photos} destroyed`, rename: `Renamed to ${named}`, split: `Split off as ${named}: ${photos}`,
    undo: `Took back decision ${undoes}`, unsure: `${photos} left as unsure`, skip: `${photos} skipped`, second_opinion: `${photos}: second opinion wanted`,
  };
  return (words[kind] ?? [kind, photos, named].filter(Boolean).join(" · ")).trim();
}

async function unfold(decision, opener, body) {
  const shown = body.hidden;
  opener.setAttribute("aria-expanded", String(shown));
  body.hidden = !shown;
  if (!shown || body.childElementCount) return;
  try {
    const { items: changes } = await get(`/decisions/${encodeURIComponent(decision.id)}/changes`);
    fill(body, changes.length ? h("table", { class: "table" },
      h("thead", {}, h("tr", {}, ["Of", "Before", "After"].map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, changes.map((change) => h("tr", {}, [h("td", {}, of(change)), h("td", {}, state(change.before)), h("td", {}, state(change.after))]))))
      : h("p", { class: "hint" }, "It changed nothing."),
    basis(decision.identification).method && h("p", { class: "hint decision-method" }, `Method: ${basis(decision.identification).method}`));
  } catch (error) {
    complain(error);
  }
}

/** The photo or individual that a change is of. */
function of({ annotation, individual }) {
  return annotation ? h("img", { src: chip(annotation, 128), alt: `annotation ${annotation}`, loading: "lazy", class: "change-photo" }) : individual ?? "";
}

/** What was said before or after, in words. */
function state(said) {
  const parts = Object.entries(said ?? {}).filter(([name, value]) => name !== "photo" && name !== "group" && value !== false && !(name === "rotation" && !value))
    .map(([name, value]) => `${name}: ${value === null || value === "" ? "–" : value}`);
  return parts.join(", ") || "–";
}

async function undo(decision, desk, changed) {
  const { id, annotations } = decision;
  if (annotations > MANY && !await confirm("Take this back?", h("p", {}, `${sentence(decision)}. It concerns ${count(annotations, "photo")}.`), "Take it back")) return;
  try {
    await post(`/decisions/${encodeURIComponent(id)}/undo`);
  } catch (error) {
    return void complain(error);
  }
  say("Undone.");
  desk.refresh();
  await changed();
}
