// @ts-check
// The models that an address asks for. Needs no browser.

/** @typedef {import("../types.d.ts").Model} Model */

export const MOST_PANELS = 4;

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

/**
 * Choose the models to show if the address names none: the newest two, if possible on digits and
 * better than guessing.
 * @param {Model[]} models the newest first
 */
export function firstModels(models) {
  const learned = models.filter((model) => model.evaluation.better_than_guessing !== false);
  const some = learned.length ? learned : models;
  const digits = some.filter((model) => model.dataset.name === "mnist");
  return (digits.length ? digits : some).slice(0, 2);
}
