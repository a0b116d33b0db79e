// COCO's run lengths: how many cells in turn are not, are, are not … the animal's, column by column.

/** Runs of cells (0 or 1) that stand column after column. */
export function runsOf(cells) {
  const runs = [];
  let value = 0;
  let length = 0;
  for (const cell of cells) {
    if (cell !== value) {
      runs.push(length);
      [value, length] = [cell, 0];
    }
    length += 1;
  }
  return [...runs, length];
}

/** The inverse of `runsOf`. */
export function cellsOf(runs) {
  const cells = new Uint8Array(runs.reduce((sum, run) => sum + run, 0));
  let at = 0;
  runs.forEach((run, index) => cells.fill(index % 2, at, at += run));
  return cells;
}

/** Each run from the fourth on as its difference from the one two before, five bits to a letter. */
export function toText(runs) {
  let text = "";
  runs.forEach((run, index) => {
    let left = index > 2 ? run - runs[index - 2] : run;
    for (let more = true; more;) {
      const bits = left & 31;
      left >>= 5;
      more = left !== (bits & 16 ? -1 : 0);
      text += String.fromCharCode(48 + bits + (more ? 32 : 0));
    }
  });
  return text;
}

/** The inverse of `toText`. */
export function ofText(text) {
  const runs = [];
  let [value, shift] = [0, 0];
  for (const letter of text) {
    const bits = letter.charCodeAt(0) - 48;
    value |= (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    if (bits & 16) value -= 1 << shift;
    runs.push(runs.length > 2 ? value + runs.at(-2) : value);
    [value, shift] = [0, 0];
  }
  return runs;
}
