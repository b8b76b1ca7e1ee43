// @ts-check
// Points above and below the graph of a function of one variable: a network that tells them apart
// has learned the function. Needs no browser.

/** @typedef {import("./points.js").Point} Point */
/** @typedef {{ x: number[], function: number[], approximation: number[] }} Curve */

const COUNT = 300;
// 1/ρ and 1/ρ² of the plastic number ρ: the R₂ sequence, which fills the square evenly.
const STEPS = [0.7548776662466927, 0.5698402909980532];
const DIGITS = 3;

/**
 * Find a function's value by its sampled curve: that of the nearest x on the left.
 * @param {Curve} curve
 * @param {"function" | "approximation"} which
 * @param {number} x
 */
export function valueFromLeft({ x: xs, ...values }, which, x) {
  let [low, high] = [0, xs.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (xs[middle] <= x) low = middle;
    else high = middle - 1;
  }
  return values[which][low];
}

/**
 * Spread points over the square from −1 to 1: class 0 lies above the function, class 1 below.
 * @param {Curve} curve over −1 to 1
 * @returns {Point[]}
 */
export const pointsAround = (curve) =>
  Array.from({ length: COUNT }, (_, k) => {
    const [x, y] = STEPS.map((step) =>
      Number((2 * ((0.5 + step * (k + 1)) % 1) - 1).toFixed(DIGITS)),
    );
    return [x, y, y > valueFromLeft(curve, "function", x) ? 0 : 1];
  });

/**
 * Measure the share of points that are on the wrong side of a function.
 * @param {Curve} curve
 * @param {Float64Array[]} points their x, and their y
 * @param {Uint8Array} labels the class of each point: 0 should be above the function, 1 below
 */
export function wrongShare(curve, [xs, ys], labels) {
  const wrong = labels.filter(
    (label, k) => (label === 0) !== ys[k] > valueFromLeft(curve, "function", xs[k]),
  );
  return wrong.length / labels.length;
}

/** Make the points of a function's graph. @param {Curve} curve @returns {[number, number][]} */
export const graphOf = (curve) => curve.x.map((x, i) => [x, curve.function[i]]);
