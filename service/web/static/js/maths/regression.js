// @ts-check
// L1 against L2 regression: points that people drag with a mouse, a finger or the arrow keys.
import { post } from "../api.js";
import {
  BLUE,
  ORANGE,
  Plot,
  addEndLabels,
  centered,
  chart,
  enlargement,
  toPixels,
} from "../chart.js";
import { $, h, notice, numberCell, rowHeader, s, tableContent } from "../dom.js";
import { arrowStep } from "../keys.js";
import { clamp, fixed } from "../numbers.js";
import { requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { figureRequest } from "./figure-request.js";
import { fromLink } from "./link.js";
import {
  MAX_X,
  MAX_Y,
  OUTLIER,
  defaultPoints,
  newOutlier,
  parsePoints,
  pointsText,
  regressionRequest,
  snap,
} from "./points.js";
import { distinct } from "./notation.js";
import { lineProofText } from "./line-proof.js";

/** @typedef {import("./points.js").Point} Point */
/** @typedef {import("./line-proof.js").Solution} Solution */
/** @typedef {{ w: [intercept: number, slope: number], l1: number, l2: number }} Fit */

const PATH = "/analysis/regression";
const KEY_STEP = 0.1; // per arrow key; five times as far with Shift
const updateRequest = requestLine($("#regression-request"), { path: PATH, anchor: "regression" });
const points = fromLink("points", parsePoints, $("#regression-trouble")) ?? defaultPoints();
/** @type {any} */
let plot = null;
/** @type {Record<"l1" | "l2", Fit> | null} */
let fits = null;

/** @param {Fit} fit @param {number} x */
const lineAt = ({ w: [intercept, slope] }, x) => intercept + slope * x;

/** @param {Fit} fit @param {string} stroke */
function fitLine(fit, stroke) {
  const ends = /** @type {Point[]} */ ([0, MAX_X].map((x) => [x, lineAt(fit, x)]));
  return Plot.line(ends, { stroke, strokeWidth: 2, clip: true });
}

/**
 * Draw the vertical distances of the points from a line.
 * @param {Fit} fit
 * @param {string} stroke
 * @param {number} dx shift to the right, pixels
 */
const residuals = (fit, stroke, dx) =>
  Plot.ruleX(points, {
    x: ([x]) => x,
    y1: ([, y]) => y,
    y2: ([x]) => lineAt(fit, x),
    stroke,
    strokeOpacity: 0.6,
    dx,
  });

/** @param {number} width */
function regressionPlot(width) {
  const marks = fits
    ? [
        residuals(fits.l2, ORANGE, -1.5),
        residuals(fits.l1, BLUE, 1.5),
        fitLine(fits.l2, ORANGE),
        fitLine(fits.l1, BLUE),
      ]
    : [];
  const drawn = Plot.plot({
    width,
    height: Math.min(420, width * 0.9),
    marginLeft: 28,
    marginRight: 40,
    marginTop: 28,
    marginBottom: 36,
    x: { domain: [0, MAX_X], ...centered("x"), ticks: 5 },
    y: { domain: [0, MAX_Y], label: "↑ y", labelArrow: "none", ticks: 4, grid: true },
    marks,
  });
  if (!fits) return drawn;
  const { x, y } = toPixels(drawn);
  /** @param {Fit} fit @param {string} text @param {string} color */
  const label = (fit, text, color) => {
    const end = clamp(y(lineAt(fit, MAX_X)), 10, y(0));
    return { x: x(MAX_X), y: end, text, color };
  };
  return addEndLabels(drawn, [label(fits.l2, "L2", ORANGE), label(fits.l1, "L1", BLUE)]);
}

const stage = $("#regression-plot");
const plotHost = h("div");
const redraw = chart(plotHost, (width) => {
  plot = regressionPlot(width);
  queueMicrotask(placeHandles);
  return plot;
});

// The handles lie in front of the plot. Redrawing the plot keeps them, so the focus stays.
const overlay = s("svg", { class: "handles", role: "group", "aria-label": "Points" });
/** @type {SVGGElement[]} */
const handles = [];
stage.append(plotHost, overlay);

/** @param {number} i */
function createHandle(i) {
  const reach = s("circle", { r: 16, class: "reach" });
  const dot = s("circle", { r: 6, class: "point" });
  const handle = s("g", { class: "knob", tabindex: 0, role: "button" }, reach, dot);
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus(/** @type {FocusOptions} */ ({ focusVisible: false }));
  });
  // Otherwise a finger scrolls the page: browsers ignore `touch-action` inside an SVG element.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) moveToPointer(i, event);
  });
  handle.addEventListener("keydown", (event) => moveByKey(i, event));
  return handle;
}

