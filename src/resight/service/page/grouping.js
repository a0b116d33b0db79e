// Photos -> encounters, by time and place. A proposal: whoever was there knows better.

import { kilometres } from "./places.js";

/**
 * Groups of annotations that may be one encounter, the earliest first; those without a time come
 * last, each by itself. Two neighbours in time are together where no more than `minutes` and `km`
 * lie between them.
 */
export function proposed(annotations, { minutes = 30, km = 1 } = {}) {
  const time = (annotation) => Date.parse(annotation.taken_at ?? "");
  const timed = annotations.filter((each) => !Number.isNaN(time(each))).sort((a, b) => time(a) - time(b));
  const groups = [];
  for (const annotation of timed) {
    const last = groups.at(-1)?.at(-1);
    const near = last && time(annotation) - time(last) <= minutes * 60e3 && distance(last, annotation) <= km;
    if (near) groups.at(-1).push(annotation);
    else groups.push([annotation]);
  }
  return [...groups, ...annotations.filter((each) => Number.isNaN(time(each))).map((each) => [each])];
}

/** Groups by the time of their first photo; those without a time come last. */
export function inOrder(groups) {
  const start = ({ annotations }) => Math.min(...annotations.map((each) => Date.parse(each.taken_at ?? "")).filter((time) => !Number.isNaN(time)));
  return [...groups].sort((a, b) => (start(a) === start(b) ? 0 : start(a) - start(b)));
}

/** Kilometres between two photos; 0 where one of the places is not known. */
function distance(a, b) {
  if (!a.position || !b.position) return a.place && b.place && a.place !== b.place ? Infinity : 0;
  return kilometres(a.position, b.position);
}

/** A name for an encounter: when it began, with a letter where `taken` has it already. */
export function nameFor(annotations, taken) {
  const [first] = annotations;
  const start = first.taken_at ? first.taken_at.slice(0, 16).replace("T", " ") : first.date ?? first.name.replace(/\.\w+$/, "");
  let name = start;
  for (let number = 2; taken.has(name); number += 1) name = `${start} (${number})`;
  return name;
}
