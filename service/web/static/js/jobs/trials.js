// @ts-check
// The trials of sweeps among the jobs. Needs no browser.
import { FINAL_STATUSES } from "../events.js";
import { percent } from "../numbers.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").ImportJob} ImportJob */
/** @typedef {import("../types.d.ts").Epoch} Epoch */
/** @typedef {{ sweep: string, trials: Job[] }} Group trials of one sweep */

/** Tell whether a job is a trial of a sweep. @param {Job | ImportJob} job @returns {job is Job} */
export const isTrial = (job) => job.kind === "train" && job.trial != null;

/**
 * Put the trials of each sweep together, at the place of the first one, so that they hide no others.
 * @param {(Job | ImportJob)[]} jobs
 * @returns {(Job | ImportJob | Group)[]}
 */
export function grouped(jobs) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  return jobs.flatMap((job) => {
    if (!isTrial(job)) return [job];
    const sweep = String(job.sweep);
    const group = groups.get(sweep);
    group?.trials.push(job);
    if (group) return [];
    const first = { sweep, trials: [job] };
    groups.set(sweep, first);
    return [first];
  });
}

/** Say how many trials have ended. @param {Group} group */
export function groupText({ trials }) {
  const ended = trials.filter(({ status }) => FINAL_STATUSES.has(status)).length;
  return ended === trials.length ? "ended" : `${ended} of ${trials.length} have ended`;
}

/**
 * Write the accuracy after an epoch: trials have only that of the samples that are held out.
 * @param {Epoch | undefined} row
 */
export const accuracyWords = (row) =>
  row?.test_accuracy == null && row?.validation_accuracy != null
    ? `validation accuracy ${percent(row.validation_accuracy)}`
    : `test accuracy ${percent(row?.test_accuracy ?? 0)}`;
