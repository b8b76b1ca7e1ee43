// @ts-check
// The ledger of each phase: the numbers of the chosen neuron.
import { ACTIVATIONS, symbolOf } from "../activations.js";
import { h } from "../dom.js";
import { a, delta, fraction, inline, number, sub, sup, z } from "../mathml.js";
import { sum } from "../numbers.js";
import { cellOfChannel, channelsOf, hasMaps } from "./layout.js";
import { figure, ledger, plainLedger, probabilityText, product, termEntries } from "./ledger.js";
import { lossNumbers } from "./phase-text.js";
import { outputName, sourceHead, sourceName } from "./names.js";
import { columnsOf } from "./phases.js";
import { backwardTerms, forwardTerms } from "./terms.js";
import { weightsLedger } from "./weights-ledger.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./ledger.js").Entry} Entry */

const MOST_CLASSES = 4; // in the sum of the softmax
const LEAST_PADDING = 1e-6; // relative to z, whose digits are rounded

/** What the padding adds to z, if anything. @param {StepLayer} layer @param {number} cell
 * @param {number} known the sum of all other terms
 * @param {number} bias @returns {Entry[]} */
function paddingEntry(layer, cell, known, bias) {
  const value = layer.z[cell] - known - bias;
  const size = Math.abs(layer.z[cell]) + Math.abs(known);
  const isPadded = Boolean(layer.spec.padding) && Math.abs(value) > LEAST_PADDING * size;
  return isPadded ? [{ label: "", text: "padding", value, look: "rest" }] : [];
}

/** @param {Step} step @param {View} view */
function forwardLedger(step, view) {
  const { layer: at, neuron } = view;
  const layer = step.layers[at - 1];
  const weights = view.weights.get(at) ?? null;
  if (!weights && layer.gradient) return [];
  const cell = cellOfChannel(layer, neuron, view.gradient);
  const terms = forwardTerms(step, at, cell, weights);
  const l = String(at);
  const factor = at === 1 ? "x" : "a";
  const channels = at === 1 ? 1 : channelsOf(step.layers[at - 2]);
  const nameOf = (/** @type {number} */ from) => sourceName(step, view, at, from);
  if (layer.spec.type === "max-pool") {
    const sorted = [...terms].sort((one, other) => other.value - one.value);
    const rows = sorted.map(({ from, value }) => [nameOf(from), factor, figure(value, 4)]);
    const result = [inline(z(l, String(neuron))), "the largest", figure(layer.z[cell], 4)];
    return [
      plainLedger(
        [sourceHead(step, view, at), "", "value"],
        /** @type {any} */ ([...rows, result]),
      ),
    ];
  }
  const bias = layer.bias?.[neuron] ?? 0;
  const entries = termEntries(terms, nameOf, (from) => from % channels);
  entries.push(...paddingEntry(layer, cell, sum(terms.map(({ value }) => value)), bias));
  entries.push({ label: "", text: "bias", value: bias, look: "rest" });
  const value = layer.z[cell];
  /** @type {import("./ledger.js").Result[]} */
  const results = [
    { label: inline(z(l, String(neuron))), text: "", value: figure(value), isTotal: true },
  ];
  if (layer.slope) {
    results.push({
      label: inline(a(l, String(neuron))),
      text: inline(symbolOf(layer.activation), "(", number(figure(value)), ")"),
      value: figure(layer.a[cell]),
    });
  }
  return [
    ledger([sourceHead(step, view, at), inline("w", "·", factor), "", "so far"], entries, results),
  ];
}

/** @param {Step} step @param {View} view */
function softmaxLedger({ layers, probabilities }, { classes, neuron }) {
  const logits = layers[layers.length - 1].z;
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const total = sum(powers);
  const order = powers.map((_, i) => i).sort((one, other) => powers[other] - powers[one]);
  const shown = order.slice(0, MOST_CLASSES);
  /** @type {Entry[]} */
  const entries = shown.map((i) => ({
    label: classes[i],
    text: inline(sup("e", number(figure(logits[i] - top, 3)))),
    value: powers[i],
  }));
  const others = order.length - shown.length;
  if (others) {
    const value = total - sum(shown.map((i) => powers[i]));
    entries.push({ label: "", text: `${others} more`, value, look: "rest" });
  }
  const note = h(
    "p",
    { class: "small" },
    `The largest logit, ${figure(top)}, is subtracted from all of them first. This changes no ` +
      "probability, and no power can overflow.",
  );
  const table = ledger(["class", inline(sup("e", "z")), "", "so far"], entries, [
    { label: "", text: "sum", value: figure(total, 5), isTotal: true },
    {
      label: inline(sub("p", classes[neuron])),
      text: inline(fraction(number(figure(powers[neuron])), number(figure(total, 5)))),
      value: probabilityText(probabilities[neuron]),
    },
  ]);
  return [table, note];
}

