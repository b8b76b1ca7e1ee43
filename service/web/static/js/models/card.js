// @ts-check
// What a model's card says of its data set and its figures. Needs no browser.
import { trainedSamples as trainedSamplesOf } from "../datasets.js";
import { networkText } from "../layers.js";
import { datasetName } from "../recipes.js";
import { keyOf } from "../predict/input.js";
import { sum } from "../numbers.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").Dataset} Dataset */

const MANY_CLASSES = 20; // above this, one answer in five is worth a figure
const NOTICEABLE = 1.5; // times as many samples in the largest class as in the smallest

/** Write the sizes of all layers of a model. @param {Model} model */
export const sizesText = ({ recipe, dataset, classes }) =>
  networkText(recipe, { shape: dataset.shape, classes });

/** Write the name of a data set as people know it. @param {Dataset} dataset */
export const titleOf = ({ title, name }) => title || datasetName(name);

/** Tell which data set a model is of: two uploads may have the same title. @param {Model} model */
export const datasetOf = ({ dataset }) => keyOf(dataset);

/** What the samples of a data set are called. @param {Dataset} dataset @param {number} [n] */
export const sampleWord = ({ kind }, n = 2) =>
  `${kind === "vectors" ? "row" : "image"}${n === 1 ? "" : "s"}`;

/** Count the samples of an epoch of a model's training. @param {Model} model */
export const trainedSamples = ({ dataset, recipe }) => trainedSamplesOf(dataset, recipe.validation);

/** Count the test samples of each class. @param {Model} model */
const testCounts = ({ evaluation }) => evaluation.confusion_matrix.map(sum);

/** Find the accuracy of always guessing the most frequent class. @param {Model} model */
export function guessingAccuracy(model) {
  const counts = testCounts(model);
  return Math.max(...counts) / sum(counts);
}

/** Tell whether the test set has noticeably more of one class. @param {Model} model */
export function isUnbalanced(model) {
  const counts = testCounts(model);
  return Math.max(...counts) > NOTICEABLE * Math.min(...counts);
}

/**
 * List the accuracies beside the plain one that a model's data set calls for.
 * @param {Model} model
 * @returns {[name: string, value: number | null][]}
 */
export function otherAccuracies(model) {
  const { balanced_accuracy, macro_f1, top5_accuracy } = model.evaluation;
  /** @type {[name: string, value: number | null | undefined][]} */
  const all = [];
  if (isUnbalanced(model)) {
    all.push(["Balanced accuracy", balanced_accuracy], ["Macro F1", macro_f1]);
  }
  if (model.classes.length > MANY_CLASSES) all.push(["Top-5 accuracy", top5_accuracy]);
  return all.map(([name, value]) => [name, value ?? null]);
}
