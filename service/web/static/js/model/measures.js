// @ts-check
// Measures of a model's quality, in percent. Needs no browser.
import { sum } from "../numbers.js";

/** @typedef {import("../types.d.ts").Evaluation} Evaluation */

/**
 * List recall and precision of each class, the best class first.
 * @param {string[]} classes
 * @param {Pick<Evaluation, "recall" | "precision">} evaluation
 */
export const classQuality = (classes, { recall, precision }) =>
  classes
    .map((name, i) => ({
      name,
      recall: 100 * (recall[i] ?? 0),
      precision: 100 * (precision[i] ?? 0),
    }))
    .sort((a, b) => b.recall + b.precision - a.recall - a.precision);

/**
 * Find the lowest value of an axis for recall and precision.
 * @param {ReturnType<typeof classQuality>} rows
 */
export function qualityAxisStart(rows) {
  const lowest = Math.min(...rows.flatMap((row) => [row.recall, row.precision]));
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
