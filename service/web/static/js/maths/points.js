// @ts-check
// The points of the regression, as text in the address and as a request. Needs no browser.
import { clamp } from "../numbers.js";

/** @typedef {[x: number, y: number]} Point */

const MOST_POINTS = 10;
export const [MAX_X, MAX_Y] = [10, 8]; // of the plot

/** @type {Point[]} */
const NEAR_A_LINE = [
  [0.6, 1.5],
  [1.4, 1.7],
  [2.3, 2.6],
  [3.1, 2.7],
  [4, 3.6],
  [4.8, 3.7],
  [5.7, 4.6],
  [6.5, 4.9],
  [7.4, 5.5],
];

/** Index of the outlier. A list that ends before this index has no outlier. */
export const OUTLIER = NEAR_A_LINE.length;

/** Make the outlier that the page shows at first. @returns {Point} */
export const newOutlier = () => [9, 0.8];

/** Make the points that the page shows at first. @returns {Point[]} */
export const defaultPoints = () => [...NEAR_A_LINE.map(([x, y]) => point(x, y)), newOutlier()];

/** @param {number} x @param {number} y @returns {Point} */
const point = (x, y) => [x, y];

/** @param {number[]} pair */
const isInside = ([x, y]) => x >= 0 && x <= MAX_X && y >= 0 && y <= MAX_Y;

/**
 * Read points such as "0.6,1.5;1.4,1.7"; null if they are not 2 to 10 pairs inside the plot.
 * @param {string | null} text
 */
export function parsePoints(text) {
  const points = (text ?? "").split(";").map((pair) => pair.split(",").map(Number));
  const valid =
    points.length >= 2 &&
    points.length <= MOST_POINTS &&
    points.every((pair) => pair.length === 2 && isInside(pair));
  return valid ? /** @type {Point[]} */ (points) : null;
}

/** Write points as `parsePoints` reads them. @param {Point[]} points */
export const pointsText = (points) => points.map((pair) => pair.join(",")).join(";");

/** Move a position into the plot and onto a grid of 0.05. @param {number} x @param {number} y */
export function snap(x, y) {
  /** @param {number} value @param {number} high */
  const onGrid = (value, high) => clamp(Math.round(value * 20) / 20, 0, high);
  return point(onGrid(x, MAX_X), onGrid(y, MAX_Y));
}

/** Build the request that fits a line to points. @param {Point[]} points */
export const regressionRequest = (points) => ({
  X: points.map(([x]) => [1, x]),
  y: points.map(([, y]) => y),
  loss: "l1",
});
