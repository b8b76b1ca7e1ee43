// @ts-check
// The sums of a step, term by term: z of a neuron, and the δ that comes back to it. Needs no
// browser.
import { linksFrom, linksInto, maximumOf } from "./links.js";
import { inputsOf } from "./data.js";
import { sum } from "../numbers.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").Weights} Weights */
/** @typedef {import("./data.js").Kind} Kind */

/**
 * @typedef {object} Term a product w · v
 * @property {number} from index of v in its layer
 * @property {number} weight 1 in a max-pool
 * @property {number} factor v
 * @property {number} value
 */

/** @param {number} from @param {number} weight @param {number} factor @returns {Term} */
const term = (from, weight, factor) => ({ from, weight, factor, value: weight * factor });

/**
 * List the terms w · a of z.
 * @param {Step} step
 * @param {number} number of the layer, from 1
 * @param {number} output
 * @param {Weights | null} weights null in a max-pool
 * @returns {Term[]}
 */
export function forwardTerms(step, number, output, weights) {
  const { spec } = step.layers[number - 1];
  const inputs = inputsOf(step, number);
  return linksInto(spec, output).map(({ input, weight }) =>
    term(input, weight == null || !weights ? 1 : weights.weight[weight], inputs[input]),
  );
}

/**
 * List the terms w · δ of what comes back to a neuron from the layer above it. As published, that
 * layer's weights have been updated before.
 * @param {Step} step
 * @param {number} number of the neuron's layer, from 1; it has a layer above it
 * @param {number} index of the neuron
 * @param {Kind} kind
 * @param {Weights | null} weights of the layer above, with the gradient of this kind
 * @returns {Term[]}
 */
export function backwardTerms(step, number, index, kind, weights) {
  const above = step.layers[number];
  const delta = above.delta[kind];
  const links = linksFrom(above.spec, index);
  if (above.spec.type === "max-pool") {
    const inputs = inputsOf(step, number + 1);
    return links
      .filter(({ output }) => maximumOf(above.spec, inputs, output) === index)
      .map(({ output }) => term(output, 1, delta[output]));
  }
  const early = kind === "published" ? step.learning_rate : 0;
  return links.map(({ output, weight }) => {
    const at = weight ?? 0;
    const used = weights ? weights.weight[at] - early * weights.gradient[at] : 0;
    return term(output, used, delta[output]);
  });
}

/**
 * Split terms into the largest ones, and the sums of the others above and below 0.
 * @param {Term[]} terms
 * @param {number} count
 */
export function largestTerms(terms, count) {
  const live = terms.filter(({ value }) => value);
  live.sort((one, other) => Math.abs(other.value) - Math.abs(one.value));
  const rest = live.slice(count);
  const group = (/** @type {(term: Term) => boolean} */ belongs) => {
    const values = rest.filter(belongs).map(({ value }) => value);
    return { count: values.length, value: sum(values) };
  };
  return {
    largest: live.slice(0, count),
    above: group(({ value }) => value > 0),
    below: group(({ value }) => value < 0),
  };
}

/**
 * Add up terms by the neuron or map that they come from.
 * @param {Term[]} terms
 * @param {number} channels of that layer
 */
export function byChannel(terms, channels) {
  /** @type {Map<number, number>} */
  const totals = new Map();
  for (const { from, value } of terms) {
    totals.set(from % channels, (totals.get(from % channels) ?? 0) + value);
  }
  return [...totals].map(([channel, value]) => ({ channel, value }));
}
