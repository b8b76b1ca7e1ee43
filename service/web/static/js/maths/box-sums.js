// @ts-check
// Sums of boxes as a network computes them. Needs no browser.
import { count, fixed } from "../numbers.js";

/**
 * @typedef {object} BoxNetwork a network of step neurons
 * @property {number[]} weights
 * @property {number[]} biases
 * @property {number[]} output_weights
 * @property {number} output_bias
 */

/**
 * List the boxes of a network between −bound and bound. At the step of a hidden neuron, the output
 * changes by the neuron's output weight.
 * @param {BoxNetwork} network
 * @param {number} bound
 */
export function boxesOf({ weights, biases, output_weights, output_bias }, bound) {
  const edges = biases.map((bias, k) => -bias / weights[k]);
  let y = output_bias;
  const boxes = edges.map((x1, k) => {
    y += output_weights[k];
    return { x1, x2: edges[k + 1] ?? bound, y };
  });
  return boxes.filter((box) => box.x2 > box.x1 && box.x1 < bound);
}

/** List the powers of ten between two values. @param {number} low @param {number} high */
export const powersOfTen = (low, high) =>
  Array.from({ length: 30 }, (_, i) => 10 ** (i - 15)).filter((x) => x >= low && x <= high);

/** Write the label of a tick on a logarithmic axis. @param {number} x */
export const tickText = (x) => (x < 1e-4 ? x.toExponential(0) : String(Number(x.toPrecision(1))));

/**
 * Order the values on a grid like the pixels of an image: row by row, the largest y first.
 * @param {number[][]} values values[i][j] at the i-th x and the j-th y
 */
export const imageRows = (values) =>
  values[0].flatMap((_, j) => values.map((column) => column[column.length - 1 - j]));

/**
 * Describe an approximation by boxes. The text continues "64 boxes: 65 neurons".
 * @param {{ neurons_two_per_box: number, max_error: number, mean_square_error: number,
 *   rate: { order: number | null } }} answer
 */
export function errorText({ neurons_two_per_box, max_error, mean_square_error, rate }) {
  const largest = fixed(max_error, max_error < 0.1 ? 3 : 2);
  const mean = fixed(Math.sqrt(mean_square_error), 3);
  const order = rate.order == null ? "" : fixed(-rate.order, 2);
  return (
    ` if neighboring boxes share an edge, ${count(neurons_two_per_box)} otherwise. ` +
    `Maximum error ${largest}, root mean square error ${mean}.` +
    (order && ` The error is proportional to n to the power of ${order}.`)
  );
}
