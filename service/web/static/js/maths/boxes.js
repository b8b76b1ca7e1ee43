// @ts-check
// Sums of boxes: n boxes approximate a function that the user types, on a line and in the plane. A
// second plot shows how the error falls as n grows.
import { latest, post } from "../api.js";
import {
  BLUE,
  EDGE,
  GREY,
  INK,
  INK_2,
  PAPER,
  Plot,
  addEndLabels,
  centered,
  chart,
  toPixels,
} from "../chart.js";
import { NARROW } from "../curves.js";
import { $, h, notice } from "../dom.js";
import { count, fixed, largestMagnitude } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { query, requestLine } from "../request-line.js";
import { paintInTheme } from "../theme.js";
import { boxesOf, errorText, imageRows, powersOfTen, tickText } from "./box-sums.js";

/** @typedef {[x: number, y: number][]} Points */

/**
 * @typedef {object} Answer
 * @property {number} boxes
 * @property {number} neurons
 * @property {number} neurons_two_per_box
 * @property {number} max_error
 * @property {number} mean_square_error
 * @property {number} bound
 * @property {import("./box-sums.js").BoxNetwork} network
 * @property {{ x: number[], function: number[], approximation: number[] }} curve
 * @property {{ order: number | null, slope: number,
 *   table: { boxes: number, max_error: number }[] }} rate
 */

/**
 * @typedef {object} PlaneAnswer
 * @property {number} boxes
 * @property {number} neurons
 * @property {number} max_error
 * @property {{ x: number[], function: number[][], approximation: number[][] }} grid
 */

const PATH = "/analysis/box-approximation";
const PLANE_RESOLUTION = 72; // pixels
const MOST_IN_PLANE = 72; // boxes along an edge
const MOST_BOXES = 256;
const PLANE_BOUND = 2;

const updateRequest = requestLine($("#boxes-request"), { path: PATH, anchor: "boxes" });
const updatePlaneRequest = requestLine($("#plane-request"), {
  path: PATH,
  anchor: "boxes",
  figure: "the boxes in the plane",
});
const functionInput = $("#function");
const planeInput = $("#plane-function");
const boxesInput = $("#n");
const boundInput = $("#bound");
functionInput.value = query.get("function") ?? "sin(3*x)";
planeInput.value = query.get("plane") ?? "sin(3*x)*cos(2*y)";
boxesInput.value = Math.log2(Number(query.get("n") ?? 16));
boundInput.value = query.get("bound") ?? 3;
/** @type {Answer | null} */
let answer = null;
/** @type {PlaneAnswer | null} */
let planeAnswer = null;

const boxCount = () => Math.round(2 ** Number(boxesInput.value));
const requestBody = () => ({
  function: functionInput.value,
  bound: Number(boundInput.value),
  boxes: boxCount(),
  dimensions: 1,
});
const planeRequestBody = () => ({
  function: planeInput.value,
  bound: PLANE_BOUND,
  boxes: Math.min(MOST_IN_PLANE, boxCount()),
  dimensions: 2,
  resolution: PLANE_RESOLUTION,
});

/**
 * Show what is wrong with a field, or nothing.
 * @param {HTMLInputElement} input
 * @param {import("../api.js").ProblemError | null} problem
 */
function showFault(input, problem) {
  const id = `${input.id}-fault`;
  $(`#${id}`)?.remove();
  input.removeAttribute("aria-invalid");
  if (!problem) return;
  input.setAttribute("aria-invalid", "true");
  input.after(h("span", { class: "fault", id, role: "alert" }, problem.details));
}

/** @param {Answer} newAnswer */
function show(newAnswer) {
  answer = newAnswer;
  const { boxes, neurons } = answer;
  showFault(functionInput, null);
  const words = `${count(boxes)} ${boxes === 1 ? "box" : "boxes"}: ${count(neurons)} neurons`;
  $("#boxes-words").replaceChildren(h("b", null, words), errorText(answer));
  redrawFunction();
  redrawError();
}

/** @param {Answer} answer @param {number} width */
function functionPlot({ curve, network, bound, boxes }, width) {
  const narrow = width < NARROW;
  const right = narrow ? 44 : 64;
  const values = [...curve.function, ...curve.approximation];
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const room = 0.08 * (high - low || 1);
  const exact = /** @type {Points} */ (curve.x.map((x, i) => [x, curve.function[i]]));
  const sum = boxesOf(network, bound);
  const steps = /** @type {Points} */ (
    sum.flatMap(({ x1, x2, y }) => [
      [x1, y],
      [x2, y],
    ])
  );
  const areas = { x1: "x1", x2: "x2", y1: 0, y2: "y", fill: BLUE, fillOpacity: 0.14 };
  const plot = Plot.plot({
    width,
    height: 300,
    marginLeft: 40,
    marginRight: right,
    marginTop: 12,
    marginBottom: 28,
    x: { domain: [-bound, bound], label: null, ticks: narrow ? 5 : 7 },
    y: { domain: [low - room, high + room], label: null, ticks: 5, grid: true },
    marks: [
      Plot.rect(sum, areas),
      Plot.ruleY([0], { stroke: EDGE }),
      Plot.line(exact, { stroke: INK, strokeWidth: 1.5 }),
      Plot.line(steps, { stroke: BLUE, strokeWidth: boxes > 96 ? 1 : 2 }),
    ],
  });
  const { y } = toPixels(plot);
  const x = width - right;
  return addEndLabels(plot, [
    { x, y: y(exact[exact.length - 1][1]), text: "f", color: INK },
    { x, y: y(sum[sum.length - 1].y), text: "boxes", color: BLUE },
  ]);
}

