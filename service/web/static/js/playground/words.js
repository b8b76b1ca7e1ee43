// @ts-check
// What the page says in words. Needs no browser.
import { fixed, shareText } from "../numbers.js";
import { CLASS_WORDS } from "./points.js";

/** @typedef {import("./web.js").Neuron} Neuron */

/** Name a neuron. @param {Neuron} neuron @param {number} last the column of the classes */
export function neuronName({ column, row }, last) {
  if (!column) return `Input ${"xy"[row]}`;
  if (column === last) return `Probability of class ${row}, ${CLASS_WORDS[row]}`;
  return `Layer ${column}, neuron ${row}`;
}

/**
 * Say what the network predicts at a point.
 * @param {[number, number]} place
 * @param {number[]} probabilities
 */
export function probeText([x, y], probabilities) {
  const all = probabilities.map((p, label) => `${CLASS_WORDS[label]} ${shareText(p, 1)}`);
  return `At (${fixed(x)}, ${fixed(y)}), the network predicts: ${all.join(", ")}.`;
}
