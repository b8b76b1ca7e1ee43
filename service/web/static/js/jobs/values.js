// @ts-check
// Several values of one field, and the runs that they lead to. Needs no browser.
import { clamp, percent } from "../numbers.js";
import { nameOf, sameValue } from "../recipes.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").Recipes} Recipes */

export const MOST_VALUES = 8; // curves that people can still tell apart
const FACTORS = [1 / 9, 1 / 3, 1, 3, 9];
const DIGITS = 2;

/**
 * Suggest values around a value, with two digits each.
 * @param {number} value
 * @param {{ low: number, high: number, whole: boolean }} allowed
 * @returns {number[]} different values in ascending order; 0 leads to no other
 */
export function spread(value, { low, high, whole }) {
  const values = FACTORS.map((factor) => {
    const rounded = factor === 1 ? value : Number((factor * value).toPrecision(DIGITS));
    return clamp(whole ? Math.round(rounded) : rounded, low, high);
  });
  return [...new Set(values)];
}

/**
 * Find the field whose values tell jobs apart, or null if several fields differ.
 * @param {Job[]} jobs
 */
export function differingField(jobs) {
  const [first, ...others] = jobs.map((job) => job.recipe);
  const fields = Object.keys(first ?? {}).filter((field) =>
    others.some((recipe) => !sameValue(recipe[field], first[field])),
  );
  return fields.length === 1 ? fields[0] : null;
}

/**
 * Say which of several finished jobs has the highest accuracy.
 * @param {{ job: Job, label: string }[]} curves
 */
export function bestText(curves) {
  /** @param {Job} job */
  const accuracy = ({ status, history }) =>
    status === "succeeded" ? (history.at(-1)?.test_accuracy ?? 0) : 0;
  const highest = Math.max(...curves.map(({ job }) => accuracy(job)));
  if (!highest) return "";
  const best = curves.filter(({ job }) => accuracy(job) === highest).map(({ label }) => label);
  return `Highest test accuracy: ${percent(highest)}, with ${best.join(" and ")}. `;
}

/**
 * Sort jobs by the field that differs, if it is a number. Label each with its value, or else its
 * name.
 * @param {Job[]} jobs
 * @param {Recipes} recipes
 * @returns {{ job: Job, label: string, share: number }[]} the share is 0 for the first job, and 1
 *   for the last one
 */
export function labelled(jobs, recipes) {
  const field = differingField(jobs);
  /** @param {Job} job */
  const value = ({ recipe }) => (field ? recipe[field] : null);
  const numeric = jobs.every((job) => typeof value(job) === "number");
  const sorted = numeric ? jobs.toSorted((a, b) => Number(value(a)) - Number(value(b))) : jobs;
  return sorted.map((job, i) => ({
    job,
    label: numeric ? String(value(job)) : nameOf(job, recipes),
    share: i / Math.max(1, jobs.length - 1),
  }));
}
