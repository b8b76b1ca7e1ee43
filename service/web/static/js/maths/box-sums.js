// @ts-check
// Sums of boxes as a network computes them. Needs no browser.
import { count } from "../numbers.js";
import { fromColumns } from "../save/csv.js";
import { plainNumber } from "./notation.js";

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

/**
 * Order the values on a grid like the pixels of an image: row by row, the largest y first.
 * @param {number[][]} values values[i][j] at the i-th x and the j-th y
 */
export const imageRows = (values) =>
  values[0].flatMap((_, j) => values.map((column) => column[column.length - 1 - j]));

const DIGITS = 3; // significant digits of an error

/** Write a number with three significant digits. @param {number} x */
export const shortNumber = (x) => plainNumber(x.toPrecision(DIGITS));

/** Write an upper bound. The rounded number is a bound too. @param {number} x */
export const atMost = (x) => plainNumber(rounded(x, (shown) => shown >= x, 1));

/** Write a lower bound. The rounded number is a bound too. @param {number} x */
export const atLeast = (x) => plainNumber(rounded(x, (shown) => shown <= x, -1));

/** @param {number} x @param {(shown: number) => boolean} isBound @param {1 | -1} sign */
function rounded(x, isBound, sign) {
  const nearest = x.toPrecision(DIGITS);
  if (isBound(Number(nearest))) return nearest;
  const unit = 10 ** (Math.floor(Math.log10(x)) + 1 - DIGITS);
  return (Number(nearest) + sign * unit).toPrecision(DIGITS);
}

/**
 * Make the rows of a CSV file of the function and its approximation.
 * @param {{ x: number[], function: number[], approximation: number[] }} [curve] curve
 */
export const curveRows = (curve) =>
  curve
    ? fromColumns({
        x: curve.x,
        "f(x)": curve.function,
        "sum of boxes": curve.approximation,
      })
    : [];

/**
 * Interpolate a curve between its points.
 * @param {{ x: number[], function: number[] }} curve x ascending
 * @param {number} at
 */
export function valueAt({ x, function: y }, at) {
  const right = x.findIndex((one) => one > at);
  if (right < 1) return y[right === 0 ? 0 : y.length - 1];
  const fraction = (at - x[right - 1]) / (x[right] - x[right - 1]);
  return y[right - 1] + fraction * (y[right] - y[right - 1]);
}

/**
 * @typedef {object} MaximumError
 * @property {number | null} max_error an upper bound, if it is proven
 * @property {boolean} max_error_proven
 * @property {number} sampled_error
 */

/**
 * @typedef {object} Errors
 * @property {number} boxes
 * @property {number | null} max_error
 * @property {number} sampled_error
 * @property {number | null} free_error
 * @property {number | null} trained_error
 */

/**
 * @typedef {object} Minimality a proof that fewer boxes are not enough for an error
 * @property {number} error
 * @property {[a: number, b: number][]} pairs of points whose values differ by more than 2 · error
 */

/**
 * Choose the curves of the error plot. Errors of 0 are left out, because the axis is logarithmic.
 * @param {Errors[]} table
 * @param {boolean} free compare equal widths, trained neurons and free widths, where all are known
 */
export function errorCurves(table, free) {
  /** @param {string} name @param {(row: Errors) => number | null} error */
  const curve = (name, error) => ({
    name,
    rows: table
      .filter((row) => !free || (row.free_error != null && row.trained_error != null))
      .map((row) => ({ boxes: row.boxes, error: error(row) ?? 0 }))
      .filter((row) => row.error > 0),
  });
  /** @param {Errors} row */
  const equal = ({ max_error, sampled_error }) => max_error ?? sampled_error;
  return free
    ? [
        curve("equal", equal),
        curve("trained", (row) => row.trained_error),
        curve("free", (row) => row.free_error),
      ]
    : [curve(table.some((row) => row.max_error == null) ? "found" : "error", equal)];
}

