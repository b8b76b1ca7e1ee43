// @ts-check
// The name of a model. Needs no browser.
import { runName } from "../recipes.js";

/**
 * Name a model by the title of its run, or else by its recipe and the changed fields.
 * @param {import("../types.d.ts").Model} model
 * @param {import("../types.d.ts").Recipes} recipes
 */
export const modelName = ({ title, recipe }, recipes) => title || runName(recipe, recipes);
