// @ts-check
// Numbers: how pages write them, and small calculations. Needs no browser.

/** Replace the hyphen of a negative number by a minus sign. @param {string} text */
const withMinus = (text) => text.replace("-", "−");

/** Write a number with a fixed number of digits, and never as −0. @param {number} x */
export const fixed = (x, digits = 2) =>
  withMinus((Math.abs(x) < 0.5 * 10 ** -digits ? 0 : x).toFixed(digits));

/** Write a fraction as a percentage. @param {number} fraction */
export const percent = (fraction, digits = 1) => `${(100 * fraction).toFixed(digits)}\u202f%`;

/**
 * Write a probability in percent, and never as 0 or 100 % if it is not.
 * @param {number} p
 * @param {number} digits
 */
export function shareText(p, digits) {
  const least = 0.5 * 10 ** -(digits + 2);
  if (p > 0 && p < least) return `<${percent(10 ** -(digits + 2), digits)}`;
  if (p < 1 && p > 1 - least) return `>${percent(1 - 10 ** -(digits + 2), digits)}`;
  return percent(p, digits);
}

/** Write an integer with commas between thousands. @param {number} n */
export const count = (n) => n.toLocaleString("en");

/**
 * Write a training speed; above 1000, rounded to hundreds.
 * @param {number} rate samples per second
 * @param {string} [unit] what the samples are
 */
export const speed = (rate, unit = "images") =>
  `${count(rate < 1000 ? Math.round(rate) : Math.round(rate / 100) * 100)} ${unit}/s`;

/**
 * Split a number that is not 0 into one digit and a power of ten, for example 2 · 10⁻¹⁶.
 * @param {number} x
 */
export function powerOfTen(x) {
  const [digit, exponent] = x.toExponential(0).split("e");
  return { digit, exponent: withMinus(String(Number(exponent))) };
}

/**
 * Move a number into a range.
 * @param {number} x
 * @param {number} low
 * @param {number} high
 */
export const clamp = (x, low, high) => Math.max(low, Math.min(high, x));

/** Sum a list of numbers. @param {number[]} values */
export const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Find the index of the largest value. @param {number[]} values */
export const indexOfLargest = (values) =>
  values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

/** Find the largest absolute value. @param {number[]} values */
export const largestMagnitude = (values) =>
  values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
