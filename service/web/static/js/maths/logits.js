// @ts-check
// Logits as text, and bars that show that the rows of a Jacobian sum to 0. Needs no browser.
import { largestMagnitude, sum } from "../numbers.js";

const MOST_LOGITS = 30; // on this page; the API allows 1,000

/**
 * Read logits such as "2,1,-0.5"; null if they are not 2 to 30 numbers.
 * @param {string | null} text
 */
export function parseLogits(text) {
  if (!text) return null;
  const logits = text.split(",").map((number) => (number.trim() ? Number(number) : NaN));
  const valid = logits.length > 1 && logits.length <= MOST_LOGITS && logits.every(Number.isFinite);
  return valid ? logits : null;
}

/**
 * Read the index of the true class, such as "3"; null if it is not the index of a logit.
 * @param {string | null} text
 * @param {number} classes
 */
export function parseTarget(text, classes) {
  const target = text ? Number(text) : NaN;
  return Number.isInteger(target) && target >= 0 && target < classes ? target : null;
}

/**
 * Compute the bars of a row of the Jacobian. The diagonal entry is to the right of the middle. The
 * other entries are negative, and lie one after another to the left. Both sides are equally long
 * because the row sums to 0.
 * @param {number[]} row
 * @param {number} i index of the diagonal entry
 * @param {number} widest the largest diagonal entry of all rows
 * @param {number} width of the drawing
 */
export function balanceBars(row, i, widest, width) {
  const middle = width / 2;
  const scale = (middle - 2) / widest;
  const others = row.filter((value, j) => j !== i && value !== 0).map((value) => -value * scale);
  const left = others.map((length, k) => ({
    x: middle - sum(others.slice(0, k + 1)),
    width: Math.max(0, length - 0.75), // a gap between the bars
  }));
  return { left, right: { x: middle, width: row[i] * scale } };
}

const LEAST_PLAIN = 0.05; // smaller derivatives would all be written as 0.0…
const LARGEST = 0.25; // a softmax derivative is y·(1 − y) at most

/**
 * Choose the unit in which derivatives are written, a power of ten, and the one that has the
 * strongest color.
 * @param {number[]} derivatives
 */
export function derivativeUnit(derivatives) {
  const most = largestMagnitude(derivatives);
  if (!most || most >= LEAST_PLAIN) return { exponent: 0, most: LARGEST };
  return { exponent: Math.floor(Math.log10(most)), most };
}
