// @ts-check
// The sum of a neuron in figures, as MathML.
import { a, inline, number, words, z } from "../mathml.js";
import { figure } from "../steps/ledger.js";

/** @typedef {import("./web.js").Neuron} Neuron */

const MOST_TERMS = 4;

/**
 * Write the sum of a neuron: its largest terms, how many others there are, and its bias.
 * @param {import("./network.js").Network} network
 * @param {Neuron} neuron of a layer, not an input
 */
export function neuronSum({ layers, activation }, { column, row }) {
  const { inputs, weights, biases } = layers[column - 1];
  const terms = Array.from({ length: inputs }, (_, j) => ({
    input: column === 1 ? "xy"[j] : a(String(column - 1), String(j)),
    weight: weights[row * inputs + j],
  }));
  terms.sort((one, other) => Math.abs(other.weight) - Math.abs(one.weight));
  const signed = (/** @type {number} */ value, /** @type {boolean} */ isFirst) => {
    const sign = value < 0 ? ["−"] : isFirst ? [] : ["+"];
    return [...sign, number(figure(Math.abs(value)))];
  };
  const written = terms
    .slice(0, MOST_TERMS)
    .flatMap(({ input, weight }, place) => [...signed(weight, place === 0), input]);
  const rest = terms.length - MOST_TERMS;
  const others = rest > 0 ? ["+", words(`${rest} more`)] : [];
  const sum = [...written, ...others, ...signed(biases[row], false)];
  const [layer, neuron] = [String(column), String(row)];
  return column === layers.length
    ? inline(z(layer, neuron), "=", ...sum)
    : inline(a(layer, neuron), "=", activation, "(", ...sum, ")");
}
