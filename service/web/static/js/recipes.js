// @ts-check
// Recipes, and the networks that they describe.
import { get } from "./api.js";
import { datasetOf, fitted, loadDatasets } from "./datasets.js";
import { hiddenText } from "./layers.js";

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

/** Write the value of a field as the form and the address of a page do. @param {unknown} value */
export function valueText(value) {
  if (!Array.isArray(value)) return String(value ?? "");
  return value.some((one) => typeof one === "object") ? JSON.stringify(value) : value.join(", ");
}

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

/** @type {Record<string, string>} Fields that replace each other: one of them is null. */
export const ALTERNATIVES = { layers: "hidden_sizes", hidden_sizes: "layers" };

/**
 * Tell whether a field is null because another one is given instead.
 * @param {Record<string, unknown>} recipe
 * @param {string} field
 */
export const isReplaced = (recipe, field) =>
  recipe[field] == null && recipe[ALTERNATIVES[field]] != null;

/**
 * List the fields in which a job's recipe differs from the recipe of that name, adapted to the
 * job's data set.
 * @param {Recipe} recipe
 * @param {Recipes} recipes
 * @returns {[field: string, value: unknown][]}
 */
export const changedFields = (recipe, recipes) =>
  Object.entries(originalOf(recipe, recipes))
    .filter(([field, value]) => !sameValue(value, recipe[field]) && !isReplaced(recipe, field))
    .map(([field]) => [field, recipe[field]]);

/**
 * Write the address of the form that has the fields of a recipe.
 * @param {Recipe} recipe
 * @param {Recipes} recipes
 * @param {string | null} [title]
 */
export function formAddress(recipe, recipes, title) {
  const changes = changedFields(recipe, recipes).map(([key, value]) => [key, valueText(value)]);
  const search = new URLSearchParams({ recipe: recipe.name, ...Object.fromEntries(changes) });
  if (title) search.set("title", title);
  return `/?${search}#train`;
}

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
  if (field === "layers" && Array.isArray(value)) return hiddenText(value);
  return valueText(value) || "none";
}

const NAME_DIGITS = 4; // in the names of runs, of numbers that a sweep has chosen

/** Write a changed field in words. @param {[field: string, value: unknown]} change */
function changeWords([field, value]) {
  const isNetwork = field === "hidden_sizes" || field === "layers";
  if (!isNetwork || !Array.isArray(value)) {
    const isExact = typeof value !== "number" || Number.isInteger(value);
    const words = fieldValue(field, isExact ? value : Number(value.toPrecision(NAME_DIGITS)));
    return `${fieldWords(field)} ${words}`;
  }
  if (!value.length) return "no hidden layers";
  if (field === "layers") return `layers ${hiddenText(value)}`;
  return value.length === 1 ? `hidden layer of ${value[0]}` : `hidden layers ${value.join("-")}`;
}

/**
 * List the changed fields of a run in words, such as "epochs 5, seed 1".
 * @param {Recipe} recipe
 * @param {Recipes} recipes
 */
export const changesText = (recipe, recipes) =>
  changedFields(recipe, recipes).map(changeWords).join(", ");

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
