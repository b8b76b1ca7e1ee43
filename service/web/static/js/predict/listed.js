// @ts-check
// The models that the page can show, with their names. The newest come first, in a short request;
// the others are loaded when someone looks for a model.
import { allModels, get } from "../api.js";
import { loadRecipes, nameOf } from "../recipes.js";
import { NEWEST_PATH, areEnough, findAsked, firstModels } from "./asked.js";

/** @typedef {import("./chooser.js").Named} Named */
/** @typedef {import("../types.d.ts").Model} Model */

/** @type {Named[]} */
let models = [];
let areAllKnown = false;

/** Return the models that are known, the newest first. */
export const listed = () => models;

/** @param {string} id */
export const findListed = (id) => models.find(({ model }) => model.id === id) ?? null;

/** @param {Model[]} cards */
async function list(cards) {
  const recipes = await loadRecipes();
  models = cards.map((model) => ({ model, name: nameOf(model, recipes) }));
}

/** Load all models, unless they are known. */
export async function loadOthers() {
  if (areAllKnown) return;
  await list(await allModels());
  areAllKnown = true;
}

/**
 * Load the newest models, or all if necessary, and choose those to show first.
 * @param {string[]} asked ids and aliases in the address of the page
 * @returns {Promise<{ chosen: Named[], fault: string }>} `fault` says what is wrong with `asked`
 */
export async function loadFirst(asked) {
  const newest = await get(NEWEST_PATH);
  areAllKnown = newest.next == null;
  if (areAllKnown || areEnough(newest.models, asked)) await list(newest.models);
  else await loadOthers();
  const areIds = asked.every(findListed);
  const { aliases, computed } = areIds ? { aliases: {}, computed: {} } : await get("/aliases");
  const cards = models.map(({ model }) => model);
  const { found, fault } = findAsked(asked, cards, { ...computed, ...aliases });
  const first = found.length ? found : firstModels(cards);
  return { chosen: first.flatMap(({ id }) => findListed(id) ?? []), fault };
}