/** δ of the last layer. @param {Step} step @param {View} view */
function outputLedger(
  { layers, probabilities, label, weight },
  { classes, gradient, neuron, layer },
) {
  const deltas = layers[layer - 1].delta[gradient];
  const order = deltas
    .map((_, i) => i)
    .sort((one, other) => Math.abs(deltas[other]) - Math.abs(deltas[one]));
  const shown = order.slice(0, 10).sort((one, other) => one - other);
  const text = (/** @type {number} */ i) => [
    number(probabilityText(probabilities[i])),
    "−",
    number(i === label ? "1" : "0"),
  ];
  const entries = shown.map((i) => ({
    label: classes[i],
    text:
      weight === 1 ? inline(...text(i)) : inline(number(figure(weight)), "·", "(", ...text(i), ")"),
    value: deltas[i],
    look: i === neuron ? "chosen" : "",
  }));
  const all = shown.length === deltas.length;
  return [
    ledger(
      ["class", inline("p", "−", "t"), "", ""],
      entries,
      all ? [{ label: "", text: "sum (always)", value: "0" }] : [],
    ),
  ];
}

/** @param {Step} step @param {View} view */
function backwardLedger(step, view) {
  const { layer: at, neuron, gradient } = view;
  const layer = step.layers[at - 1];
  if (layer.isLast) return outputLedger(step, view);
  const above = step.layers[at];
  const weights = view.weights.get(at + 1) ?? null;
  if (!weights && above.gradient) return [];
  const cell = cellOfChannel(layer, neuron, gradient);
  const terms = backwardTerms(step, at, cell, gradient, weights);
  const channels = channelsOf(above);
  const nameOf = (/** @type {number} */ from) => outputName(above, view, from);
  const entries = termEntries(terms, nameOf, (from) => from % channels);
  const total = sum(terms.map(({ value }) => value));
  const head = above.isLast ? "class" : hasMaps(above) ? "cell" : "neuron";
  const isPool = above.spec.type === "max-pool";
  const result = layer.delta[gradient][cell];
  const label = inline(delta(String(at), String(neuron)));
  const results = layer.slope
    ? slopeResults(layer, cell, gradient, total, label)
    : [{ label, text: "sum", value: figure(result), isTotal: true }];
  return [
    ledger([head, isPool ? inline("δ") : inline("w", "·", "δ"), "", "so far"], entries, results),
  ];
}

/** The last rows of δ: the sum, the slope, and their product.
 * @param {StepLayer} layer @param {number} cell @param {import("./data.js").Kind} gradient
 * @param {number} total @param {Element} label */
function slopeResults(layer, cell, gradient, total, label) {
  const activation = ACTIVATIONS[layer.activation ?? ""];
  const isPublished = gradient === "published" && activation;
  const at = isPublished ? layer.a[cell] : layer.z[cell];
  const slope = isPublished ? activation.slope(at) : (layer.slope?.[cell] ?? 1);
  return [
    { label: "", text: "sum", value: figure(total), isTotal: true },
    {
      label: "",
      text: inline(symbolOf(layer.activation), "′", "(", number(figure(at)), ")"),
      value: figure(slope),
    },
    { label, text: product(total, slope), value: figure(layer.delta[gradient][cell]) },
  ];
}

/**
 * Build what is below the formula of a phase.
 * @param {Step} step
 * @param {View} view
 * @returns {Element[]}
 */
export function phaseLedger(step, view) {
  switch (view.phase.kind) {
    case "forward":
      return forwardLedger(step, view);
    case "softmax":
      return softmaxLedger(step, view);
    case "loss":
      return [h("div", { class: "formula" }, lossNumbers(step, view))];
    case "backward":
      return backwardLedger(step, view);
    case "gradients":
    case "update":
      return weightsLedger(step, view);
    default:
      return [];
  }
}

/** Name the chosen neuron, and say its values so far. @param {Step} step @param {View} view */
export function neuronText(step, view) {
  const { layer: at, neuron, gradient, phase, classes } = view;
  if (phase.kind === "input" || phase.kind === "loss") return { name: "", values: "" };
  const layer = step.layers[at - 1];
  const cell = cellOfChannel(layer, neuron, gradient);
  const noun = hasMaps(layer) ? "Map" : "Neuron";
  const place = hasMaps(layer) ? ` at ${outputName(layer, view, cell).split(": ")[1]}` : "";
  const name = layer.isLast
    ? `Class ${classes[neuron]}`
    : `${noun} ${neuron} of layer ${at}${place}`;
  const { seen } = columnsOf(view.phases, view.at, at, at);
  const values = [
    seen.z && `z ${figure(layer.z[cell])}`,
    seen.a && `${layer.isLast ? "p" : "a"} ${figure(layer.a[cell])}`,
    seen.delta && `δ ${figure(layer.delta[gradient][cell])}`,
  ];
  return { name, values: `: ${values.filter(Boolean).join(", ")}` };
}
