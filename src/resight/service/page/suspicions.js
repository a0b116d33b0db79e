// What looks wrong in the catalogue: look at it, mend it, or say that it is right.

import { chip, get, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { count } from "./format.js";
import { complain, say } from "./toast.js";

/** Fill `root` with the suspicions that stand; nothing where there are none. */
export async function suspicions(root, desk) {
  let found;
  try {
    found = await get("/suspicions");
  } catch {
    return; // the rest of the page needs none
  }
  const { duplicates, mixups } = found;
  const again = async () => {
    await suspicions(root, desk);
    root.querySelector("summary")?.focus(); // the button that had the focus is gone
  };
  const buttons = (suspicion, label, said) => desk.may("reviewer")
    && h("button", { class: "button button-small", onclick: () => dismiss(suspicion, said, desk, again) }, label);
  root.hidden = !(duplicates.length + mixups.length);
  fill(root, h("details", { open: true },
    h("summary", {}, icon("warn"), `Look at ${count(duplicates.length + mixups.length, "suspicion")}`),
    h("ul", { class: "suspicion-list" },
      duplicates.map((each) => duplicate(each, buttons(each, "Two animals", `${each.a} and ${each.b} are two animals.`))),
      mixups.map((each) => mixup(each, buttons(each, "All the same animal", `These photos are of ${each.individual}.`))))));
}

/** Say that a suspicion is none. */
async function dismiss({ id }, said, desk, then) {
  try {
    const decision = await post(`/suspicions/${encodeURIComponent(id)}/dismiss`);
    say(said, { action: { label: "Undo", run: () => undo(decision, desk, then) } });
  } catch (error) {
    complain(error); // it no longer stands: somebody was faster
  }
  desk.refresh();
  await then();
}

async function undo({ id }, desk, then) {
  try {
    await post(`/decisions/${encodeURIComponent(id)}/undo`);
    say("Undone.");
  } catch (error) {
    complain(error);
  }
  desk.refresh();
  await then();
}

/** Two individuals whose photos match. */
function duplicate({ a, b, score, pairs: [first] }, button) {
  return item([first.query, first.annotation],
    [link(a), " and ", link(b), " may be one animal", h("span", { class: "hint" }, ` ${Math.round(score * 100)} %`)],
    button, h("a", { class: "button button-small", href: `${address(a)}&merge=${encodeURIComponent(b)}` }, "Compare and merge"));
}

/** Photos of one individual that do not match its others. */
function mixup({ individual, annotations, reason }, button) {
  return item(annotations.slice(0, 3),
    [link(individual), " may be two animals", h("span", { class: "hint" }, ` ${reason}`)],
    button, h("a", { class: "button button-small", href: `${address(individual)}&split=${annotations.join(",")}` }, "Look and split"));
}

function item(photos, text, ...answers) {
  return h("li", { class: "suspicion" },
    h("span", { class: "suspicion-photos" }, photos.map((id) => h("img", { src: chip(id, 256), alt: "" }))),
    h("span", {}, text), h("span", { class: "suspicion-answers" }, answers));
}

const address = (name) => `#/individual?${new URLSearchParams({ name })}`;
const link = (name) => h("a", { href: address(name) }, name);
