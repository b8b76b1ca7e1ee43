// @ts-check
// What the curve of the train loss shows, in words. Needs no browser.
import { count } from "./numbers.js";

export const MOST_DOTS = 10; // epochs with a dot each, beside the published ones

/** What the curve of the train loss shows if there are no losses within the epochs. */
export const MEAN_WORDS = "loss, its mean over each epoch";

/**
 * Say what the curve of the train loss shows.
 * @param {import("./types.d.ts").Loss[]} losses
 * @param {number} epochs
 */
export function trainLossWords(losses, epochs) {
  const spacing = count(1000 * Math.max(1, Math.round((losses[0]?.samples ?? 0) / 1000)));
  const means = epochs <= MOST_DOTS ? "dots" : "thick line";
  return `loss about every ${spacing} images (thin line), and its mean over each epoch (${means})`;
}
