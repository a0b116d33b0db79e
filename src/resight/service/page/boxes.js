// A box [x, y, w, h] turned about its centre by `rotation` degrees counter-clockwise, photo pixels.

const SMALLEST = 4;

const radians = (degrees) => (degrees * Math.PI) / 180;
const centre = ([x, y, w, h]) => [x + w / 2, y + h / 2];

/** A vector of the photo as the turned box sees it, and back. */
const inward = ([x, y], rotation) => turn([x, y], rotation);
const outward = ([x, y], rotation) => turn([x, y], -rotation);

/** Clockwise as seen, y down. */
function turn([x, y], degrees) {
  const [cos, sin] = [Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  return [x * cos - y * sin, x * sin + y * cos];
}

/** The four corners in photo pixels: top left first, clockwise. */
export function corners(box, rotation) {
  const [cx, cy] = centre(box);
  return [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => {
    const [dx, dy] = outward([(x * box[2]) / 2, (y * box[3]) / 2], rotation);
    return [cx + dx, cy + dy];
  });
}

export function isInside(box, rotation, [x, y]) {
  const [cx, cy] = centre(box);
  const [dx, dy] = inward([x - cx, y - cy], rotation);
  return Math.abs(dx) <= box[2] / 2 && Math.abs(dy) <= box[3] / 2;
}

export const between = ([x1, y1], [x2, y2]) => [Math.min(x1, x2), Math.min(y1, y2), Math.abs(x2 - x1), Math.abs(y2 - y1)];

/**
 * The box after its edge or corner `[sx, sy]` (each -1, 0 or 1) was dragged by a vector of the
 * photo; the opposite edge stays where it is.
 */
export function resized(box, rotation, [sx, sy], delta) {
  const [dx, dy] = inward(delta, rotation);
  const w = Math.max(SMALLEST, box[2] + sx * dx);
  const h = Math.max(SMALLEST, box[3] + sy * dy);
  const [ox, oy] = outward([(sx * (w - box[2])) / 2, (sy * (h - box[3])) / 2], rotation);
  const [cx, cy] = centre(box);
  return [cx + ox - w / 2, cy + oy - h / 2, w, h];
}

/** Moved, with its centre kept on the photo. */
export function moved([x, y, w, h], [dx, dy], { width, height }) {
  const bounded = (value, most) => Math.min(most, Math.max(0, value));
  return [bounded(x + w / 2 + dx, width) - w / 2, bounded(y + h / 2 + dy, height) - h / 2, w, h];
}

/** How far the box is turned when its upper handle is at `point`: whole degrees in (-180, 180]. */
export function turnedTo(box, point) {
  const [cx, cy] = centre(box);
  return normal(Math.round((-Math.atan2(point[0] - cx, cy - point[1]) * 180) / Math.PI));
}

export function normal(degrees) {
  const within = ((degrees % 360) + 360) % 360;
  return within > 180 ? within - 360 : within;
}

export const rounded = (box) => box.map((value) => Math.round(value * 10) / 10);
