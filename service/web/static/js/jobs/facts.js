// @ts-check
// The facts of a job in words. Needs no browser.
import { capitalized } from "../capitalized.js";
import { datasetOf, sizesOf, unitOf } from "../datasets.js";
import { hiddenText, networkText } from "../layers.js";
import { hiddenLayers } from "../maps/shapes.js";
import { count, fixed, percent, speed, sum } from "../numbers.js";
import { fieldWords } from "../recipes.js";
import { duration } from "../times.js";
import { stoppedEarly } from "./state.js";

/** @typedef {import("../types.d.ts").Job} Job */

const MANY_CLASSES = 20; // above which five guesses say something

/** @param {Job} job */
const trainingSeconds = ({ history }) => sum(history.map((row) => row.seconds));

/** Count the epochs that have ended. @param {Job} job */
const epochsOf = ({ history }) => history.at(-1)?.epoch ?? 0;

/** Say how long the epochs took together. @param {Job} job */
export const trainingTime = (job) => (trainingSeconds(job) ? duration(trainingSeconds(job)) : "—");

/** Say how long a training took that has ended. @param {Job} job */
export function tookText(job) {
  const n = epochsOf(job);
  const early = stoppedEarly(job) ? `, stopped early after epoch ${n}` : "";
  return n ? `${count(n)} ${n === 1 ? "epoch" : "epochs"} in ${trainingTime(job)}${early}` : "";
}

/** @param {Job} job */
export function epochText(job) {
  const seconds = trainingSeconds(job);
  const n = epochsOf(job);
  if (!n || !seconds) return "—";
  const sizes = sizesOf(job.recipe);
  const rate = sizes && speed((sizes.trained * n) / seconds, unitOf(job.recipe));
  return [duration(seconds / n), rate].filter(Boolean).join(", ");
}

/** @param {Job} job */
export function lowestLossText({ history }) {
  const losses = history.flatMap(({ epoch, test_loss: loss }) =>
    loss == null ? [] : [{ epoch, loss }],
  );
  const best = losses.toSorted((a, b) => a.loss - b.loss)[0];
  return best ? `${fixed(best.loss, 3)} nats, epoch ${best.epoch}` : "—";
}

/** @param {Job} job */
export function layersOf({ recipe }) {
  const hidden = hiddenLayers(recipe);
  const dataset = datasetOf(recipe.dataset);
  const layers = dataset ? networkText(recipe, dataset) : `hidden: ${hiddenText(hidden)}`;
  return hidden.length ? `${layers}, ${recipe.activation}` : layers;
}

/**
 * List the final figures that say more than the accuracy: of unbalanced classes, and of many.
 * @param {Job} job
 * @returns {[string, string][]}
 */
export function finalFigures({ recipe, history }) {
  const last = history.at(-1);
  const dataset = datasetOf(recipe.dataset);
  if (!last?.epoch || !dataset) return [];
  const { per_class: counts } = dataset.test;
  const unbalanced = new Set(counts).size > 1 || new Set(dataset.train.per_class).size > 1;
  /** @type {[string, number | null | undefined, boolean][]} */
  const figures = [
    ["Balanced accuracy", last.test_balanced_accuracy, unbalanced],
    ["Macro F1", last.test_macro_f1, unbalanced],
    ["Top-5 accuracy", last.test_top5_accuracy, dataset.classes.length > MANY_CLASSES],
    ["Validation accuracy", last.validation_accuracy, true],
  ];
  return figures
    .filter(([, value, fits]) => fits && value != null)
    .map(([name, value]) => [name, percent(Number(value), 1)]);
}

/** @param {string} field */
export const fieldName = (field) => capitalized(fieldWords(field));
