// @ts-check
// The softmax Jacobian: a slider for each logit, a heat map, and bars that show each row's sum.
import { catchProblem, get, latest, post } from "../api.js";
import { withArticle } from "../class-names.js";
import { cssColor, textOn } from "../color.js";
import { $, h, notice, numberCell, positive, power, rowHeader, s } from "../dom.js";
import { worstMistake } from "../model/confusion-matrix.js";
import { fixed, indexOfLargest, percent, sum } from "../numbers.js";
import { drawImage } from "../pixels.js";
import { query, requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { term } from "../terms.js";
import { heatColor, paintInTheme } from "../theme.js";
import { balanceBars, parseLogits, parseTarget } from "./logits.js";

/**
 * @typedef {{ probabilities: number[], jacobian: number[][], check: number,
 *   cross_entropy: number | null, gradient: number[], note: string | null }} Answer
 */

const PATH = "/analysis/softmax-jacobian";
const DEFAULT_LOGITS = [2, 1, 0.5, -0.5, -1.5];
const MOST_WITH_DIGITS = 6; // a larger Jacobian is shown in less detail
const BALANCE = { width: 132, height: 18 };

const updateRequest = requestLine($("#softmax-request"), { path: PATH, anchor: "softmax" });
/** @param {{ title: string, detail: string }} problem */
const showTrouble = (problem) => $("#softmax-trouble").replaceChildren(notice(problem));
let logits = parseLogits(query.get("logits")) ?? DEFAULT_LOGITS;
let target = parseTarget(query.get("target"), logits.length);
/** @type {Answer | null} */
let answer = null;

/** Find an image that a model classifies wrongly. @param {import("../types.d.ts").Model} model */
async function wrongImage({ id, evaluation }) {
  const { label, predicted } = worstMistake(evaluation.confusion_matrix);
  return (await get(`/models/${id}/confusion/${label}/${predicted}?limit=1`)).images[0];
}

/**
 * @typedef {object} Source the image that a model's logits are for
 * @property {string} model id
 * @property {string[]} classes
 * @property {{ index: number, label: number, pixels: number[][] }} image
 * @property {number} predicted
 * @property {number} probability of the predicted class
 * @property {boolean} changed whether the logits have been changed since
 */
/** @type {Source | null} */
let source = null;

/**
 * Get the logits of the newest MNIST model for a test image.
 * @param {"seven" | "wrong"} kind
 */
async function askModel(kind) {
  const model = await get("/models/latest-mnist");
  const image =
    kind === "wrong"
      ? await wrongImage(model)
      : (await get("/datasets/mnist/test?index=0")).images[0];
  const path = `/predict?model=${model.id}&invert=never`;
  const { classes, predictions } = await post(path, { images: [image.pixels] });
  const { logits: exact, probabilities } = predictions[0];
  const predicted = indexOfLargest(probabilities);
  source = {
    model: model.id,
    classes,
    image,
    predicted,
    probability: probabilities[predicted],
    changed: false,
  };
  logits = exact.map((/** @type {number} */ logit) => Math.round(10 * logit) / 10);
  target = image.label;
}

/** The name of a class; without a model, its number from 1. @param {number} i */
const className = (i) => source?.classes[i] ?? String(i + 1);

/** Show the image that the logits are for, and what the model predicted. */
function showSource() {
  const host = $("#softmax-image");
  host.hidden = !source;
  if (!source) return;
  const { model, classes, image, predicted, probability, changed } = source;
  const canvas = $("canvas", host);
  drawImage(canvas, image.pixels.flat());
  canvas.setAttribute(
    "aria-label",
    `Test image ${image.index}: ${withArticle(classes[image.label])}`,
  );
  const reads = `reads it as ${withArticle(classes[predicted])} (${percent(probability)}). `;
  $("p", host).replaceChildren(
    `Test image ${image.index} shows ${withArticle(classes[image.label])}. `,
    h("a", { href: `/ui/models/${model}` }, model),
    ` ${reads}`,
    changed
      ? "You have changed its logits."
      : "These are its logits, rounded to 0.1; the index is the class.",
  );
}

/** Build a letter with the class as its index: z₁. @param {string} letter @param {number} i */
const indexed = (letter, i) => [h("i", null, letter), h("sub", null, className(i))];

function buildSliders() {
  const range = { min: Math.min(-6, ...logits), max: Math.max(6, ...logits), step: 0.1 };
  const sliders = logits.map((value, i) => {
    const output = h("output", null, fixed(value, 1));
    const slider = h("input", { type: "range", ...range, value });
    slider.addEventListener("input", () => {
      logits[i] = Number(slider.value);
      output.textContent = fixed(logits[i], 1);
      $("#from").value = "";
      if (source) source.changed = true;
      showSource();
      update();
    });
    return h("label", { class: "slider" }, h("span", null, ...indexed("z", i)), slider, output);
  });
  $("#logits").replaceChildren(...sliders);
  $("#target").replaceChildren(...logits.map((_, i) => h("option", { value: i }, className(i))));
  $("#target").value = target;
}

/** Draw the bars of a row. @param {number[]} row @param {number} i @param {number} widest */
function balance(row, i, widest) {
  const { width, height } = BALANCE;
  const { left, right } = balanceBars(row, i, widest, width);
  /** @param {{ x: number, width: number }} bar @param {string} color */
  const rect = (bar, color) => s("rect", { ...bar, y: 3, height: 12, fill: `var(--${color})` });
  return s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    ...left.map((bar) => rect(bar, "orange")),
    rect(right, "blue"),
    s("path", { d: `M${width / 2} 0v${height}`, stroke: "var(--ink)" }),
  );
}

