// Photos -> encounters, by time and place. A proposal: whoever was there knows better.

const EARTH = 6371; // km

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

/** Kilometres between two photos; 0 where one of the places is not known. */
function distance(a, b) {
  if (!a.position || !b.position) return a.place && b.place && a.place !== b.place ? Infinity : 0;
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const [lat, other] = [radians(a.position.latitude), radians(b.position.latitude)];
  const across = radians(b.position.longitude - a.position.longitude);
  const haversine = Math.sin((other - lat) / 2) ** 2 + Math.cos(lat) * Math.cos(other) * Math.sin(across / 2) ** 2;
  return 2 * EARTH * Math.asin(Math.sqrt(Math.min(1, haversine)));
}

/** A name for an encounter: when it began, with a letter where `taken` has it already. */
export function nameFor(annotations, taken) {
  const [first] = annotations;
  const start = first.taken_at ? first.taken_at.slice(0, 16).replace("T", " ") : first.date ?? first.name.replace(/\.\w+$/, "");
  let name = start;
  for (let number = 2; taken.has(name); number += 1) name = `${start} (${number})`;
  return name;
}
