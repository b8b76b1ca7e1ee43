// @ts-check
// The models that an address asks for. Needs no browser.

import { keyOf } from "./input.js";

/** @typedef {import("../types.d.ts").Model} Model */

export const MOST_PANELS = 4;
/** The newest models, as the template requests them: the page needs the others only in its list. */
export const NEWEST_PATH = "/models?limit=4";
const NEWEST = 4;
const FIRST_PANELS = 2; // if the address names no model

/** Split a list such as "m-1,latest". @param {string | null} text */
export const references = (text) =>
  (text ?? "")
    .split(",")
    .map((reference) => reference.trim())
    .filter(Boolean);

/**
 * Find the models that an address asks for, each once, and say what is wrong with it.
 * @param {string[]} asked ids and aliases
 * @param {Model[]} models
 * @param {Record<string, string>} aliases the id for each alias
 */
export function findAsked(asked, models, aliases) {
  /** @param {string} reference */
  const find = (reference) =>
    models.find(({ id }) => id === reference || id === aliases[reference]);
  const unknown = asked.filter((reference) => !find(reference));
  const found = [...new Set(asked.flatMap((reference) => find(reference) ?? []))];
  const names = unknown.map((reference) => `“${reference}”`).join(", ");
  const left = found.length - MOST_PANELS;
  const faults = [
    unknown.length > 0 && `There is no model or alias ${names}.`,
    left > 0 && `This page shows up to ${MOST_PANELS} models, so the last ${left} are left out.`,
  ].filter(Boolean);
  return { found: found.slice(0, MOST_PANELS), fault: faults.join(" ") };
}

/** @param {Model} model */
const isOfDigits = ({ dataset }) => keyOf(dataset) === "mnist";

/**
 * Order models for a list: the newest of each data set, then all others by their title.
 * @template {{ model: Model, name: string }} Named
 * @param {Named[]} models the newest first
 */
export function inOrder(models) {
  /** @type {Map<string, Named>} */
  const newest = new Map();
  for (const named of models) {
    const { id } = named.model.dataset;
    if (!newest.has(id)) newest.set(id, named);
  }
  const first = [...newest.values()];
  const others = models.filter((named) => newest.get(named.model.dataset.id) !== named);
  return [...first, ...others.toSorted((a, b) => a.name.localeCompare(b.name, "en"))];
}

/**
 * Choose the models to show if the address names none: of the newest four of a data set, the two
 * most accurate, if possible better than guessing. The newest alone may be the worst of a series.
 * The data set is MNIST, since everyone can draw a digit, or else that of the newest model.
 * @param {Model[]} models the newest first
 */
export function firstModels(models) {
  const learned = models.filter((model) => model.evaluation.better_than_guessing);
  const some = learned.length ? learned : models;
  const digits = some.filter(isOfDigits);
  const first = digits.length ? digits : some;
  return first
    .filter(({ dataset }) => dataset.id === first[0].dataset.id)
    .slice(0, NEWEST)
    .toSorted((a, b) => b.evaluation.accuracy - a.evaluation.accuracy)
    .slice(0, FIRST_PANELS);
}

/**
 * Tell whether the newest models are all that is needed to find those to show.
 * @param {Model[]} newest
 * @param {string[]} asked ids and aliases
 */
export function areEnough(newest, asked) {
  if (asked.length) return asked.every((id) => newest.some((model) => model.id === id));
  const first = firstModels(newest);
  return (
    first.length === FIRST_PANELS &&
    first.every((model) => isOfDigits(model) && model.evaluation.better_than_guessing)
  );
}
