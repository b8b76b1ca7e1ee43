// @ts-check
// Jobs that are no trainings, in words: imports of uploaded files, predictions of data sets, and
// sweeps. Needs no browser.
import { count } from "../numbers.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").ImportJob} ImportJob */
/** @typedef {import("../types.d.ts").SweepJob} SweepJob */
/** @typedef {import("../types.d.ts").OtherJob} OtherJob */
/** @typedef {import("../types.d.ts").AnyJob} AnyJob */

/** Tell whether a job is a training. @param {AnyJob} job @returns {job is Job} */
export const isTraining = (job) => job.kind === "train";

/** Tell whether a job is an import. @param {AnyJob} job @returns {job is ImportJob} */
export const isImport = (job) => job.kind === "import";

/** Tell whether a job is a sweep. @param {AnyJob} job @returns {job is SweepJob} */
export const isSweep = (job) => job.kind === "sweep";

/** Keep the trainings, without the trials of sweeps. @param {AnyJob[]} jobs @returns {Job[]} */
export const trainingsOf = (jobs) => jobs.filter(isTraining).filter((job) => job.trial == null);

/** Name a job. @param {OtherJob} job */
export function otherName(job) {
  if (job.title) return job.title;
  if (isImport(job)) return `Import of ${job.upload.name}`;
  if (isSweep(job)) return `Sweep of ${job.recipe.name}`;
  return `Prediction of ${job.prediction.dataset ?? "a file"}`;
}

/** Say what a running job does. @param {OtherJob} job */
export function stageText(job) {
  if (isSweep(job)) return `${job.progress.trials_ended} of ${count(job.progress.trials)} trials`;
  const { stage, samples, samples_total: total } = job.progress;
  if (!samples) return stage;
  return `${stage}, ${count(samples)}${total == null ? "" : ` of ${count(total)}`} samples`;
}
