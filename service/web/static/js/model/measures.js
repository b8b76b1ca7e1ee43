// @ts-check
// Measures of a model's quality, in percent. Needs no browser.
import { sum } from "../numbers.js";

/** @typedef {import("../types.d.ts").Evaluation} Evaluation */

/** @param {number | null} share */
const inPercent = (share) => (share == null ? null : 100 * share);

/**
 * List recall and precision of each class, the best class first. A measure is null where it is not
 * defined: the precision of a class that is never predicted.
 * @param {string[]} classes
 * @param {Pick<Evaluation, "recall" | "precision">} evaluation
 */
export const classQuality = (classes, { recall, precision }) =>
  classes
    .map((name, i) => ({
      name,
      recall: inPercent(recall[i]),
      precision: inPercent(precision[i]),
    }))
    .sort(
      (a, b) => Number(b.recall) + Number(b.precision) - Number(a.recall) - Number(a.precision),
    );

/**
 * Find the lowest value of an axis for recall and precision.
 * @param {ReturnType<typeof classQuality>} rows
 */
export function qualityAxisStart(rows) {
  const defined = rows.flatMap((row) => [row.recall, row.precision]).filter((x) => x != null);
  const lowest = Math.min(...defined);
  return Math.max(0, 10 * Math.floor((lowest - 2) / 10));
}

/**
 * Compare confidence with accuracy in the bins that are not empty. A model is overconfident if most
 * predictions are in bins whose confidence is above their accuracy.
 * @param {Evaluation["bins"]} all
 */
export function calibration(all) {
  const bins = all
    .filter((bin) => bin.count)
    .map((bin) => ({
      count: bin.count,
      confidence: 100 * bin.confidence,
      accuracy: 100 * bin.accuracy,
    }));
  const total = sum(bins.map((bin) => bin.count));
  const tooSure = bins.filter((bin) => bin.confidence > bin.accuracy);
  return { bins, total, overconfident: sum(tooSure.map((bin) => bin.count)) > total / 2 };
}

// Percentage points of the expected calibration error. They only choose words.
const SMALL_GAP = 1;
const LARGE_GAP = 10;

/**
 * Say how well a model is calibrated.
 * @param {number} gap its expected calibration error, in percentage points
 * @param {boolean} overconfident
 */
export function calibrationWords(gap, overconfident) {
  if (gap < SMALL_GAP) return "This is small: the model is well calibrated.";
  const kind = overconfident ? "overconfident" : "underconfident";
  return `The model is ${gap < LARGE_GAP ? "somewhat" : "very"} ${kind}.`;
}
