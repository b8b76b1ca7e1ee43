// @ts-check
// What the reader looks at: the step, the phase, the neuron. Needs no browser.
import { indexOfLargest } from "../numbers.js";
import { blame, channelsOf } from "./layout.js";
import { phasesOf } from "./phases.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").Kind} Kind */
/** @typedef {import("./data.js").Weights} Weights */
/** @typedef {import("./phases.js").Phase} Phase */

/**
 * @typedef {object} Choices in the address of the page
 * @property {number} step
 * @property {number} sample position in the batch
 * @property {string} phase
 * @property {Kind} gradient
 * @property {number} layer from 1
 * @property {Record<number, number>} neurons that the reader chose, by layer
 */

/**
 * @typedef {object} View
 * @property {Phase[]} phases
 * @property {Phase} phase
 * @property {number} at index of the phase
 * @property {number} layer
 * @property {number} neuron or map
 * @property {Kind} gradient
 * @property {string[]} classes
 * @property {import("../types.d.ts").Dataset} dataset
 * @property {Map<number, Weights>} weights of the layers that are loaded
 */

/**
 * Read the choices in an address. What it does not have, or has wrongly, is chosen as usual.
 * @param {URLSearchParams} query
 * @param {{ layers: number, batchSize: number, trainedWith: string, hasPublished: boolean }} model
 * @returns {Choices}
 */
export function readChoices(query, { layers, batchSize, trainedWith, hasPublished }) {
  const whole = (/** @type {string} */ name, /** @type {number} */ least, most = Infinity) => {
    const text = query.get(name) ?? "";
    const value = Number(text);
    return /^\d{1,9}$/.test(text) && value >= least && value <= most ? value : null;
  };
  const layer = whole("layer", 1, layers);
  const neuron = layer == null ? null : whole("neuron", 0);
  const phase = query.get("phase") ?? "";
  const asked = query.get("gradient") ?? trainedWith;
  return {
    step: whole("step", 1) ?? 1,
    sample: whole("sample", 0, batchSize - 1) ?? 0,
    phase: phasesOf(layers).some(({ key }) => key === phase) ? phase : "input",
    gradient: hasPublished && asked === "published" ? "published" : "exact",
    layer: layer ?? 1,
    neurons: layer != null && neuron != null ? { [layer]: neuron } : {},
  };
}

/**
 * Choose the neuron to look at: the reader's, or in the last layer the label, or the one with the
 * largest |δ|.
 * @param {Step} step
 * @param {number} layer
 * @param {Record<number, number>} neurons
 */
export function neuronOf(step, layer, neurons) {
  const one = step.layers[layer - 1];
  const chosen = neurons[layer];
  if (chosen != null && chosen < channelsOf(one)) return chosen;
  return one.isLast ? step.label : indexOfLargest(blame(one, "exact"));
}

/**
 * List the layers whose weights a phase shows: those of its layer, and those that the error passes
 * through. Max-pools have none.
 * @param {Step} step
 * @param {Phase} phase
 * @param {number} layer
 */
export function neededWeights({ layers }, { kind }, layer) {
  const needed = kind === "backward" ? [layer, layer + 1] : [layer];
  return needed.filter((number) => layers[number - 1] && layers[number - 1].gradient);
}
