// @ts-check
// The name of a model. Needs no browser.
import { changedFields, valueText } from "../recipes.js";

/**
 * Name a model by its title, or else by its recipe and the changed fields.
 * @param {import("../types.d.ts").Model} model
 * @param {import("../types.d.ts").Recipes} recipes
 */
export const modelName = ({ title, recipe }, recipes) =>
  title ||
  [recipe.name, ...changedFields(recipe, recipes).map(([f, v]) => `${f} ${valueText(v)}`)].join(
    ", ",
  );
