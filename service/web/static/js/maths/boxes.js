// @ts-check
// Sums of boxes: n boxes of equal or free widths approximate a function that the user types, on a
// line and in the plane. A second plot shows how the error falls as n grows.
import { post } from "../api.js";
import { Plot, chart } from "../chart.js";
import { $, h } from "../dom.js";
import { count, fixed } from "../numbers.js";
import { query, requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { comparisonText, curveRows, cutText, errorText, oldText, proofText } from "./box-sums.js";
import { rateText } from "./box-rate.js";
import { errorPlot } from "./error-plot.js";
import { figureRequest, showFault } from "./figure-request.js";
import { fromLink, sliderFromLink } from "./link.js";
import { MOST_PAIRS, functionPlot } from "./function-plot.js";
import { planeInput, showPlane } from "./plane.js";
import { cutAxis } from "./value-axis.js";

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

/** The slider of n has a logarithmic scale. @type {import("./link.js").Scale} */
const LOG_SCALE = { toSlider: Math.log2, toValue: (position) => Math.round(2 ** position) };
const PATH = "/analysis/box-approximation";

const updateRequest = requestLine($("#boxes-request"), {
  path: PATH,
  anchor: "boxes",
  figure: "both plots of f(x)",
  name: "Both plots of f(x)",
});
const functionInput = $("#function");
const boxesInput = $("#n");
const boundInput = $("#bound");
const widthsInput = $("#widths");
functionInput.value = query.get("function") ?? "sin(3*x)";
const trouble = $("#boxes-trouble");
sliderFromLink("n", boxesInput, 16, trouble, LOG_SCALE);
sliderFromLink("bound", boundInput, 3, trouble);
const isWidths = (/** @type {string | null} */ text) => text === "equal" || text === "free";
if (fromLink("widths", (text) => (isWidths(text) ? text : null), trouble) === "free") {
  $("[value=free]", widthsInput).checked = true;
}
/** @type {Answer | null} */
let answer = null;

const boxCount = () => LOG_SCALE.toValue(Number(boxesInput.value));
const widths = () => $(":checked", widthsInput).value;
const requestBody = () => ({
  function: functionInput.value,
  bound: Number(boundInput.value),
  boxes: boxCount(),
  widths: widths(),
  dimensions: 1,
});

/** @param {Answer} newAnswer */
function show(newAnswer) {
  answer = newAnswer;
  const { boxes, neurons, minimality, rate, curve } = answer;
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
  const values = [...curve.function, ...curve.approximation];
  const { cut } = cutAxis(values, answer.max_error != null);
  $("#boxes-cut").textContent = cut ? cutText(curve.function) : "";
  $("#rate-words").textContent = rateText(rate, answer.bound, boxes);
  $("#trained-words").hidden = !minimality;
  redrawFunction();
  redrawError();
}

const redrawFunction = chart($("#boxes-plot"), (width) =>
  answer ? functionPlot(answer, width) : Plot.plot({ width, height: 300 }),
);
const redrawError = chart($("#rate-plot"), (width) =>
  answer ? errorPlot(answer, width) : Plot.plot({ width, height: 240 }),
);

const [functionFigure, errorFigure] = ["#boxes-plot", "#rate-plot"].map((id) =>
  $(id).closest("figure"),
);
const askAgain = figureRequest({
  figures: [functionFigure, errorFigure],
  request: () => post(PATH, requestBody()),
  show,
  fail: (problem) => {
    showFault(functionInput, problem);
    $("#boxes-words").replaceChildren();
  },
  none: "No figure: the function has an error.",
  wait: () => $("#boxes-words").replaceChildren("Computing…"),
  old: () => (answer ? oldText(answer, `of ${answer.widths} width`) : ""),
});

function update() {
  const n = boxCount();
  boxesInput.nextElementSibling.textContent = count(n);
  boundInput.nextElementSibling.textContent = fixed(Number(boundInput.value), 1);
  const state = {
    function: functionInput.value,
    bound: boundInput.value,
    n,
    widths: widths(),
    plane: planeInput.value,
  };
  updateRequest(requestBody(), state);
  showPlane(n, state);
}

for (const input of [functionInput, boxesInput, boundInput, widthsInput]) {
  input.addEventListener("input", () => {
    update();
    askAgain();
  });
}
planeInput.addEventListener("input", update);
update();
askAgain();
savable(functionFigure, {
  name: "sum-of-boxes",
  rows: () => curveRows(answer?.curve),
});
savable(errorFigure, {
  name: "error-of-boxes",
  rows: () =>
    (answer?.rate.table ?? []).map((row) => ({
      "number of boxes": row.boxes,
      "equal widths: upper bound of the largest error": row.max_error,
      "equal widths: largest error found": row.sampled_error,
      "free widths: largest error": row.free_error,
      "trained step neurons: largest error": row.trained_error,
    })),
});
