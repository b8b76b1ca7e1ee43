// @ts-check
// The jobs that are no trainings, imports and sweeps, in words. Needs no browser.
import { count } from "../numbers.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").ImportJob} ImportJob */
/** @typedef {import("../types.d.ts").SweepJob} SweepJob */
/** @typedef {import("../types.d.ts").AnyJob} AnyJob */

/** Tell whether a job is an import. @param {AnyJob} job @returns {job is ImportJob} */
export const isImport = (job) => job.kind === "import";

/** Tell whether a job is a training. @param {AnyJob} job @returns {job is Job} */
export const isTraining = (job) => job.kind === "train";

/** Keep the trainings, without the trials of sweeps. @param {AnyJob[]} jobs @returns {Job[]} */
export const trainingsOf = (jobs) => jobs.filter(isTraining).filter((job) => job.trial == null);

/** Name an import. @param {ImportJob} job */
export const importName = ({ title, upload }) => title || `Import of ${upload.name}`;

/** Name an import or a sweep. @param {ImportJob | SweepJob} job */
export const otherName = (job) =>
  isImport(job) ? importName(job) : job.title || `Sweep of ${job.recipe.name}`;

/** Say what a running import or sweep does. @param {ImportJob | SweepJob} job */
export function stageText(job) {
  if (!isImport(job)) return `${job.progress.trials_ended} of ${count(job.progress.trials)} trials`;
  const { stage, samples, samples_total: total } = job.progress;
  if (!samples) return stage;
  return `${stage}, ${count(samples)}${total == null ? "" : ` of ${count(total)}`} samples`;
}
