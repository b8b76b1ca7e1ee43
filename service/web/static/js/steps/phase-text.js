// @ts-check
// What a phase computes: its title, a few sentences, and the formula.
import { symbolOf } from "../activations.js";
import {
  a,
  bias,
  display,
  fraction,
  number,
  row,
  sub,
  sumOver,
  sup,
  weight,
  words,
  z,
} from "../mathml.js";
import { count } from "../numbers.js";
import { isVectors } from "../predict/input.js";
import { backwardText, gradientsText, updateText } from "./backward-text.js";
import { inputsOf } from "./data.js";
import { channelsOf, hasMaps } from "./layout.js";
import { figure, probabilityText } from "./ledger.js";
import { blue, orange, source } from "./text-parts.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./text-parts.js").PhaseText} PhaseText */

const FEW = 6; // inputs that are listed

/** @param {Step} step @param {View} view @returns {PhaseText} */
function inputText({ x, label, epoch, standardized_by: standardized, pixel_scale }, view) {
  const { dataset, classes } = view;
  const live = x.filter((value) => value).length;
  const times = epoch === 1 ? "" : epoch === 2 ? "once" : `${epoch - 1} times`;
  const before = times
    ? `The training has used this sample ${times} before.`
    : "The training uses this sample for the first time.";
  const values = isVectors(dataset) ? "numbers" : "values";
  const scaled = isVectors(dataset) || pixel_scale === "raw" ? "" : ", scaled here to 0 to 1";
  const list = `: ${x.map((value) => figure(value)).join(", ")}.`;
  const zero = standardized ? "" : ` ${count(live)} of them are not 0.`;
  const amount = x.length <= FEW ? `${values}${list}` : `${values}${scaled}.${zero}`;
  const base = sub("grey value", "j");
  const shown = isVectors(dataset) || pixel_scale === "raw" ? sub("v", "j") : fraction(base, "255");
  const formula = standardized
    ? [sub("x", "j"), "=", fraction(row(shown, "−", words("mean")), words("deviation"))]
    : [sub("x", "j"), "=", shown];
  return {
    title: "The input",
    text: [
      `The data set labels this sample ${classes[label]}. ` +
        `${standardized ? "Standardized, it" : "It"} has ${count(x.length)} ${amount} ${before}`,
    ],
    formulas: [display(...formula)],
  };
}

/** @param {Step} step @param {View} view @returns {PhaseText} */
function forwardText(step, { layer: number, neuron }) {
  const layer = step.layers[number - 1];
  const { spec, activation, isLast } = layer;
  const title = `Forward, layer ${number}`;
  const l = String(number);
  if (spec.type === "max-pool") {
    return {
      title,
      text: ["A max-pool keeps the largest value of each small window. It has no weights."],
      formulas: [display(z(l, "i"), "=", row("max", source(number, "j")))],
    };
  }
  const symbol = symbolOf(activation);
  const sumFormula = display(
    z(l, "i"),
    "=",
    bias(l, "i"),
    "+",
    sumOver("j"),
    weight(l, "i", "j"),
    source(number, "j"),
  );
  const sigmoid =
    activation === "sigmoid"
      ? ["=", fraction("1", row("1", "+", sup("e", row("−", z(l, "i")))))]
      : [];
  const activated = display(a(l, "i"), "=", symbol, "(", z(l, "i"), ")", ...sigmoid);
  const formulas = layer.slope ? [sumFormula, activated] : [sumFormula];
  if (hasMaps(layer)) {
    const channels = channelsOf(layer);
    const text =
      `Each of the ${channels} filters moves over the layer below. At each place, it multiplies ` +
      `what it covers by its weights, adds the products, and adds its bias. The sum below is for ` +
      `the place of map ${neuron} that will get the largest δ.`;
    return { title, text: [text], formulas };
  }
  if (number === 1 && !isLast) {
    const text = [
      `Each of the ${count(spec.output_shape[0])} neurons multiplies every input by a weight, ` +
        "adds the products, and adds its bias. In w·x, ",
      blue("blue"),
      ` inputs push neuron ${neuron} up, and `,
      orange("orange"),
      " ones push it down.",
    ];
    return { title, text, formulas };
  }
  const below = count(inputsOf(step, number).length);
  const hidden =
    `The same again: each neuron computes a weighted sum of the ${below} outputs of ` +
    `layer ${number - 1}.`;
  const last =
    "There is one neuron for each class. Its z is called a logit. There is no activation " +
    "function here, so a logit can have any size.";
  return { title, text: [isLast ? last : hidden], formulas };
}

/** @param {Step} step @returns {PhaseText} */
function softmaxText({ layers }) {
  const l = String(layers.length);
  const power = (/** @type {string} */ index) => sup("e", z(l, index));
  const formula = [sub("p", "i"), "=", fraction(power("i"), row(sumOver("k"), power("k")))];
  return {
    title: "Softmax",
    text: [
      "Softmax turns the logits into probabilities that sum to 1. What one class gains, the " +
        "others lose.",
    ],
    formulas: [display(...formula)],
  };
}

/** @param {Step} step @param {View} view @returns {PhaseText} */
function lossText({ weight: factor }, { classes }) {
  const guess = figure(Math.log(classes.length), 4);
  const weighted =
    factor === 1
      ? ""
      : ` The recipe weights this class by ${figure(factor)}, and so its loss and all its δ.`;
  return {
    title: "Loss",
    text: [
      "Only the probability of the label counts. Being sure and right costs nothing; being sure " +
        `and wrong has no upper limit. Guessing costs log ${classes.length} = ${guess} nats.` +
        weighted,
    ],
    formulas: [display("C", "=", "−", ...(factor === 1 ? [] : ["ω"]), "log", sub("p", "t"))],
  };
}

/**
 * Explain a phase.
 * @param {Step} step
 * @param {View} view
 * @param {number} parameters of the network
 * @returns {PhaseText}
 */
export function phaseText(step, view, parameters) {
  const texts = {
    input: inputText,
    forward: forwardText,
    softmax: softmaxText,
    loss: lossText,
    backward: backwardText,
    gradients: gradientsText,
  };
  const { kind } = view.phase;
  return kind === "update" ? updateText(step, view, parameters) : texts[kind](step, view);
}

/** Write the loss with its numbers. @param {Step} step @param {View} view */
export function lossNumbers({ probabilities, label, loss, weight: factor }, { classes }) {
  const p = probabilities[label];
  return display(
    "C",
    "=",
    "−",
    ...(factor === 1 ? [] : [number(figure(factor)), "·"]),
    "log",
    sub("p", words(classes[label])),
    "=",
    "−",
    ...(factor === 1 ? [] : [number(figure(factor)), "·"]),
    "log",
    number(probabilityText(p, 4)),
    "=",
    number(figure(loss, 4)),
  );
}
