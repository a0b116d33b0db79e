// Plane geometry of the viewer. Points are [x, y], y down. Photo points here are in edge
// coordinates (a photo spans [0, w]); the API's points have pixel centres at integers: add 0.5.

/** A similarity [a, b, tx, ty] takes x to a x - b y + tx and y to b x + a y + ty. */
export const IDENTITY = [1, 0, 0, 0];

export const apply = ([a, b, tx, ty], [x, y]) => [a * x - b * y + tx, b * x + a * y + ty];

/** First `inner`, then `outer`. */
export function compose(outer, inner) {
  const [a, b] = outer;
  const [c, d, tx, ty] = inner;
  return [a * c - b * d, a * d + b * c, ...apply(outer, [tx, ty])];
}

export function invert([a, b, tx, ty]) {
  const square = a * a + b * b;
  const turned = [a / square, -b / square, 0, 0];
  const [x, y] = apply(turned, [tx, ty]);
  return [turned[0], turned[1], -x, -y];
}

export const scaleOf = ([a, b]) => Math.hypot(a, b);
export const move = (dx, dy) => [1, 0, dx, dy];

/** Larger by `factor` and turned clockwise by `degrees`, with `[x, y]` where it was. */
export function about([x, y], factor, degrees = 0) {
  const angle = (degrees * Math.PI) / 180;
  const a = factor * Math.cos(angle);
  const b = factor * Math.sin(angle);
  const [tx, ty] = apply([a, b, 0, 0], [x, y]);
  return [a, b, x - tx, y - ty];
}

/**
 * The view of a photo in which the annotated animal is upright, whole and in the middle.
 * `rotation`: degrees by which the animal is turned counter-clockwise in the photo.
 * `spare`: the share of the pane's width and height left free around the box, in all.
 */
export function fit(annotation, [paneWidth, paneHeight], spare = 0.08) {
  const [x, y, w, h] = annotation.box ?? [0, 0, annotation.width, annotation.height];
  const turned = annotation.box ? annotation.rotation || 0 : quarter(annotation.rotation || 0);
  const sideways = Math.abs(turned % 180) === 90 && !annotation.box;
  const [wide, high] = sideways ? [h, w] : [w, h];
  const room = annotation.box ? 1 - spare : 1;
  const scale = Math.min((paneWidth * room) / wide, (paneHeight * room) / high);
  const view = about([x + w / 2, y + h / 2], scale, turned);
  const [cx, cy] = apply(view, [x + w / 2, y + h / 2]);
  return compose(move(paneWidth / 2 - cx, paneHeight / 2 - cy), view);
}

const quarter = (degrees) => Math.round(degrees / 90) * 90;

// Projective maps, 3 x 3 row-major: what the geometry of a match is.

export function multiply(m, n) {
  return m.map((_, index) => {
    const row = Math.floor(index / 3) * 3;
    const column = index % 3;
    return m[row] * n[column] + m[row + 1] * n[column + 3] + m[row + 2] * n[column + 6];
  });
}

export function invert3([a, b, c, d, e, f, g, h, i]) {
  const adjoint = [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d];
  const determinant = a * adjoint[0] + b * adjoint[3] + c * adjoint[6];
  return Math.abs(determinant) < 1e-12 ? null : adjoint.map((value) => value / determinant);
}

export function apply3(m, [x, y]) {
  const w = m[6] * x + m[7] * y + m[8];
  return [(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w];
}

export const asMatrix = ([a, b, tx, ty]) => [a, -b, tx, b, a, ty, 0, 0, 1];

/** The API's map between pixel centres as one between edge coordinates. Rows or a flat list. */
export function edgeMap(matrix) {
  const flat = matrix.flat();
  return multiply(multiply([1, 0, 0.5, 0, 1, 0.5, 0, 0, 1], flat), [1, 0, -0.5, 0, 1, -0.5, 0, 0, 1]);
}

/** The similarity that does to the surroundings of `point` most nearly what `m` does; null if `m` mirrors. */
export function similarityAt(m, point) {
  const step = 1;
  const [x, y] = apply3(m, point);
  const [rightX, rightY] = apply3(m, [point[0] + step, point[1]]);
  const [downX, downY] = apply3(m, [point[0], point[1] + step]);
  const jacobian = [(rightX - x) / step, (downX - x) / step, (rightY - y) / step, (downY - y) / step];
  if (jacobian[0] * jacobian[3] - jacobian[1] * jacobian[2] <= 0) return null;
  const turn = [(jacobian[0] + jacobian[3]) / 2, (jacobian[2] - jacobian[1]) / 2, 0, 0];
  const [tx, ty] = apply(turn, point);
  return [turn[0], turn[1], x - tx, y - ty];
}

/** As CSS wants it (column-major 4 x 4), which can show a projective map too. */
export function css(m) {
  const [a, b, c, d, e, f, g, h, i] = m;
  return `matrix3d(${[a, d, 0, g, b, e, 0, h, 0, 0, 1, 0, c, f, 0, i].map((value) => value.toFixed(9)).join(",")})`;
}
