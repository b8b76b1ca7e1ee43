// @ts-check
// How pages write the figures of a model. Needs no browser.
import { fixed } from "../numbers.js";
import { duration } from "../times.js";

/** Write the time of a training, with a decimal if it is short. @param {number} seconds */
export function timeText(seconds) {
  if (seconds >= 10) return duration(seconds);
  return seconds && seconds < 0.1 ? "under 0.1\u00a0s" : `${fixed(seconds, 1)}\u00a0s`;
}
