// @ts-check
// The axis of a function's values, of any magnitude: its ticks are short and distinct, and its
// title names a common factor or a number that has been subtracted. Needs no browser.
import { count } from "../numbers.js";
import { plainNumber, tenTo } from "./notation.js";

const LEAST_SPREAD = 0.01; // of the magnitude; below it, the axis shows distances from a number
const [LEAST_EXPONENT, MOST_EXPONENT] = [-2, 4]; // of values that need no common factor
const MOST_WRITTEN_OUT = 1e12;
const USUAL = 0.9; // share of the values of an unbounded function that its plot has room for
const ROOM = 2; // a cut plot ends at this multiple of them
const FAR = 10; // a plot is cut if a value is this many times as large as the usual ones

/**
 * @typedef {object} ValueAxis
 * @property {(value: number) => number} scaled the position of a value on the axis
 * @property {string} suffix of the title: what the numbers on the axis are
 */

/**
 * Choose an axis for values.
 * @param {number[]} values
 * @returns {ValueAxis}
 */
export function valueAxis(values) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const spread = high - low;
  const isFlat = spread > 0 && spread < LEAST_SPREAD * Math.max(Math.abs(low), Math.abs(high));
  const offset = isFlat ? roundNear(low, high) : 0;
  const size = Math.max(Math.abs(low - offset), Math.abs(high - offset));
  const exponent = size ? Math.floor(Math.log10(size)) : 0;
  const factor = exponent < LEAST_EXPONENT || exponent > MOST_EXPONENT ? exponent : 0;
  const unit = Number(`1e${factor}`);
  const minus = offset > 0 ? "−" : "+";
  const shift = offset ? ` ${minus} ${exactText(Math.abs(offset))}` : "";
  const units = factor ? `, in units of ${tenTo(factor)}` : "";
  return { scaled: (value) => (value - offset) / unit, suffix: shift + units };
}

/** Write all digits of a positive number. @param {number} x */
const exactText = (x) =>
  Number.isSafeInteger(x) && x < MOST_WRITTEN_OUT ? count(x) : plainNumber(String(x));

/** Find a round number in or near a narrow range. @param {number} low @param {number} high */
function roundNear(low, high) {
  const unit = 10 ** Math.ceil(Math.log10(high - low));
  return Number((Math.round((low + high) / 2 / unit) * unit).toPrecision(15));
}

/**
 * Choose an axis for the values of a function. If it may be unbounded, a few values could hide all
 * others. Then the plot is cut, from −cut to cut.
 * @param {number[]} values
 * @param {boolean} bounded whether the function is known to be bounded
 * @returns {{ cut: number | null, axis: ValueAxis }}
 */
export function cutAxis(values, bounded) {
  const sizes = values.map(Math.abs).sort((a, b) => a - b);
  const usual = sizes[Math.floor(USUAL * (sizes.length - 1))];
  const cut = !bounded && usual && sizes[sizes.length - 1] > FAR * usual ? ROOM * usual : null;
  return { cut, axis: valueAxis(cut ? [-cut, cut] : values) };
}
