// @ts-check
// The softmax Jacobian: a slider for each logit, a heat map, and bars that show each row's sum.
import { catchProblem, get, post } from "../api.js";
import { withArticle } from "../class-names.js";
import { cssColor, textOn } from "../color.js";
import { $, h, notice, numberCell, positive, power, rowHeader, s } from "../dom.js";
import { worstMistake } from "../model/confusion-matrix.js";
import { fixed, indexOfLargest, shareText, sum } from "../numbers.js";
import { drawImage } from "../pixels.js";
import { requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { term } from "../terms.js";
import { heatColor, paintInTheme } from "../theme.js";
import { figureRequest } from "./figure-request.js";
import { fromLink } from "./link.js";
import { balanceBars, derivativeUnit, parseLogits, parseTarget } from "./logits.js";
import { tenTo } from "./notation.js";

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
let logits = fromLink("logits", parseLogits, $("#softmax-trouble")) ?? DEFAULT_LOGITS;
/** @param {string | null} text */
const readTarget = (text) => parseTarget(text, logits.length);
let target = fromLink("target", readTarget, $("#softmax-trouble")) ?? 0;
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
  const reads = `reads it as ${withArticle(classes[predicted])} (${shareText(probability, 1)}). `;
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

/**
 * Build the cell of a derivative.
 * @param {number} value
 * @param {{ exponent: number, most: number }} unit
 * @param {boolean} large
 */
function derivativeCell(value, { exponent, most }, large) {
  // The square root makes small derivatives visible.
  const color = heatColor(0.85 * Math.sign(value) * Math.sqrt(Math.abs(value) / most));
  const digits = exponent ? 1 : 2;
  const text = fixed(value / Number(`1e${exponent}`), digits);
  const cell = h("td", null, h("span", null, large && Number(text) === 0 ? "·" : text));
  cell.style.background = cssColor(color);
  cell.style.color = textOn(color);
  return cell;
}

/** @param {{ exponent: number }} unit */
const unitText = ({ exponent }) => (exponent ? `in ${tenTo(exponent)}` : null);

/** @param {Answer} answer */
function jacobianContent({ probabilities, jacobian }) {
  const large = probabilities.length > MOST_WITH_DIGITS;
  const unit = derivativeUnit(jacobian.flat());
  const widest = Math.max(1e-300, ...jacobian.map((row, i) => row[i]));
  const columns = probabilities.map((_, j) =>
    h("th", { scope: "col" }, h("span", null, "∂", ...indexed("z", j))),
  );
  const rows = jacobian.map((row, i) => {
    const digits = probabilities[i] < 0.0995 || probabilities[i] > 0.995 ? 1 : 0;
    const probability = h("span", { class: "p" }, shareText(probabilities[i], digits));
    const name = h("span", { class: "y" }, ...indexed("y", i));
    const total = fixed(sum(row), 1).replace("0.0", "0");
    return h(
      "tr",
      null,
      rowHeader(name, probability),
      ...row.map((value) => derivativeCell(value, unit, large)),
      h("td", { class: "balance" }, balance(row, i, widest)),
      numberCell(total),
    );
  });
  const balanceHeader = h(
    "th",
    { scope: "col", class: "balance" },
    h("span", { class: "words" }, "falls | rises"),
    h("span", { class: "signs", "aria-hidden": "true" }, "− | +"),
  );
  const sumHeader = h("th", { scope: "col", class: "n" }, "sum");
  return [
    h(
      "thead",
      null,
      h("tr", null, h("td", null, unitText(unit)), ...columns, balanceHeader, sumHeader),
    ),
    h("tbody", null, ...rows),
  ];
}

/** Write what the loss is, or why it is not known. @param {Answer} answer */
const lossWords = ({ cross_entropy: loss, gradient, note }) => {
  if (loss === null) return [note ?? ""];
  const y = () => indexed("y", target);
  const derivative = -gradient[target];
  return [
    "The ",
    term("cross-entropy"),
    " −log ",
    ...y(),
    " is ",
    positive(loss),
    " ",
    term("nat", "nats"),
    ". Its derivative with respect to ",
    ...indexed("z", target),
    " is ",
    ...y(),
    " − 1 = ",
    derivative > 0 ? h("span", { class: "nowrap" }, "−", positive(derivative)) : "0",
    ".",
  ];
};

/** Explain small derivatives. @param {Answer} answer */
function unitWords({ probabilities, jacobian }) {
  const { exponent } = derivativeUnit(jacobian.flat());
  const dots =
    probabilities.length > MOST_WITH_DIGITS ? " A dot stands for a number that rounds to 0." : "";
  return exponent
    ? ` One probability is almost 1, so all derivatives are small: the numbers are in units of ` +
        `${tenTo(exponent)}.${dots}`
    : dots;
}

function draw() {
  showSource(); // in the colors of the theme
  if (!answer) return;
  const large = answer.probabilities.length > MOST_WITH_DIGITS;
  $("#jacobian").className = large ? "jacobian big" : "jacobian";
  $("#jacobian").replaceChildren(...jacobianContent(answer));
  $("#jacobian-check").replaceChildren(power(answer.check));
  $("#jacobian-unit").textContent = unitWords(answer);
  $("#softmax-loss").replaceChildren(...lossWords(answer));
}

const figure = $("#jacobian").closest("figure");
const askAgain = figureRequest({
  figures: [figure],
  request: () => post(PATH, { logits, target }),
  show: (found) => {
    $("#softmax-trouble").replaceChildren();
    answer = found;
    draw();
  },
  fail: (problem) => {
    $("#softmax-loss").replaceChildren();
    showTrouble(problem);
  },
  old: () => "Not updated: this figure is still for other logits.",
});

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
savable(figure, {
  name: "softmax-jacobian",
  rows: () =>
    (answer?.jacobian ?? []).map((row, i) => ({
      class: className(i),
      "logit z": logits[i],
      "probability y": answer?.probabilities[i],
      ...Object.fromEntries(row.map((value, j) => [`dy/dz_${className(j)}`, value])),
    })),
});