function placeHandles() {
  const { x: toX, y: toY } = toPixels(plot);
  overlay.setAttribute(
    "viewBox",
    `0 0 ${plot.getAttribute("width")} ${plot.getAttribute("height")}`,
  );
  while (handles.length < points.length) handles.push(createHandle(handles.length));
  while (handles.length > points.length) handles.pop()?.remove();
  handles.forEach((handle, i) => {
    if (!handle.parentNode) overlay.append(handle);
    const [x, y] = points[i];
    const label = `Point ${i + 1}: x ${fixed(x, 1)}, y ${fixed(y, 1)}. Arrow keys move it`;
    handle.setAttribute("transform", `translate(${toX(x)} ${toY(y)})`);
    handle.setAttribute("aria-label", label);
    handle.classList.toggle("out", i === OUTLIER);
  });
}

/** @param {number} i @param {PointerEvent} event */
function moveToPointer(i, { clientX, clientY }) {
  const { left, top } = stage.getBoundingClientRect();
  const zoom = enlargement();
  const x = plot.scale("x").invert((clientX - left) / zoom);
  const y = plot.scale("y").invert((clientY - top) / zoom);
  points[i] = snap(x, y);
  update();
}

/** @param {number} i @param {KeyboardEvent} event */
function moveByKey(i, event) {
  const step = arrowStep(event.key);
  if (!step) return;
  event.preventDefault();
  const distance = KEY_STEP * (event.shiftKey ? 5 : 1);
  const [x, y] = points[i];
  points[i] = snap(x + distance * step[0], y - distance * step[1]);
  update();
}

/** @param {string} name @param {string} color @param {Fit} fit @param {string[]} losses */
function fitRow(name, color, { w: [intercept, slope] }, losses) {
  const line = `${fixed(intercept)} ${slope < 0 ? "−" : "+"} ${fixed(Math.abs(slope))} x`;
  const header = rowHeader(h("b", { class: color }, name));
  return h(
    "tr",
    null,
    header,
    numberCell(line),
    ...losses.map((loss, i) => numberCell(name === ["L2", "L1"][i] ? h("b", null, loss) : loss)),
  );
}

/** @param {{ comparison: Record<"l1" | "l2", Fit>, solution: Solution }} answer */
function show({ comparison, solution }) {
  fits = comparison;
  $("#regression-proof").textContent = lineProofText(solution);
  $("#regression-trouble").replaceChildren();
  redraw();
  const { l2, l1 } = fits;
  const columns = [distinct([l2.l2, l1.l2]), distinct([l2.l1, l1.l1])];
  const rows = [
    fitRow(
      "L2",
      "orange",
      l2,
      columns.map(([first]) => first),
    ),
    fitRow(
      "L1",
      "blue",
      l1,
      columns.map(([, second]) => second),
    ),
  ];
  const content = tableContent([[""], ["Line", true], ["L2 loss", true], ["L1 loss", true]], rows);
  $("#fits").replaceChildren(...content);
}

const figure = stage.closest("figure");
const askAgain = figureRequest({
  figures: [figure],
  request: () => post(PATH, regressionRequest(points)),
  show,
  fail: (problem) => $("#regression-trouble").replaceChildren(notice(problem)),
  old: () => "Not updated: the lines are still for other points.",
});

function update() {
  const hasOutlier = points.length > OUTLIER;
  $("#outlier").textContent = hasOutlier ? "Remove the outlier" : "Add the outlier";
  updateRequest(regressionRequest(points), { points: pointsText(points) });
  if (plot) placeHandles();
  askAgain();
}

$("#outlier").addEventListener("click", () => {
  if (points.length > OUTLIER) points.length = OUTLIER;
  else points.push(newOutlier());
  update();
});
update();
savable(figure, {
  name: "regression",
  rows: () =>
    points.map(([x, y]) => {
      const at = (/** @type {Fit | undefined} */ fit) => fit && fit.w[0] + fit.w[1] * x;
      return { x, y, "L1 line at x": at(fits?.l1), "L2 line at x": at(fits?.l2) };
    }),
});
