// @ts-check
// What earlier runs say about the next one: its result, if nothing differs, and how long it takes.
// Needs no browser.
import { percent } from "../numbers.js";
import { sameValue } from "../recipes.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").Recipe} Recipe */

// The time per epoch does not depend on these fields.
const FREE = new Set([
  "name",
  "epochs",
  "learning_rate",
  "seed",
  "shuffle",
  "schedule",
  "from_model",
]);

/** @param {number[]} values not empty */
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** @param {Job} job */
const epochSeconds = ({ history }) =>
  history.filter((row) => row.epoch > 0 && row.seconds > 0).map((row) => row.seconds);

/**
 * Find the first job that succeeded with the same values of the fields that a test selects.
 * @param {Recipe} recipe
 * @param {Job[]} jobs from the newest on
 * @param {(field: string) => boolean} counts
 */
const alike = (recipe, jobs, counts) =>
  jobs.find(
    (job) =>
      job.status === "succeeded" &&
      epochSeconds(job).length &&
      Object.keys(job.recipe).every(
        (field) => !counts(field) || sameValue(job.recipe[field], recipe[field]),
      ),
  );

/**
 * Estimate the time of a training in seconds from the latest run that is as fast, or return null.
 * @param {Recipe} recipe
 * @param {Job[]} jobs from the newest on
 */
export function estimate(recipe, jobs) {
  const job = alike(recipe, jobs, (field) => !FREE.has(field));
  return job ? recipe.epochs * median(epochSeconds(job)) : null;
}

/**
 * Write the accuracy of the latest run of the same recipe, or "". Its time is left out: that of a
 * first run contains the compilation, so it is longer than those of the next ones.
 * @param {Recipe} recipe
 * @param {Job[]} jobs from the newest on
 */
export function resultText(recipe, jobs) {
  const job = alike(recipe, jobs, (field) => field !== "name");
  if (!job) return "";
  const { test_accuracy } = job.history[job.history.length - 1];
  return test_accuracy == null ? "" : percent(test_accuracy);
}
