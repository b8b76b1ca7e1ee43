// @ts-check
// A small network on the plane: what each neuron answers, from the parameters of a frame. Needs no
// browser.
import { ACTIVATIONS } from "../activations.js";

/** @typedef {"tanh" | "sigmoid" | "relu"} Activation */
/**
 * @typedef {object} Layer
 * @property {number} inputs
 * @property {number} outputs
 * @property {Float32Array} weights row by row: `inputs` weights for each output
 * @property {Float32Array} biases
 */
/** @typedef {{ layers: Layer[], activation: Activation }} Network */

/** Decode the parameters of a frame. @param {string} base64 little-endian float32 */
export function decodeParameters(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

/**
 * Make a network from all its parameters: layer by layer, of each the weights, then the biases.
 * @param {number[]} sizes number of inputs, and of the outputs of each layer
 * @param {Float32Array} parameters
 * @param {Activation} activation of the hidden layers
 * @returns {Network}
 */
export function networkOf(sizes, parameters, activation) {
  let at = 0;
  /** @param {number} length */
  const take = (length) => parameters.subarray(at, (at += length));
  const layers = sizes.slice(1).map((outputs, l) => {
    const inputs = sizes[l];
    return { inputs, outputs, weights: take(inputs * outputs), biases: take(outputs) };
  });
  if (at !== parameters.length) throw new RangeError("the parameters do not fit the layers");
  return { layers, activation };
}

/**
 * Compute the sums of a layer for many points.
 * @param {Layer} layer
 * @param {Float64Array[]} values of each input, at all points
 */
function sums({ inputs, outputs, weights, biases }, values) {
  const points = values[0].length;
  return Array.from({ length: outputs }, (_, i) => {
    const z = new Float64Array(points).fill(biases[i]);
    for (let j = 0; j < inputs; j++) {
      const weight = weights[i * inputs + j];
      const input = values[j];
      for (let k = 0; k < points; k++) z[k] += weight * input[k];
    }
    return z;
  });
}

/** Turn the logits of the classes into probabilities, in place. @param {Float64Array[]} logits */
function softmax(logits) {
  for (let k = 0; k < logits[0].length; k++) {
    let highest = -Infinity;
    let total = 0;
    for (const z of logits) highest = Math.max(highest, z[k]);
    for (const z of logits) total += z[k] = Math.exp(z[k] - highest);
    for (const z of logits) z[k] /= total;
  }
  return logits;
}

/**
 * Compute what each neuron answers at many points.
 * @param {Network} network
 * @param {Float64Array[]} inputs x and y of all points
 * @returns {Float64Array[][]} by column of the network and neuron: the inputs, the activations of
 *   each hidden layer, and the probabilities of the classes
 */
export function answers({ layers, activation }, inputs) {
  const { value } = ACTIVATIONS[activation];
  const columns = [inputs];
  layers.forEach((layer, l) => {
    const z = sums(layer, columns[l]);
    if (l === layers.length - 1) softmax(z);
    else for (const one of z) for (let k = 0; k < one.length; k++) one[k] = value(one[k]);
    columns.push(z);
  });
  return columns;
}

/** Compute the probabilities of the classes at one point. @param {Network} network */
export const probabilitiesAt = (network, /** @type {number} */ x, /** @type {number} */ y) =>
  (answers(network, [Float64Array.of(x), Float64Array.of(y)]).at(-1) ?? []).map(([p]) => p);

/**
 * Make a square grid of points, row by row from the top left: the centres of the pixels of a map.
 * @param {number} side pixels
 * @param {number} reach the map shows the square from −reach to reach
 */
export function gridPoints(side, reach) {
  const at = (/** @type {number} */ i) => reach * ((2 * (i + 0.5)) / side - 1);
  const xs = Float64Array.from({ length: side * side }, (_, k) => at(k % side));
  const ys = Float64Array.from({ length: side * side }, (_, k) => -at(Math.floor(k / side)));
  return [xs, ys];
}

/**
 * Find the most probable class at each point, and how sure the network is.
 * @param {Float64Array[]} probabilities of each class at all points
 * @returns {{ best: Uint8Array, sure: Float64Array }} sure: 0 if all classes are equally probable,
 *   1 if only one is possible
 */
export function decisions(probabilities) {
  const points = probabilities[0].length;
  const least = 1 / probabilities.length;
  const best = new Uint8Array(points);
  const sure = new Float64Array(points);
  for (let k = 0; k < points; k++) {
    let highest = 0;
    for (let c = 1; c < probabilities.length; c++) {
      if (probabilities[c][k] > probabilities[highest][k]) highest = c;
    }
    best[k] = highest;
    sure[k] = (probabilities[highest][k] - least) / (1 - least);
  }
  return { best, sure };
}

/**
 * Find the line on which the sum of a neuron in the first layer is 0, as far as the map goes.
 * @param {Layer} layer
 * @param {number} neuron
 * @param {number} reach
 * @returns {[number, number][] | null} two points; null if the neuron has no weights
 */
export function zeroLine({ weights, biases }, neuron, reach) {
  const [u, v, b] = [weights[2 * neuron], weights[2 * neuron + 1], biases[neuron]];
  if (!u && !v) return null;
  const ends = [-2 * reach, 2 * reach];
  return Math.abs(v) > Math.abs(u)
    ? ends.map((x) => [x, -(b + u * x) / v])
    : ends.map((y) => [-(b + v * y) / u, y]);
}

/** Make the rows of a CSV file: one for each neuron. @param {Network | null} network */
export const parameterRows = (network) =>
  (network?.layers ?? []).flatMap(({ inputs, outputs, weights, biases }, layer) =>
    Array.from({ length: outputs }, (_, neuron) => {
      const own = Array.from(weights.subarray(neuron * inputs, (neuron + 1) * inputs));
      const named = own.map((weight, j) => [`weight ${j}`, weight]);
      return { layer: layer + 1, neuron, bias: biases[neuron], ...Object.fromEntries(named) };
    }),
  );
