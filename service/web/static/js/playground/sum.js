// @ts-check
// The sum of a neuron in figures, as MathML.
import { factorText } from "./words.js";

/** @typedef {import("./web.js").Neuron} Neuron */
/** @typedef {Node | string} Child */

const MATHML = "http://www.w3.org/1998/Math/MathML";
const MOST_TERMS = 4;

/** @param {string} tag @param {...Child} children */
function m(tag, ...children) {
  const element = document.createElementNS(MATHML, tag);
  element.append(...children);
  return element;
}

/** @param {string} text */
const operator = (text) => m("mo", text);
/** @param {string} name @param {number} layer @param {number} row */
const indexed = (name, layer, row) =>
  m("msubsup", m("mi", name), m("mn", String(row)), m("mn", String(layer)));

/** Name an input of a layer. @param {number} layer @param {number} row */
const inputOf = (layer, row) => (layer === 1 ? m("mi", "xy"[row]) : indexed("a", layer - 1, row));

/**
 * Write the sum of a neuron: its largest terms, how many others there are, and its bias.
 * @param {import("./network.js").Network} network
 * @param {Neuron} neuron of a layer, not an input
 */
export function neuronSum({ layers, activation }, { column, row }) {
  const { inputs, weights, biases } = layers[column - 1];
  const terms = Array.from({ length: inputs }, (_, j) => ({
    j,
    weight: weights[row * inputs + j],
  }));
  terms.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const rest = terms.length - MOST_TERMS;
  const signed = (/** @type {number} */ value, /** @type {boolean} */ isFirst) =>
    value < 0 ? [operator("−")] : isFirst ? [] : [operator("+")];
  const written = terms
    .slice(0, MOST_TERMS)
    .flatMap(({ j, weight }, place) => [
      ...signed(weight, place === 0),
      m("mn", factorText(weight)),
      inputOf(column, j),
    ]);
  const others = rest > 0 ? [operator("+"), m("mtext", `${rest} more`)] : [];
  const bias = [...signed(biases[row], false), m("mn", factorText(biases[row]))];
  const sum = [...written, ...others, ...bias];
  const isLast = column === layers.length;
  const left = indexed(isLast ? "z" : "a", column, row);
  const right = isLast ? sum : [m("mi", activation), operator("("), ...sum, operator(")")];
  return m("math", m("mrow", left, operator("="), ...right));
}
