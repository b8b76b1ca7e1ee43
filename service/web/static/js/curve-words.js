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
 * @param {string} [unit] what the samples are
 */
export function trainLossWords(losses, epochs, unit = "images") {
  const first = losses[0]?.samples ?? 1000;
  const spacing = count(first < 500 ? first : 1000 * Math.round(first / 1000));
  const means = epochs <= MOST_DOTS ? "dots" : "thick line";
  const line = `loss about every ${spacing} ${unit} (thin line)`;
  return `${line}, and its mean over each epoch (${means})`;
}
