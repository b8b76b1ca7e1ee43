// @ts-check
// The proof of a regression in words. Needs no browser.
import { fixed } from "../numbers.js";

/** @typedef {[low: number | null, high: number | null]} Range */

/**
 * @typedef {object} Solution
 * @property {boolean} unique
 * @property {Range[] | null} ranges of the intercept and of the slope, if the line is not unique
 * @property {{ optimal: boolean }} certificate
 */

/** Say what is proven about the L1 line. @param {Solution} solution */
export function lineProofText({ unique, ranges, certificate }) {
  if (!certificate.optimal) return "";
  const proven = "Proven in exact fractions: no line has a smaller L1 loss";
  if (unique) return `${proven}, and no other line has the same.`;
  const [intercept, slope] = (ranges ?? []).map(rangeText);
  const others = `the intercept can be ${intercept}, the slope ${slope}`;
  return `${proven}. Other lines have the same: ${others}.`;
}

/** @param {Range} range */
function rangeText([low, high]) {
  if (low === null || high === null) return "any number";
  return low === high ? fixed(low) : `from ${fixed(low)} to ${fixed(high)}`;
}
