// @ts-check
// How fast the error of equal boxes falls, in words. Needs no browser.
import { count } from "../numbers.js";
import { atMost, largestError } from "./box-sums.js";

/** @typedef {import("./box-sums.js").Errors} Errors */
/** @typedef {{ order: number | null, slope: number | null, table: Errors[] }} Rate */

const FITTED_FROM = 16; // boxes: the API fits the order to the errors from here on
const JUMP =
  "No finite slope L is known, so there is no bound LB/n: the function has a jump or a vertical " +
  "tangent, or is too complicated. A jump inside a box causes an error of at least half the " +
  "jump, however many boxes there are.";

/**
 * Say what bounds the error of equal boxes.
 * @param {Rate} rate
 * @param {number} bound B
 * @param {number} boxes n
 */
function limitText({ slope, table }, bound, boxes) {
  if (slope === 0) return "The function is constant, so one box has no error.";
  if (slope != null) {
    const limit = atMost((slope * bound) / boxes);
    return (
      `The error is at most LB/n, which is ${limit} here, with L = ${atMost(slope)}. Ten times ` +
      "as many boxes give a tenth of this bound."
    );
  }
  if (table.every((row) => row.max_error != null)) return JUMP;
  return (
    "No upper bound of the error is known, so the plot shows the largest error found at many " +
    "points. The function may be unbounded, as tan(x) is near π/2. Then the error is infinite " +
    "for every number of boxes."
  );
}

/**
 * Say how the error fell from 16 boxes to the most boxes of the table.
 * @param {Rate} rate
 */
function fallText({ order, slope, table }) {
  const [few, many] = [table.find((row) => row.boxes >= FITTED_FROM), table[table.length - 1]];
  if (!few || !many || slope === 0 || [few, many].some((row) => row.max_error == null)) return "";
  const text =
    ` For ${count(few.boxes)} boxes of equal width, the largest error is ${largestError(few)}. ` +
    `For ${count(many.boxes)} boxes, it is ${largestError(many)}.`;
  if (order == null || order < 0.005) return text;
  const factor = (2 ** order).toFixed(2);
  return `${text} On average, doubling the number of boxes divides it by ${factor}.`;
}

/**
 * Describe how the error depends on the number of boxes.
 * @param {Rate} rate
 * @param {number} bound B
 * @param {number} boxes n
 */
export function rateText(rate, bound, boxes) {
  const zeros =
    rate.slope !== 0 && rate.table.some((row) => row.sampled_error === 0 || row.free_error === 0);
  const left = zeros ? " A log scale cannot show errors of 0, so these points are left out." : "";
  return limitText(rate, bound, boxes) + fallText(rate) + left;
}
