// Lines between matched points, drawn on a canvas over both photos.

// Viridis at 0, 1/8 … 1: dark blue to yellow, as in resight's match pictures.
const VIRIDIS = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];

/** [r, g, b] of a confidence in [0, 1]. */
export function shade(confidence) {
  const at = Math.min(1, Math.max(0, confidence)) * (VIRIDIS.length - 1);
  const low = Math.min(VIRIDIS.length - 2, Math.floor(at));
  return VIRIDIS[low].map((value, index) => Math.round(value + (VIRIDIS[low + 1][index] - value) * (at - low)));
}

const STRONGEST = 20;

/** Which lines to draw, weakest first: "strongest" the 20 best verified, "all" every one. */
export function chosen(lines, amount) {
  if (amount === "off") return [];
  const verified = lines.filter((line) => line[5]);
  const kept = amount === "strongest" ? verified.slice(0, STRONGEST) : [...verified, ...lines.filter((line) => !line[5])];
  return kept.reverse();
}

/** Fit the canvas to what it covers, and clear it. Returns its context in CSS pixels. */
export function fresh(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const density = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** One match: a line with dots at its ends, outlined so that it stands out from any photo. */
export function drawLine(context, start, end, confidence, verified, crowded) {
  const [r, g, b] = shade(confidence);
  const colour = verified ? `rgb(${r} ${g} ${b})` : "rgb(190 190 190)";
  const outline = r + g + b < 330 ? "rgb(255 255 255 / .9)" : "rgb(20 20 20 / .85)";
  context.globalAlpha = verified ? (crowded ? 0.7 : 0.9) : 0.35;
  if (verified && !crowded) stroke(context, start, end, outline, 3.2);
  stroke(context, start, end, colour, verified ? (crowded ? 1 : 1.6) : 0.8);
  if (verified) for (const point of [start, end]) dot(context, point, crowded ? 2.4 : 3.4, colour, outline);
  context.globalAlpha = 1;
}

function stroke(context, [x, y], [toX, toY], colour, width) {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(toX, toY);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

function dot(context, [x, y], radius, colour, outline) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  context.strokeStyle = outline;
  context.lineWidth = 1;
  context.stroke();
}

/** Where the pointer's place is on the other photo. */
export function drawCursor(context, [x, y]) {
  for (const [colour, width] of [["rgb(20 20 20 / .8)", 4], ["rgb(255 255 255)", 1.6]]) {
    context.beginPath();
    context.arc(x, y, 9, 0, 2 * Math.PI);
    context.moveTo(x - 3, y);
    context.lineTo(x + 3, y);
    context.moveTo(x, y - 3);
    context.lineTo(x, y + 3);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
}
