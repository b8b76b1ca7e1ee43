// @ts-check
// The trials of sweeps among the jobs. Needs no browser.
import { FINAL_STATUSES } from "../events.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").AnyJob} AnyJob */
/** @typedef {{ sweep: string, trials: Job[] }} Group trials of one sweep */

/** Tell whether a job is a trial of a sweep. @param {AnyJob} job @returns {job is Job} */
export const isTrial = (job) => job.kind === "train" && job.trial != null;

/**
 * Put the trials of each sweep together, at the place of the first, so that they hide no others.
 * @param {(AnyJob)[]} jobs
 * @returns {(AnyJob | Group)[]}
 */
export function grouped(jobs) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  /** @type {(AnyJob | Group)[]} */
  const rows = [];
  for (const job of jobs) {
    const sweep = isTrial(job) ? String(job.sweep) : "";
    const group = groups.get(sweep);
    if (!isTrial(job)) rows.push(job);
    else if (group) group.trials.push(job);
    else {
      groups.set(sweep, { sweep, trials: [job] });
      rows.push(/** @type {Group} */ (groups.get(sweep)));
    }
  }
  return rows;
}

/** Say how many trials have ended. @param {Group} group */
export function groupText({ trials }) {
  const ended = trials.filter(({ status }) => FINAL_STATUSES.has(status)).length;
  return ended === trials.length ? "ended" : `${ended} of ${trials.length} have ended`;
}
