// @ts-check
// Points above and below the graph of a function of one variable: a network that tells them apart
// has learned the function. Needs no browser.

/** @typedef {import("./points.js").Point} Point */
/** @typedef {{ x: number[], function: number[], approximation: number[] }} Curve */

const COUNT = 300;
const GOLDEN = [0.7548776662466927, 0.5698402909980532]; // a sequence that fills the square evenly
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
    const [x, y] = GOLDEN.map((step) =>
      Number((2 * ((0.5 + step * (k + 1)) % 1) - 1).toFixed(DIGITS)),
    );
    return [x, y, y > valueFromLeft(curve, "function", x) ? 0 : 1];
  });

/**
 * Measure how well a boundary between the classes follows a function.
 * @param {Curve} curve
 * @param {(x: number, y: number) => boolean} isAbove
 * @param {number} side of the grid on which it is measured
 * @returns {number} share of the square that is on the wrong side
 */
export function wrongShare(curve, isAbove, side = 100) {
  let wrong = 0;
  for (let i = 0; i < side; i++) {
    const x = (2 * (i + 0.5)) / side - 1;
    const value = valueFromLeft(curve, "function", x);
    for (let j = 0; j < side; j++) {
      const y = (2 * (j + 0.5)) / side - 1;
      if (isAbove(x, y) !== y > value) wrong++;
    }
  }
  return wrong / side ** 2;
}

/**
 * Clip a curve to the square of the map, as a line.
 * @param {Curve} curve
 * @param {"function" | "approximation"} which
 * @returns {[number, number][]}
 */
export const graphOf = (curve, which) => curve.x.map((x, i) => [x, curve[which][i]]);
