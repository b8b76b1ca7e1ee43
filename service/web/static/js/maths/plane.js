// @ts-check
// Boxes in the plane: a function of x and y and the boxes that approximate it, as heat maps with
// axes and a color scale.
import { post } from "../api.js";
import { $, h } from "../dom.js";
import { count, largestMagnitude } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { query, requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { fromGrid } from "../save/csv.js";
import { paintInTheme } from "../theme.js";
import { imageRows, maximumError, oldText } from "./box-sums.js";
import { figureRequest, showFault } from "./figure-request.js";
import { plainNumber } from "./notation.js";
import { cutAxis } from "./value-axis.js";

/**
 * @typedef {object} PlaneAnswer
 * @property {string} function
 * @property {number} boxes
 * @property {number} neurons
 * @property {number | null} max_error
 * @property {boolean} max_error_proven
 * @property {number} sampled_error
 * @property {{ x: number[], y: number[], function: number[][], approximation: number[][] }} grid
 */

const PATH = "/analysis/box-approximation";
const RESOLUTION = 72; // pixels
const MOST_IN_PLANE = 72; // boxes along an edge
const BOUND = 2;
const TICKS = [-2, -1, 0, 1, 2];
const SHADES = 101; // of the color scale

const updateRequest = requestLine($("#plane-request"), {
  path: PATH,
  anchor: "boxes",
  figure: "the boxes in the plane",
  name: "In the plane, f(x, y)",
});
export const planeInput = $("#plane-function");
const figure = $("#plane").closest("figure");
planeInput.value = query.get("plane") ?? "sin(3*x)*cos(2*y)";
/** @type {PlaneAnswer | null} */
let answer = null;
let boxes = 1; // along an edge

const requestBody = () => ({
  function: planeInput.value,
  bound: BOUND,
  boxes,
  dimensions: 2,
  resolution: RESOLUTION,
});

/** @param {(string | number)[]} texts @param {string} className */
const scaleTexts = (texts, className) =>
  h(
    "div",
    { class: className, "aria-hidden": "true" },
    ...texts.map((text) => h("span", null, text)),
  );

const tickTexts = TICKS.map((tick) => plainNumber(String(tick)));

/**
 * Build a heat map between its axes.
 * @param {string} name
 * @param {number[]} pixels row by row
 * @param {number} most the value of the strongest color
 */
function heatmap(name, pixels, most) {
  const range = `x and y from ${tickTexts[0]} to ${tickTexts[tickTexts.length - 1]}`;
  const canvas = h("canvas", { role: "img", "aria-label": `${name}, as a heat map: ${range}` });
  drawHeatmap(canvas, pixels, most, Math.sqrt(pixels.length));
  return h(
    "div",
    { class: "heat" },
    h("p", { class: "small" }, name),
    scaleTexts(tickTexts.toReversed(), "yticks"),
    canvas,
    scaleTexts(tickTexts, "xticks"),
  );
}

/**
 * Build the color scale.
 * @param {number} most the value of the strongest color
 * @param {boolean} cut whether other values are larger
 * @param {string} title
 */
function colorScale(most, cut, title) {
  const canvas = h("canvas");
  const shades = Array.from({ length: SHADES }, (_, i) => (2 * i) / (SHADES - 1) - 1);
  drawHeatmap(canvas, shades, 1, SHADES);
  const [low, high] = [-most, most].map((value) => plainNumber(value.toPrecision(2)));
  const ends = cut ? [`${low} and less`, "0", `${high} and more`] : [low, "0", high];
  const label = `Color scale: ${title}, from ${ends[0]} in orange to ${ends[2]} in blue`;
  return h(
    "div",
    { class: "colorscale", role: "img", "aria-label": label },
    h("p", { class: "small" }, title),
    canvas,
    scaleTexts(ends, "xticks"),
  );
}

function draw() {
  if (!answer) return;
  const { grid, neurons, max_error } = answer;
  const values = [...grid.function.flat(), ...grid.approximation.flat()];
  const { cut, axis } = cutAxis(values, false);
  const most = cut ? axis.scaled(cut) : largestMagnitude(values.map(axis.scaled)) || 1;
  /** @param {number[][]} matrix */
  const pixels = (matrix) => imageRows(matrix).map(axis.scaled);
  $("#plane").replaceChildren(
    heatmap("function", pixels(grid.function), most),
    heatmap("boxes", pixels(grid.approximation), most),
    colorScale(most, cut != null, `f(x, y)${axis.suffix}`),
  );
  const n = count(answer.boxes);
  const limit = answer.boxes === MOST_IN_PLANE ? ", the most that this figure shows" : "";
  $("#plane-n").textContent =
    `${n} × ${n} boxes${limit}: ${count(answer.boxes ** 2)} boxes, ${count(neurons)} neurons. ` +
    `Largest error ${maximumError({ ...answer, max_error })}.`;
}

const askAgain = figureRequest({
  figures: [figure],
  request: () => post(PATH, requestBody()),
  show: (found) => {
    showFault(planeInput, null);
    answer = found;
    draw();
  },
  fail: (problem) => showFault(planeInput, problem),
  none: "No figure: the function has an error.",
  old: () => (answer ? oldText(answer, "along each axis") : ""),
});

let asked = ""; // the last request

/**
 * Show the typed function with a number of boxes.
 * @param {number} n along an edge
 * @param {Record<string, any>} state of the page's address
 */
export function showPlane(n, state) {
  boxes = Math.min(MOST_IN_PLANE, n);
  const body = requestBody();
  updateRequest(body, state);
  if (JSON.stringify(body) === asked) return;
  asked = JSON.stringify(body);
  askAgain();
}

paintInTheme(draw);
savable(figure, {
  name: "boxes-in-the-plane",
  rows: () => {
    if (!answer) return [];
    const { x, y, function: exact, approximation } = answer.grid;
    return fromGrid({ x, y, "f(x, y)": exact, "sum of boxes": approximation });
  },
});
