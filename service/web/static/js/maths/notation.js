// @ts-check
// Numbers of any magnitude as plain text, for sentences and axes. Needs no browser.
import { count, fixed } from "../numbers.js";

const TIMES = "\u00a0·\u00a0"; // the lines of a text do not break here
const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
export const [LEAST_PLAIN, MOST_PLAIN] = [1e-3, 1e6]; // other magnitudes get a power of ten

/** Write a power of ten: 10⁻³. @param {number} exponent */
export const tenTo = (exponent) =>
  `10${String(exponent)
    .replace("-", "⁻")
    .replace(/\d/g, (digit) => DIGITS[Number(digit)])}`;

/** Replace the hyphen before a number in a text by a minus sign. @param {string} text */
export const withMinus = (text) => text.replace(/-(?=\d|\.)/g, "−");

/**
 * Write a number that has been rounded, with commas or a power of ten where people need them.
 * @param {string} rounded such as 0.0120, 12300 or 1.2e-7
 */
export function plainNumber(rounded) {
  const x = Number(rounded);
  const size = Math.abs(x);
  if (x === 0) return "0";
  if (size < LEAST_PLAIN || size >= MOST_PLAIN) {
    const zeros = rounded.includes(".") ? /^0+/ : /^0+|0+$/g;
    const digits = rounded.replace(/e.*|-/g, "").replace(".", "").replace(zeros, "").length;
    const [mantissa, exponent] = x.toExponential(Math.max(0, digits - 1)).split("e");
    return withMinus(`${mantissa}${TIMES}${tenTo(Number(exponent))}`);
  }
  return withMinus(size >= 1000 ? count(x) : rounded.includes("e") ? String(x) : rounded);
}

const MOST_DIGITS = 6; // smaller differences may be rounding errors

/**
 * Write numbers with the same number of digits: one, or as many as tell them apart.
 * @param {number[]} values
 */
export function distinct(values) {
  for (let digits = 1; digits <= MOST_DIGITS; digits++) {
    const texts = values.map((value) => fixed(value, digits));
    if (new Set(texts).size === values.length) return texts;
  }
  return values.map((value) => fixed(value, 1));
}

/** Write the label of a tick: a round number. @param {number} x */
export function tickText(x) {
  const text = plainNumber(String(Number(x.toPrecision(1))));
  return text.replace(`1${TIMES}`, "");
}
