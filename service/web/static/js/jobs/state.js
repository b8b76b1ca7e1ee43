// @ts-check
// The state of a job in words, its speed, and the list of jobs. Needs no browser.

import { sizesOf } from "../datasets.js";
import { FINAL_STATUSES } from "../events.js";
import { losesToGuessing } from "../guessing.js";
import { count } from "../numbers.js";
import { isTraining, stageText } from "./import.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").ImportJob} ImportJob */
/** @typedef {import("../types.d.ts").SweepJob} SweepJob */
/** @typedef {import("../types.d.ts").AnyJob} AnyJob */

/** @param {Job} job */
const afterLastEpoch = ({ history }) => {
  const epoch = history.at(-1)?.epoch;
  return epoch ? ` after epoch ${epoch}` : "";
};

/**
 * Find where the axis of epochs ends: at the last epoch of the recipe, or of a job that ended
 * earlier.
 * @param {Job} job
 */
export function lastEpoch({ status, history, losses, recipe }) {
  if (!FINAL_STATUSES.has(status)) return recipe.epochs;
  const trained = sizesOf(recipe)?.trained ?? Infinity;
  const begun = Math.ceil((losses?.at(-1)?.samples ?? 0) / trained);
  return Math.max(1, begun, history.at(-1)?.epoch ?? 0);
}

/**
 * Tell whether a job ended with a model that is no better than guessing.
 * @param {AnyJob} job
 */
const isGuessing = (job) => job.better_than_guessing === false;

/**
 * Tell whether a finished job has a loss no lower than that of guessing.
 * @param {AnyJob} job
 */
function lossIsHigh(job) {
  if (!isTraining(job) || job.status !== "succeeded") return false;
  const sizes = sizesOf(job.recipe);
  return sizes != null && losesToGuessing(job.history.at(-1)?.test_loss, sizes.classes);
}

/** Tell whether a training ended before its last epoch, as it should. @param {Job} job */
export const stoppedEarly = ({ status, progress }) =>
  status === "succeeded" && progress.fraction < 1;

/** Tell whether a job ended with a model that learned too little. @param {AnyJob} job */
export const learnedLittle = (job) => isGuessing(job) || lossIsHigh(job);

/** Say what may help a job that learned too little. @param {Job} job */
export const hintText = (job) => (learnedLittle(job) ? "A smaller learning rate may help." : "");

/**
 * Say where in the queue a job is, and what it waits for, if not only for its turn.
 * @param {AnyJob} job
 */
function queueText({ queue_position: before, waiting_for: why }) {
  const place = before ? `queued, ${before} before it` : "queued, next";
  return why && why.code !== "workers-busy" ? `${place}: ${why.detail}` : place;
}

/**
 * List who submitted a job, and what decides when and where it runs, if anything does.
 * @param {AnyJob} job
 * @returns {[string, string][]}
 */
export function queueFacts({ submitted_by, priority, requires }) {
  const needs = [
    requires.device,
    requires.memory && `${count(Math.ceil(requires.memory / 2 ** 20))} MiB of memory`,
  ].filter(Boolean);
  /** @type {[string, string][]} */
  const found = [];
  if (submitted_by) found.push(["Submitted by", submitted_by]);
  if (priority) found.push(["Priority", String(priority)]);
  if (needs.length) found.push(["Requires", needs.join(", ")]);
  return found;
}

/** @param {ImportJob | SweepJob} job */
function otherState(job) {
  if (job.status === "queued") return queueText(job);
  return job.status === "running" ? stageText(job) : job.status;
}

/** Describe the state of a job in a few words. @param {AnyJob} job */
export function stateText(job) {
  if (!isTraining(job)) return otherState(job);
  const { epoch, epochs } = job.progress;
  switch (job.status) {
    case "queued":
      return queueText(job);
    case "running":
      return `epoch ${Math.max(1, epoch)} of ${epochs}`;
    case "failed":
      return `failed${afterLastEpoch(job) || " before the first epoch"}`;
    case "cancelled":
      return `${job.pruned ? "pruned" : "cancelled"}${afterLastEpoch(job)}`;
    default:
      if (isGuessing(job)) return "no better than guessing";
      return lossIsHigh(job)
        ? "succeeded, but its loss is no lower than guessing"
        : stoppedEarly(job)
          ? `stopped early${afterLastEpoch(job)}`
          : job.status;
  }
}

/** @typedef {{ at: number, samples: number }} Mark number of samples trained until a time in ms */
const MARKS = 12;
const SHORTEST_MS = 400;

/**
 * Add a mark, and return the last ones. If all lie within 400 ms, return only the new one: when a
 * page opens, old events arrive all at once and say nothing about the speed.
 * @param {Mark[]} marks
 * @param {Mark} mark
 */
export function addMark(marks, mark) {
  const last = [...marks, mark].slice(-MARKS);
  return mark.at - last[0].at < SHORTEST_MS ? [mark] : last;
}

/** Compute the training speed in samples per second, or null. @param {Mark[]} marks */
export function samplesPerSecond(marks) {
  if (marks.length < 2) return null;
  const [first, last] = [marks[0], marks[marks.length - 1]];
  return (1000 * (last.samples - first.samples)) / (last.at - first.at);
}

/**
 * Find the items to keep below the first page of a list when that page is loaded again.
 * @template {{ id: string, created_at: string }} Item
 * @param {Item[]} page the newest items
 * @param {Item[]} shown the items that were shown so far
 * @returns {Item[]} those of `shown` that follow the page; none if others may be between
 */
export function olderThan(page, shown) {
  const oldest = page.at(-1);
  if (!oldest || !shown.some((item) => item.id === oldest.id)) return [];
  const ids = new Set(page.map((item) => item.id));
  return shown.filter((item) => !ids.has(item.id) && item.created_at < oldest.created_at);
}
