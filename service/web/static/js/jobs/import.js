// @ts-check
// Imports of uploaded files, in words. Needs no browser.
import { count } from "../numbers.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").ImportJob} ImportJob */

/** Tell whether a job is an import. @param {Job | ImportJob} job @returns {job is ImportJob} */
export const isImport = (job) => job.kind === "import";

/** Keep only the trainings. @param {(Job | ImportJob)[]} jobs @returns {Job[]} */
export const trainingsOf = (jobs) => jobs.filter((job) => !isImport(job));

/** Name an import. @param {ImportJob} job */
export const importName = ({ title, upload }) => title || `Import of ${upload.name}`;

/** Say what a running import does. @param {ImportJob} job */
export function stageText({ progress: { stage, samples, samples_total: total } }) {
  if (!samples) return stage;
  return `${stage}, ${count(samples)}${total == null ? "" : ` of ${count(total)}`} samples`;
}