/**
 * Write the largest error: between the largest error found and an upper bound, if there is one.
 * @param {{ max_error: number | null, sampled_error: number }} errors
 */
export function largestError({ max_error, sampled_error }) {
  if (max_error == null) return `at least ${atLeast(sampled_error)}`;
  const [found, most] = [sampled_error, max_error].map(shortNumber);
  return found === most ? most : `at most ${atMost(max_error)}`;
}

/** Write the largest error, and whether it is proven. @param {MaximumError} answer */
export const maximumError = (answer) =>
  answer.max_error_proven && answer.max_error != null
    ? `${largestError(answer)} (proven)`
    : `${largestError({ ...answer, max_error: null })} (no upper bound is proven)`;

const LEAST_SQUARED = 1e-150; // squares of much smaller errors underflow to 0

/**
 * Write the root of the mean square error, which is computed from errors at points. The integral of
 * the squares may be infinite if there is no upper bound of the error. If the mean is 0, the RMS
 * error is known to be at most the largest one, and no more.
 * @param {MaximumError & { mean_square_error: number }} answer
 */
function rmsText({ max_error, sampled_error, mean_square_error }) {
  if (!mean_square_error && max_error !== 0) {
    if (max_error != null && max_error < LEAST_SQUARED) return `at most ${atMost(max_error)}`;
    const where = sampled_error ? ": errors were found only at single points, such as a jump" : "";
    return `computed as 0, which is not proven${where}`;
  }
  const words = max_error == null ? " (an estimate; it may be infinite)" : "";
  return shortNumber(Math.sqrt(mean_square_error)) + words;
}

/**
 * Describe an approximation by boxes. The text continues "64 boxes: 65 neurons".
 * @param {MaximumError & { neurons_two_per_box: number, mean_square_error: number }} answer
 */
export const errorText = (answer) =>
  ` if neighbors share edges, otherwise ${count(answer.neurons_two_per_box)}. Largest error ` +
  `${maximumError(answer)}, RMS error ${rmsText(answer)}.`;

/**
 * Compare boxes of free widths with as many others.
 * @param {Errors} row
 */
export function comparisonText({ boxes, max_error, sampled_error, trained_error }) {
  const equal = largestError({ max_error, sampled_error });
  const neurons = boxes === 1 ? "one trained step neuron" : `${count(boxes)} trained step neurons`;
  return (
    ` With equal widths, the largest error is ${equal}` +
    (trained_error == null ? "." : `, and with ${neurons} at most ${atMost(trained_error)}.`)
  );
}

/**
 * Say what the pairs of points prove.
 * @param {Minimality} minimality
 * @param {boolean} drawn whether the plot shows the pairs
 */
export function proofText({ error, pairs }, drawn) {
  const n = count(pairs.length);
  const boxes = pairs.length === 1 ? "No single box has" : `No ${n} boxes of any widths have`;
  const points = pairs.length === 1 ? "a pair of points" : `${n} pairs of points`;
  const each = pairs.length === 1 ? "the pair" : "each pair";
  return pairs.length === 0
    ? ""
    : `${boxes} an error of at most ${atLeast(error)}. The proof is ${points}` +
        `${drawn ? ", marked in the plot" : ""}: within ${each}, the values differ by more than ` +
        "twice this error, so an edge has to lie between the points.";
}

/** Say that the plot of an unbounded function is cut. @param {number[]} values of the function */
export function cutText(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map(shortNumber);
  return ` The plot is cut. The values that were computed reach from ${low} to ${high}.`;
}

/**
 * Say what a figure that could not be updated still shows.
 * @param {{ function: string, boxes: number }} answer
 * @param {string} kind of boxes
 */
export function oldText({ function: name, boxes }, kind) {
  const some = boxes === 1 ? "1 box" : `${count(boxes)} boxes`;
  return `Not updated: still for ${name}, with ${some} ${kind}.`;
}
