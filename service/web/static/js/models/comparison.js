// @ts-check
// Sentences that compare models. Needs no browser.
import { fixed, sum } from "../numbers.js";

/** @typedef {import("../types.d.ts").Model} Model */

/** Sum the training time of all epochs. @param {Pick<Model, "history">} model */
export const seconds = ({ history }) => sum(history.map((row) => row.seconds));

/**
 * Name a model by its recipe, and by part of its id if another one has the same recipe.
 * @param {Model} model
 * @param {Model[]} compared
 */
export function label({ id, recipe }, compared) {
  const sameRecipe = compared.filter((other) => other.recipe.name === recipe.name);
  return sameRecipe.length > 1 ? `${recipe.name} ${id.slice(2, 6)}` : recipe.name;
}

/** Compare the most and the least accurate model. @param {Model[]} compared */
export function verdict(compared) {
  if (compared.length < 2) return "Select another model above.";
  const sorted = compared.toSorted((a, b) => b.evaluation.accuracy - a.evaluation.accuracy);
  const [best, worst] = [sorted[0], sorted[sorted.length - 1]];
  const points = fixed(100 * (best.evaluation.accuracy - worst.evaluation.accuracy), 1);
  const names = [best, worst].map((model) => label(model, compared));
  const difference = `The accuracy of ${names[0]} is ${points} points above that of ${names[1]}`;
  const dataset = compared[0].dataset.name;
  return compared.every((model) => model.dataset.name === dataset)
    ? `${difference}, on the same ${dataset} test set.`
    : `${difference}, but they were tested on different data sets.`;
}