/** Show a derivative in the color of its value. @param {number} value @param {boolean} large */
function derivativeCell(value, large) {
  // A softmax derivative is at most 1/4. The square root makes small ones visible.
  const color = heatColor(0.85 * Math.sign(value) * Math.sqrt(Math.abs(value) / 0.25));
  const text = large && Math.abs(value) < 0.005 ? "·" : fixed(value, 2);
  const cell = h("td", null, h("span", null, text));
  cell.style.background = cssColor(color);
  cell.style.color = textOn(color);
  return cell;
}

/** @param {Answer} answer */
function jacobianContent({ probabilities, jacobian }) {
  const large = probabilities.length > MOST_WITH_DIGITS;
  const widest = Math.max(1e-300, ...jacobian.map((row, i) => row[i]));
  const columns = probabilities.map((_, j) =>
    h("th", { scope: "col" }, h("span", null, "∂", ...indexed("z", j))),
  );
  const rows = jacobian.map((row, i) => {
    const digits = probabilities[i] < 0.0995 && !large ? 1 : 0;
    const probability = h("span", { class: "p" }, percent(probabilities[i], digits));
    const name = h("span", { class: "y" }, ...indexed("y", i));
    const total = fixed(sum(row), 1).replace("0.0", "0");
    return h(
      "tr",
      null,
      rowHeader(name, probability),
      ...row.map((value) => derivativeCell(value, large)),
      h("td", { class: "balance" }, balance(row, i, widest)),
      numberCell(total),
    );
  });
  const balanceHeader = h("th", { scope: "col", class: "balance" }, "falls | rises");
  const sumHeader = h("th", { scope: "col", class: "n" }, "sum");
  return [
    h("thead", null, h("tr", null, h("td"), ...columns, balanceHeader, sumHeader)),
    h("tbody", null, ...rows),
  ];
}

/** Write what the loss is, or why it is not known. @param {Answer} answer */
const lossWords = ({ cross_entropy: loss, gradient, note }) => {
  if (loss === null) return [note ?? ""];
  const y = () => indexed("y", target);
  const [nats, complement] = [loss, -gradient[target]].map(positive);
  return [
    "The ",
    term("cross-entropy"),
    " −log ",
    ...y(),
    " is ",
    nats,
    " ",
    term("nat", "nats"),
    ", and 1 − ",
    ...y(),
    " is ",
    complement,
    ".",
  ];
};

function draw() {
  showSource(); // in the colors of the theme
  if (!answer) return;
  const large = answer.probabilities.length > MOST_WITH_DIGITS;
  $("#jacobian").className = large ? "jacobian big" : "jacobian";
  $("#jacobian").replaceChildren(...jacobianContent(answer));
  $("#jacobian-check").replaceChildren(power(answer.check));
  $("#softmax-loss").replaceChildren(...lossWords(answer));
}

const askAgain = latest(
  () => post(PATH, { logits, target }),
  (found) => {
    $("#softmax-trouble").replaceChildren();
    answer = found;
    draw();
  },
  showTrouble,
);

function update() {
  logits = logits.map((logit) => Number(logit.toFixed(2)));
  updateRequest({ logits, target }, { logits: logits.join(","), target });
  askAgain();
}

$("#target").addEventListener("change", () => {
  target = Number($("#target").value);
  update();
});
$("#from").addEventListener("change", () =>
  catchProblem(async () => {
    const kind = $("#from").value;
    if (kind) await askModel(kind);
    else [source, logits, target] = [null, DEFAULT_LOGITS, 0];
    buildSliders();
    showSource();
    update();
  }, showTrouble),
);
buildSliders();
paintInTheme(draw);
update();
savable($("#jacobian").closest("figure"), {
  name: "softmax-jacobian",
  rows: () =>
    (answer?.jacobian ?? []).map((row, i) => ({
      i: i + 1,
      logit: logits[i],
      probability: answer?.probabilities[i],
      ...Object.fromEntries(row.map((value, j) => [`d/dz${j + 1}`, value])),
    })),
});
