// @ts-check
// Jobs that are no trainings, in words: imports of uploaded files, and predictions of data sets.
// Needs no browser.
import { count } from "../numbers.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").ImportJob} ImportJob */
/** @typedef {import("../types.d.ts").OtherJob} OtherJob */

/** Tell whether a job is a training. @param {Job | OtherJob} job @returns {job is Job} */
export const isTraining = (job) => job.kind === "train";

/** Tell whether a job is an import. @param {Job | OtherJob} job @returns {job is ImportJob} */
export const isImport = (job) => job.kind === "import";

/** Keep only the trainings. @param {(Job | OtherJob)[]} jobs */
export const trainingsOf = (jobs) => jobs.filter(isTraining);

/** Name a job. @param {OtherJob} job */
export function otherName(job) {
  if (job.title) return job.title;
  if (isImport(job)) return `Import of ${job.upload.name}`;
  return `Prediction of ${job.prediction.dataset ?? "a file"}`;
}

/** Say what a running job does. @param {OtherJob} job */
export function stageText({ progress: { stage, samples, samples_total: total } }) {
  if (!samples) return stage;
  return `${stage}, ${count(samples)}${total == null ? "" : ` of ${count(total)}`} samples`;
}
