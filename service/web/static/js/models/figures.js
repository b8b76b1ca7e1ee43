// @ts-check
// How pages write the figures of a model, and the proper names of what made it. Needs no browser.
import { fixed } from "../numbers.js";
import { duration } from "../times.js";

/** @type {Record<string, string>} */
const PROPER_NAMES = {
  mnist: "MNIST",
  "fashion-mnist": "Fashion-MNIST",
  numpy: "NumPy",
  torch: "PyTorch",
};

/** Write the name of a data set or an engine as people do. @param {string} name */
export const properName = (name) => PROPER_NAMES[name] ?? name;

/** Write the time of a training, with a decimal if it is short. @param {number} seconds */
export function timeText(seconds) {
  if (seconds >= 10) return duration(seconds);
  return seconds && seconds < 0.1 ? "under 0.1\u00a0s" : `${fixed(seconds, 1)}\u00a0s`;
}
