// @ts-check
// What the phases after the loss compute: δ of each layer, the gradients, the update.
import { symbolOf } from "../activations.js";
import {
  a,
  bias,
  both,
  delta,
  derivative,
  display,
  fraction,
  row,
  sub,
  sumOver,
  weight,
  z,
} from "../mathml.js";
import { count } from "../numbers.js";
import { hasMaps } from "./layout.js";
import { figure, rateText } from "./ledger.js";
import { blue, orange, source } from "./text-parts.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./text-parts.js").PhaseText} PhaseText */

/** @param {Step} step @param {View} view @returns {PhaseText} */
export function backwardText(step, { layer: number, gradient, neuron }) {
  const layer = step.layers[number - 1];
  const title = `Backward, layer ${number}`;
  const l = String(number);
  if (layer.isLast) {
    return {
      title,
      text: [
        "How the loss changes with each logit. The derivatives of the softmax and the logarithm " +
          "simplify to p − t, where t is 1 for the label and 0 otherwise. At the label, this is ",
        orange("negative"),
        ": raise that logit, and the loss falls. Everywhere else, it is ",
        blue("positive"),
        ".",
      ],
      formulas: [
        display(
          delta(l, "i"),
          "=",
          derivative(z(l, "i")),
          "=",
          ...(step.weight === 1 ? [] : ["ω", "("]),
          sub("p", "i"),
          "−",
          sub("t", "i"),
          ...(step.weight === 1 ? [] : [")"]),
        ),
      ],
    };
  }
  const above = step.layers[number];
  const k = String(number + 1);
  const symbol = symbolOf(layer.activation);
  const isPublished = gradient === "published";
  const at = isPublished ? a(l, "j") : z(l, "j");
  const slope = layer.slope ? [symbol, "′", "(", at, ")"] : [];
  if (above.spec.type === "max-pool") {
    return {
      title,
      text: [
        "The error goes back only to the value that was the largest of its window. The others " +
          "did not count, so their δ is 0.",
      ],
      formulas: [display(delta(l, "j"), "=", sumOver("k"), delta(k, "k"), ...slope)],
    };
  }
  const published =
    "As published: the weights are already updated when the error passes through them, and the " +
    "slope is taken at a instead of z.";
  const exact =
    "Each neuron’s share of the blame: the errors of the neurons that it feeds, passed back " +
    "through the same weights, times its own slope. A saturated neuron gets hardly any blame.";
  const pool =
    "Each value’s share of the blame: the errors of what it feeds, passed back through the same " +
    "weights. A max-pool has no activation function, so no slope either.";
  const place = hasMaps(layer) ? ` The sum below is for one place of map ${neuron}.` : "";
  const used = isPublished ? both("w̃", row("k", ",", "j"), k) : weight(k, "k", "j");
  const total = [sumOver("k"), used, delta(k, "k")];
  const early = display("w̃", "=", "w", "−", row("η", derivative("w")));
  return {
    title,
    text: [(isPublished ? published : layer.slope ? exact : pool) + place],
    formulas: [
      display(delta(l, "j"), "=", ...(layer.slope ? ["(", ...total, ")", ...slope] : total)),
      ...(isPublished ? [early] : []),
    ],
  };
}

/** @param {Step} step @param {View} view @returns {PhaseText} */
export function gradientsText(step, { layer: number }) {
  const layer = step.layers[number - 1];
  const l = String(number);
  const maps = hasMaps(layer);
  const dense =
    "The derivative of a weight is the error δ of the neuron that it leads to, times the input " +
    "that it multiplies. So each matrix is a column times a row, and all rows have the same " +
    "pattern.";
  const shared =
    "A filter uses the same weights at every place, so the derivative of a weight is a sum over " +
    "all places r: δ there, times what the weight u of the filter o multiplied there.";
  const pool = "A max-pool has no weights, so there is nothing to learn here.";
  const title = "Gradients";
  if (layer.spec.type === "max-pool") return { title, text: [pool], formulas: [] };
  if (!maps) {
    const product = [delta(l, "i"), source(number, "j")];
    const formulas = [
      display(derivative(weight(l, "i", "j")), "=", ...product),
      display(derivative(bias(l, "i")), "=", delta(l, "i")),
    ];
    return { title, text: [dense], formulas };
  }
  const there = () => delta(l, row("o", ",", "r"));
  const formulas = [
    display(
      derivative(weight(l, "o", "u")),
      "=",
      sumOver("r"),
      there(),
      source(number, row("r", "+", "u")),
    ),
    display(derivative(bias(l, "o")), "=", sumOver("r"), there()),
  ];
  return { title, text: [shared], formulas };
}

/** @param {Step} step @param {View} view @param {number} parameters @returns {PhaseText} */
export function updateText(step, { gradient }, parameters) {
  const { after, learning_rate: rate, batch_size: size, loss } = step;
  const title = "Update";
  if (!after) {
    return {
      title,
      text: [
        "This training does not step straight against the gradient: the optimizer, dropout or " +
          "batch normalization also decide where the weights go. So the page shows the " +
          "derivatives, and not the new weights.",
      ],
      formulas: [],
    };
  }
  const outcome = after[gradient];
  const change = outcome
    ? ` The loss of the same sample is now ${figure(outcome.loss, 4)} nats instead of ` +
      `${figure(loss, 4)}.`
    : "";
  const mean = size === 1 ? [] : [fraction("1", String(size)), "∑"];
  const text =
    size === 1
      ? `All ${count(parameters)} weights and biases take a small step against their ` +
        `derivatives, with the learning rate η = ${rateText(rate)}.`
      : `All ${count(parameters)} weights and biases take a step against the mean derivative of ` +
        `the ${size} samples of the batch, with the learning rate η = ${rateText(rate)}. The ` +
        "table has the derivatives of this sample alone.";
  return {
    title,
    text: [text + change],
    formulas: [display("w", "←", "w", "−", "η", ...mean, derivative("w"))],
  };
}