/** @param {Answer} answer @param {number} width */
function errorPlot({ rate, bound, boxes, max_error }, width) {
  const rows = rate.table.filter((row) => row.boxes <= MOST_BOXES && row.max_error > 0);
  const here = [{ boxes, max_error }].filter((row) => row.max_error > 0);
  const errors = [...rows, ...here].map((row) => row.max_error);
  const top = 2 * Math.max(...errors, 1e-12);
  const low = Math.min(...errors, top / 10) / 2;
  const limit = rate.slope * bound; // one box has at most this error: L times B
  const limitLine = /** @type {Points} */ ([
    [1, limit],
    [MOST_BOXES, limit / MOST_BOXES],
  ]);
  const position = { x: "boxes", y: "max_error" };
  const plot = Plot.plot({
    width,
    height: 240,
    marginLeft: 52,
    marginRight: 52,
    marginTop: 28,
    marginBottom: 36,
    x: {
      type: "log",
      domain: [1, MOST_BOXES],
      ...centered("Boxes n (log scale)"),
      ticks: [1, 10, 100],
      tickFormat: "d",
    },
    y: {
      type: "log",
      domain: [low, top],
      label: "↑ Maximum error (log scale)",
      ticks: powersOfTen(low, top),
      tickFormat: tickText,
      grid: true,
    },
    marks: [
      Plot.line(limitLine, { stroke: GREY, strokeDasharray: "3 3", clip: true }),
      Plot.line(rows, { ...position, stroke: BLUE, strokeWidth: 2 }),
      Plot.dot(rows, { ...position, fill: BLUE, r: 2 }),
      Plot.dot(here, { ...position, r: 6, fill: BLUE, stroke: PAPER, strokeWidth: 2 }),
    ],
  });
  const { y } = toPixels(plot);
  const x = width - 52;
  const limitLabel = { x, y: y(limit / MOST_BOXES), text: "LB/n", color: INK_2, weight: 400 };
  const last = rows
    .slice(-1)
    .map((row) => ({ x, y: y(row.max_error), text: "error", color: BLUE }));
  return addEndLabels(plot, [limitLabel, ...last]);
}

const redrawFunction = chart($("#boxes-plot"), (width) =>
  answer ? functionPlot(answer, width) : Plot.plot({ width, height: 300 }),
);
const redrawError = chart($("#rate-plot"), (width) =>
  answer ? errorPlot(answer, width) : Plot.plot({ width, height: 240 }),
);

function drawPlane() {
  if (!planeAnswer) return;
  const { grid, boxes, neurons, max_error } = planeAnswer;
  const scale = largestMagnitude(grid.function.flat()) || 1;
  /** @param {number[][]} values @param {string} name */
  const heatmap = (values, name) => {
    const canvas = h("canvas", { role: "img", "aria-label": `${name}, as a heat map` });
    drawHeatmap(canvas, imageRows(values), scale, grid.x.length);
    return h("div", null, canvas, h("p", { class: "small" }, name));
  };
  $("#plane").replaceChildren(
    heatmap(grid.function, "function"),
    heatmap(grid.approximation, "boxes"),
  );
  const size = `${count(boxes ** 2)} boxes, ${count(neurons)} neurons`;
  $("#plane-n").textContent = `${size}, maximum error ${fixed(max_error, 2)}.`;
}

const askAgain = latest(
  () => post(PATH, requestBody()),
  show,
  (problem) => showFault(functionInput, problem),
);
const askPlaneAgain = latest(
  () => post(PATH, planeRequestBody()),
  (newAnswer) => {
    showFault(planeInput, null);
    planeAnswer = newAnswer;
    drawPlane();
  },
  (problem) => {
    if (problem.status === 422) showFault(planeInput, problem);
    else $("#plane").replaceChildren(notice(problem));
  },
);

function update() {
  const n = boxCount();
  boxesInput.nextElementSibling.textContent = count(n);
  boundInput.nextElementSibling.textContent = fixed(Number(boundInput.value), 1);
  const { value: bound } = boundInput;
  const state = { function: functionInput.value, bound, n, plane: planeInput.value };
  updateRequest(requestBody(), state);
  updatePlaneRequest(planeRequestBody(), state);
  askAgain();
}

for (const input of [functionInput, boxesInput, boundInput, planeInput]) {
  input.addEventListener("input", update);
}
for (const input of [planeInput, boxesInput]) input.addEventListener("input", askPlaneAgain);
update();
askPlaneAgain();
paintInTheme(drawPlane);
