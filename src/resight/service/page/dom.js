// Making elements. Text is always set as text, so that no name or note can become markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element: h("button", {class: "plain", onclick: save, "aria-label": "Save"}, "Save").
 * Names that start with "on" are listeners; `true` sets an empty attribute, and
 * `null`, `undefined` and `false` leave it out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put these children in place of those that were there. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

// Strokes on a grid of 24; drawn for this page.
const ICONS = {
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  lines: "M5 7h.01M19 5h.01M5 7l14-2M5 17h.01M19 19h.01M5 17l14 2M5 12h14",
  overlay: "M4 8h12v12H4zM8 4h12v12h-4",
  flip: "M4 8h13l-3-3M20 16H7l3 3",
  blink: "M3 12s3.5-6 9-6 9 6 9 6-3.5 6-9 6-9-6-9-6zM12 10v4",
  contrast: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  turn: "M19 12a7 7 0 1 1-2.2-5.1M17 3v4h-4",
  align: "M4 12h16M12 4v16M8 8l8 8M16 8l-8 8",
  undo: "M9 14l-5-5 5-5M4 9h9a6 6 0 0 1 0 12h-3",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 13l4 4L19 7",
  warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
  photo: "M4 6h16v13H4zM4 16l5-5 4 4 3-3 4 4M9 9.5h.01",
  merge: "M6 4v4c0 4 6 4 6 8v4M18 4v4c0 4-6 4-6 8",
  split: "M12 20v-4c0-4-6-4-6-8V4M12 16c0-4 6-4 6-8V4",
  pin: "M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11zM12 10h.01",
  box: "M5 5h14v14H5zM3 5h4M5 3v4M21 19h-4M19 21v-4",
  moon: "M20 14.5A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500z",
};

/** A small picture of the set above; it says nothing to a screen reader. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** A function that runs once, `wait` milliseconds after the last of several calls. */
export function settled(run, wait = 200) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), wait);
  };
}

/** A key as it is shown in help and on buttons. */
export const keycap = (name) => h("kbd", {}, name);

/** Scroll a list so that an item of it is seen, and nothing else: scrollIntoView moves the page too. */
export function reveal(scroller, item) {
  if (!item) return;
  const [outer, inner] = [scroller.getBoundingClientRect(), item.getBoundingClientRect()];
  scroller.scrollLeft += Math.min(0, inner.left - outer.left - 8) + Math.max(0, inner.right - outer.right + 8);
  scroller.scrollTop += Math.min(0, inner.top - outer.top - 8) + Math.max(0, inner.bottom - outer.bottom + 8);
}
