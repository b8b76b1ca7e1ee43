// @ts-check
// Recipes, and the networks that they describe.
import { get } from "./api.js";
import { datasetOf, fitted, loadDatasets } from "./datasets.js";
import { layerText } from "./maps/words.js";
import { sum } from "./numbers.js";
import { CLASSES, PIXELS } from "./sizes.js";

/** @typedef {import("./types.d.ts").Recipe} Recipe */
/** @typedef {import("./types.d.ts").Recipes} Recipes */

/** @type {Promise<Recipes> | null} */
let pending = null;

/** Get the fields of each recipe, by its name, and know the data sets that recipes can name. */
export function loadRecipes() {
  pending ??= Promise.all([get("/recipes"), loadDatasets()]).then(([{ recipes }]) =>
    Object.fromEntries(
      recipes.map((/** @type {Recipe & { description: string }} */ recipe) => {
        const { name, description, ...fields } = recipe;
        return [name, fields];
      }),
    ),
  );
  return pending;
}

/** Tell whether two values of a field are equal. @param {unknown} a @param {unknown} b */
export const sameValue = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Write the value of a field as the form does. @param {unknown} value */
export const valueText = (value) => (Array.isArray(value) ? value.join(", ") : String(value ?? ""));

/**
 * Find the fields of the recipe that a job started from, adapted to the job's data set.
 * @param {{ name: string, dataset?: unknown }} recipe
 * @param {Recipes} recipes
 * @returns {Record<string, unknown>}
 */
export function originalOf({ name, dataset }, recipes) {
  const original = recipes[name];
  return original ? { ...fitted({ ...original, dataset }), dataset: original.dataset } : {};
}

/**
 * List the fields in which a job's recipe differs from the recipe of that name, adapted to the
 * job's data set.
 * @param {Recipe} recipe
 * @param {Recipes} recipes
 * @returns {[field: string, value: unknown][]}
 */
export const changedFields = (recipe, recipes) =>
  Object.entries(originalOf(recipe, recipes))
    .filter(([field, value]) => !sameValue(value, recipe[field]))
    .map(([field]) => [field, recipe[field]]);

/** @type {Record<string, string>} Fields that people call something else, as the form does. */
const FIELD_WORDS = { hidden_sizes: "hidden layers", dataset: "data set" };

/** Write the name of a field in words. @param {string} field */
export const fieldWords = (field) => FIELD_WORDS[field] ?? field.replaceAll("_", " ");

/** Write the name of a data set; a deleted one has only its id. @param {unknown} id */
export const datasetName = (id) => datasetOf(id)?.title ?? String(id);

/** @type {Record<string, string>} */
const ENGINE_NAMES = { numpy: "NumPy", torch: "PyTorch" };

/** Write the name of an engine as its project does. @param {string} id */
export const engineName = (id) => ENGINE_NAMES[id] ?? id;

/** Write the value of a field in words. @param {string} field @param {unknown} value */
export function fieldValue(field, value) {
  if (value === undefined) return "not set";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (field === "dataset") return datasetName(value);
  if (field === "engine") return engineName(String(value));
  return valueText(value) || "none";
}

/** Write a changed field in words. @param {[field: string, value: unknown]} change */
function changeWords([field, value]) {
  if (value === null && ["hidden_sizes", "layers"].includes(field)) return ""; // the other is set
  if (field === "layers") {
    const layers = /** @type {import("./types.d.ts").HiddenLayer[]} */ (value);
    return layers.length ? layers.map(layerText).join(", ") : "no hidden layers";
  }
  if (field === "hidden_sizes") {
    const sizes = /** @type {number[]} */ (value);
    if (!sizes.length) return "no hidden layers";
    if (sizes.length === 1) return `hidden layer of ${sizes[0]}`;
  }
  const name = fieldWords(field);
  return `${name} ${Array.isArray(value) ? value.join("-") : fieldValue(field, value)}`;
}

/**
 * List the changed fields of a run in words, such as "epochs 5, seed 1".
 * @param {Recipe} recipe
 * @param {Recipes} recipes
 */
export const changesText = (recipe, recipes) =>
  changedFields(recipe, recipes).map(changeWords).filter(Boolean).join(", ");

/**
 * Name a run after its recipe and the fields that it changed, such as "mnist-numpy, epochs 5".
 * @param {Recipe} recipe
 * @param {Recipes} recipes
 */
export const runName = (recipe, recipes) =>
  [recipe.name, changesText(recipe, recipes)].filter(Boolean).join(", ");

/**
 * @typedef {object} Run a job, or a model, whose card knows its data set
 * @property {string | null} [title]
 * @property {Recipe} recipe
 * @property {{ title?: string, checksums?: Record<string, string> } | string | null} [dataset]
 */

/**
 * Write the name of an uploaded data set into a recipe, which has its id.
 * @param {Run} run
 */
export function namedRecipe({ recipe, dataset }) {
  if (typeof dataset !== "object" || !dataset?.title) return recipe;
  const isUploaded = !Object.keys(dataset.checksums ?? {}).length;
  return isUploaded ? { ...recipe, dataset: dataset.title } : recipe;
}

/**
 * Name a job or a model by the title that people gave it, or else as `runName` does.
 * @param {Run} run
 * @param {Recipes} recipes
 */
export const nameOf = (run, recipes) => run.title || runName(namedRecipe(run), recipes);

/**
 * Find what the coursework published for a run: only runs that changed no field can be compared.
 * @template P
 * @param {Recipe} recipe
 * @param {Recipes} recipes
 * @param {Record<string, P>} published by the name of the recipe
 * @returns {P | null}
 */
export const publishedFor = (recipe, recipes, published) =>
  recipe.name in recipes && !changedFields(recipe, recipes).length
    ? (published[recipe.name] ?? null)
    : null;

const BUILT_IN = { inputs: PIXELS, classes: CLASSES };

/**
 * List the sizes of all layers, from the inputs to the classes.
 * @param {number[]} hiddenSizes
 * @param {{ inputs: number, classes: number }} [sizes]
 */
export const layerSizes = (hiddenSizes, { inputs, classes } = BUILT_IN) => [
  inputs,
  ...hiddenSizes,
  classes,
];

/**
 * Write the sizes of all layers.
 * @param {number[]} hiddenSizes
 * @param {{ inputs: number, classes: number }} [sizes]
 */
export const layersText = (hiddenSizes, sizes) => layerSizes(hiddenSizes, sizes).join(" → ");

/** Count the weights and biases of dense layers. @param {number[]} sizes */
export const parameterCount = (sizes) =>
  sum(sizes.slice(1).map((size, i) => size * (sizes[i] + 1)));
