// @ts-check
// The section "Which training step taught it this?" in words and rows. Needs no browser.
import { count } from "../numbers.js";

/** @typedef {import("../types.d.ts").Taught} Taught */

/** @param {number} n */
const snapshotsText = (n) => (n === 1 ? "a stored snapshot" : `${count(n)} stored snapshots`);

/**
 * Say which steps were looked at, and what follows for the result.
 * @param {Taught} taught
 */
export const sampleText = ({ steps, steps_looked_at: looked, snapshots }) =>
  `Looked at ${count(looked)} of ${count(steps)} steps: those next to ` +
  `${snapshotsText(snapshots.length)}. This is a sample: other steps may have changed the loss ` +
  "more.";

/**
 * Write the path that looks among the steps, from that of a prediction.
 * @param {string} path
 * @param {string} label index of the class whose loss is meant; empty for the predicted one
 */
export const taughtPath = (path, label) =>
  path
    .replace("/predict?", "/predict/taught?")
    .replace("&explain=true", label && `&label=${label}`);

/**
 * Write the address of the page that shows a step.
 * @param {string} model its id
 * @param {number} step
 */
export const stepAddress = (model, step) => `/ui/models/${model}/steps?step=${step}`;

/**
 * Read a class from the address of the page: its index, or that the predicted one is meant.
 * @param {string | null} text
 * @param {string[]} classes
 * @returns {string | null} null if the address names no class of the model
 */
export function readClass(text, classes) {
  if (text === "predicted") return "";
  return text && /^\d+$/.test(text) && Number(text) < classes.length ? text : null;
}

/**
 * Make a row for each step.
 * @param {Taught | null} taught
 * @param {string[]} classes
 * @returns {import("../save/csv.js").Row[]}
 */
export function taughtRows(taught, classes) {
  if (!taught) return [];
  const { lowered, raised, label } = taught;
  return [...lowered, ...raised].map((one) => ({
    step: one.step,
    epoch: one.epoch,
    "training samples": one.samples.join(" "),
    "their classes": one.labels.map((index) => classes[index]).join(", "),
    [`loss of ${classes[label]} before, nats`]: one.loss_before,
    [`loss of ${classes[label]} after, nats`]: one.loss_after,
    "change, nats": one.change,
  }));
}
