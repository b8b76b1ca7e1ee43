// @ts-check
// The data sets that recipes can name, and the sizes that follow from them.
import { get } from "./api.js";
import { keyOf } from "./data/words.js";
import { sum } from "./numbers.js";

/** @typedef {import("./data/words.js").Dataset & import("./types.d.ts").Dataset} Described */
/** @typedef {Described & { augmentations: string[] }} Dataset */

/** @type {Map<string, Dataset>} by their keys in recipes */
let known = new Map();
/** @type {Promise<void> | null} */
let pending = null;

/** Know these data sets, and no others. @param {Dataset[]} datasets */
export function setDatasets(datasets) {
  known = new Map(datasets.map((dataset) => [keyOf(dataset), dataset]));
}

/** Get the data sets. One request serves the whole page. */
export function loadDatasets() {
  pending ??= get("/datasets").then(({ datasets }) => setDatasets(datasets));
  return pending;
}

/** Find the data set that recipes call so. Deleted ones are unknown. @param {unknown} key */
export const datasetOf = (key) => known.get(String(key));

/** What the samples of a training are. @param {Record<string, unknown>} recipe */
export const unitOf = (recipe) =>
  datasetOf(recipe.dataset)?.kind === "vectors" ? "samples" : "images";

/** Round as Python does: a half to the even number. @param {number} value */
function roundHalfToEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}

/**
 * Count the samples that an epoch trains on: those that the recipe does not hold out.
 * @param {{ train: { samples: number, per_class: number[] } }} dataset
 * @param {unknown} validation share of the samples of each class
 */
export const trainedSamples = ({ train }, validation) =>
  train.samples - sum(train.per_class.map((n) => roundHalfToEven(Number(validation ?? 0) * n)));

/**
 * Find the sizes of a training, or null if its data set is unknown.
 * @param {Record<string, unknown>} recipe
 */
export function sizesOf(recipe) {
  const dataset = datasetOf(recipe.dataset);
  if (!dataset) return null;
  return {
    inputs: dataset.shape.reduce((a, b) => a * b),
    classes: dataset.classes.length,
    trained: trainedSamples(dataset, recipe.validation),
  };
}

/**
 * Adapt the fields of a named recipe to its data set, as the API does.
 * @param {Record<string, unknown>} fields
 * @returns {Record<string, unknown>}
 */
export function fitted(fields) {
  const dataset = datasetOf(fields.dataset);
  if (!dataset) return fields;
  const fit = { ...fields };
  if (dataset.kind === "vectors") Object.assign(fit, { pixel_scale: "raw", standardize: true });
  const { augmentation } = fields;
  if (augmentation && !dataset.augmentations.includes(String(augmentation))) {
    fit.augmentation = "none";
  }
  return fit;
}
