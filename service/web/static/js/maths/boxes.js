// @ts-check
// Sums of boxes: n boxes of equal or free widths approximate a function that the user types, on a
// line and in the plane. A second plot shows how the error falls as n grows.
import { latest, post } from "../api.js";
import { BLUE, EDGE, INK, ORANGE, PAPER, Plot, addEndLabels, chart, toPixels } from "../chart.js";
import { NARROW } from "../curves.js";
import { $, h, notice } from "../dom.js";
import { count, fixed, largestMagnitude } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { query, requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { fromColumns, fromGrid } from "../save/csv.js";
import { paintInTheme } from "../theme.js";
import {
  boxesOf,
  comparisonText,
  errorText,
  imageRows,
  maximumError,
  proofText,
  valueAt,
} from "./box-sums.js";
import { rateText } from "./box-rate.js";
import { errorPlot } from "./error-plot.js";

/** @typedef {[x: number, y: number][]} Points */

/**
 * @typedef {object} Answer
 * @property {string} function
 * @property {"equal" | "free"} widths
 * @property {number} boxes
 * @property {number} neurons
 * @property {number} neurons_two_per_box
 * @property {number | null} max_error
 * @property {boolean} max_error_proven
 * @property {number} sampled_error
 * @property {number} mean_square_error
 * @property {import("./box-sums.js").Minimality | null} minimality
 * @property {number} bound
 * @property {import("./box-sums.js").BoxNetwork} network
 * @property {{ x: number[], function: number[], approximation: number[] }} curve
 * @property {import("./box-rate.js").Rate} rate
 */

/**
 * @typedef {object} PlaneAnswer
 * @property {number} boxes
 * @property {number} neurons
 * @property {number | null} max_error
 * @property {boolean} max_error_proven
 * @property {number} sampled_error
 * @property {{ x: number[], function: number[][], approximation: number[][] }} grid
 */

const PATH = "/analysis/box-approximation";
const PLANE_RESOLUTION = 72; // pixels
const MOST_IN_PLANE = 72; // boxes along an edge
const PLANE_BOUND = 2;
const MOST_PAIRS = 40; // marked in the plot; more do not fit on a phone

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
const widthsInput = $("#widths");
functionInput.value = query.get("function") ?? "sin(3*x)";
planeInput.value = query.get("plane") ?? "sin(3*x)*cos(2*y)";
boxesInput.value = Math.log2(Number(query.get("n") ?? 16));
boundInput.value = query.get("bound") ?? 3;
if (query.get("widths") === "free") $("[value=free]", widthsInput).checked = true;
/** @type {Answer | null} */
let answer = null;
/** @type {PlaneAnswer | null} */
let planeAnswer = null;

const boxCount = () => Math.round(2 ** Number(boxesInput.value));
const widths = () => $(":checked", widthsInput).value;
const requestBody = () => ({
  function: functionInput.value,
  bound: Number(boundInput.value),
  boxes: boxCount(),
  widths: widths(),
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
  const { details } = problem;
  const words = /^[a-z]/.test(details) ? `The function ${details}.` : details;
  input.setAttribute("aria-invalid", "true");
  input.after(h("span", { class: "fault", id, role: "alert" }, words));
}

/** @param {Answer} newAnswer */
function show(newAnswer) {
  answer = newAnswer;
  const { boxes, neurons, minimality, rate } = answer;
  showFault(functionInput, null);
  const words = `${count(boxes)} ${boxes === 1 ? "box" : "boxes"}: ${count(neurons)} neurons`;
  const others = minimality && rate.table.find((row) => row.boxes === boxes);
  $("#boxes-words").replaceChildren(
    h("b", null, words),
    errorText(answer),
    others ? comparisonText(others) : "",
  );
  $("#boxes-proof").textContent = minimality
    ? proofText(minimality, minimality.pairs.length <= MOST_PAIRS)
    : "";
  $("#rate-words").textContent = rateText(rate, answer.bound, boxes);
  $("#trained-words").hidden = !minimality;
  redrawFunction();
  redrawError();
}

/**
 * Mark the pairs of the proof: the points on the curve, and the interval between them on the axis.
 * @param {Answer} answer
 * @param {number} height of the ends of an interval
 */
function pairMarks({ curve, minimality }, height) {
  const pairs = minimality?.pairs ?? [];
  if (pairs.length > MOST_PAIRS) return [];
  const points = /** @type {Points} */ (pairs.flat().map((x) => [x, valueAt(curve, x)]));
  const ends = /** @type {const} */ ({ stroke: ORANGE, strokeWidth: 1.5 });
  return [
    Plot.link(pairs, { x1: "0", x2: "1", y1: 0, y2: 0, ...ends }),
    Plot.ruleX(pairs.flat(), { y1: -height / 2, y2: height / 2, ...ends }),
    Plot.dot(points, { r: 3, fill: PAPER, ...ends }),
  ];
}

/** @param {Answer} answer @param {number} width */
function functionPlot(answer, width) {
  const { curve, network, bound, boxes } = answer;
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
      ...pairMarks(answer, room / 2),
    ],
  });
  const { y } = toPixels(plot);
  const x = width - right;
  return addEndLabels(plot, [
    { x, y: y(exact[exact.length - 1][1]), text: "f", color: INK },
    { x, y: y(sum[sum.length - 1].y), text: "boxes", color: BLUE },
  ]);
}

const redrawFunction = chart($("#boxes-plot"), (width) =>
  answer ? functionPlot(answer, width) : Plot.plot({ width, height: 300 }),
);
const redrawError = chart($("#rate-plot"), (width) =>
  answer ? errorPlot(answer, width) : Plot.plot({ width, height: 240 }),
);

function drawPlane() {
  if (!planeAnswer) return;
  const { grid, boxes, neurons } = planeAnswer;
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
  $("#plane-n").textContent = `${size}, largest error ${maximumError(planeAnswer)}.`;
}

const askAgain = latest(
  () => post(PATH, requestBody()),
  show,
  (problem) => {
    showFault(functionInput, problem);
    $("#boxes-words").textContent = answer ? `The figures still show ${answer.function}.` : "";
  },
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
  const state = {
    function: functionInput.value,
    bound,
    n,
    widths: widths(),
    plane: planeInput.value,
  };
  updateRequest(requestBody(), state);
  updatePlaneRequest(planeRequestBody(), state);
  askAgain();
}

for (const input of [functionInput, boxesInput, boundInput, widthsInput, planeInput]) {
  input.addEventListener("input", update);
}
for (const input of [planeInput, boxesInput]) input.addEventListener("input", askPlaneAgain);
update();
askPlaneAgain();
paintInTheme(drawPlane);
savable($("#boxes-plot").closest("figure"), {
  name: "sum-of-boxes",
  rows: () => fromColumns({ ...answer?.curve }),
});
savable($("#rate-plot").closest("figure"), {
  name: "error-of-boxes",
  rows: () => (answer?.rate.table ?? []).map((row) => ({ ...row })),
});
savable($("#plane").closest("figure"), {
  name: "boxes-in-the-plane",
  rows: () => (planeAnswer ? fromGrid(planeAnswer.grid) : []),
});
