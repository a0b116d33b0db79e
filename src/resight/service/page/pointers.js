// Mouse, pen and fingers on the viewer: drag pans, the wheel and two fingers zoom.

import { IDENTITY, compose, invert } from "./geometry.js";

const STEP = 1.0015; // zoom for each pixel of wheel

/** Let a `PairViewer` be moved by pointers. Shift moves one photo alone. */
export function followPointers(viewer) {
  const down = new Map(); // pointer id -> where it was
  const { root } = viewer;

  const paneOf = (event) => event.target.closest?.(".pane");
  const placeIn = (pane, event) => {
    const frame = pane.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };

  root.addEventListener("wheel", (event) => {
    const pane = paneOf(event);
    if (!pane || !viewer.query.annotation) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1) * (event.ctrlKey ? 4 : 1);
    viewer.zoomBy(STEP ** -pixels, placeIn(pane, event));
  }, { passive: false });

  root.addEventListener("dblclick", (event) => {
    const pane = paneOf(event);
    if (!pane || !viewer.query.annotation) return;
    if (viewer.zoom > 1.5) viewer.fit();
    else viewer.zoomBy(3, placeIn(pane, event));
  });

  root.addEventListener("pointerdown", (event) => {
    const pane = paneOf(event);
    if (!pane || event.button !== 0 || !viewer.query.annotation) return;
    root.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { pane, at: placeIn(pane, event) });
    root.classList.add("viewer-held");
  });

  root.addEventListener("pointermove", (event) => {
    const held = down.get(event.pointerId);
    if (!held) {
      const pane = paneOf(event);
      viewer.pointAt(pane?.dataset.pane ?? null, pane && placeIn(pane, event));
      return;
    }
    const at = placeIn(held.pane, event);
    const [dx, dy] = [at[0] - held.at[0], at[1] - held.at[1]];
    const others = [...down.entries()].filter(([id]) => id !== event.pointerId);
    if (others.length) viewer.changeBy(between(others[0][1].at, held.at, at));
    else if (event.shiftKey && !viewer.overlay) viewer.shiftAlone(held.pane.dataset.pane, dx, dy);
    else viewer.panBy(dx, dy);
    held.at = at;
  });

  const release = (event) => {
    down.delete(event.pointerId);
    if (!down.size) root.classList.remove("viewer-held");
  };
  root.addEventListener("pointerup", release);
  root.addEventListener("pointercancel", release);
  root.addEventListener("pointerleave", () => viewer.pointAt(null));
}

/** The similarity that keeps one finger's point and takes the other's from `from` to `to`. */
function between(fixed, from, to) {
  const [fx, fy] = [from[0] - fixed[0], from[1] - fixed[1]];
  const [tx, ty] = [to[0] - fixed[0], to[1] - fixed[1]];
  const square = fx * fx + fy * fy;
  if (square < 25) return IDENTITY;
  const turn = [(fx * tx + fy * ty) / square, (fx * ty - fy * tx) / square, 0, 0];
  const there = [1, 0, ...fixed];
  return compose(there, compose(turn, invert(there)));
}

