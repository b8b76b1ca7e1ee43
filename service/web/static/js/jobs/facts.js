// @ts-check
// The facts of a job in words. Needs no browser.
import { count, fixed, speed, sum } from "../numbers.js";
import { datasetName, fieldWords, layersText, valueText } from "../recipes.js";
import { TRAINING_IMAGES } from "../sizes.js";
import { duration } from "../times.js";

/** @typedef {import("../types.d.ts").Job} Job */

/** @param {Job} job */
const trainingSeconds = ({ history }) => sum(history.map((row) => row.seconds));

/** Count the epochs that have ended. @param {Job} job */
const epochsOf = ({ history }) => history.at(-1)?.epoch ?? 0;

/** Say how long the epochs took together. @param {Job} job */
export const trainingTime = (job) => (trainingSeconds(job) ? duration(trainingSeconds(job)) : "—");

/** Say how long a training took that has ended. @param {Job} job */
export function tookText(job) {
  const n = epochsOf(job);
  return n ? `${count(n)} ${n === 1 ? "epoch" : "epochs"} in ${trainingTime(job)}` : "";
}

/** @param {Job} job */
export function epochText(job) {
  const seconds = trainingSeconds(job);
  const n = epochsOf(job);
  if (!n || !seconds) return "—";
  return `${duration(seconds / n)}, ${speed((TRAINING_IMAGES * n) / seconds)}`;
}

/** @param {Job} job */
export function lowestLossText({ history }) {
  const best = history.toSorted((a, b) => a.test_loss - b.test_loss)[0];
  return best ? `${fixed(best.test_loss, 3)} nats, epoch ${best.epoch}` : "—";
}

/** @param {Job} job */
export const layersOf = ({ recipe }) =>
  recipe.hidden_sizes.length
    ? `${layersText(recipe.hidden_sizes)}, ${recipe.activation}`
    : layersText([]);

/** @param {string} field */
export function fieldName(field) {
  const words = fieldWords(field);
  return words[0].toUpperCase() + words.slice(1);
}

/** @param {string} field @param {unknown} value */
export function fieldValue(field, value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  return field === "dataset" ? datasetName(value) : valueText(value) || "none";
}
