// @ts-check
// What the page of a job says about the sweep to which the job belongs.
import { $, h } from "../dom.js";
import { paramText, paramWords } from "../sweeps/parameters.js";
import { isTrial } from "./trials.js";

/** Show the sweep of a job, if it has one. @param {import("../types.d.ts").Job} job */
export function showTrial(job) {
  if (!job.sweep) return;
  const name = isTrial(job) ? `Trial ${job.trial}` : "The winner";
  const link = h("a", { href: `/ui/sweeps/${job.sweep}` }, `sweep ${job.sweep}`);
  const params = Object.entries(job.params ?? {})
    .map(([key, value]) => `${paramWords(key)} ${paramText(value)}`)
    .join(", ");
  $("#of-sweep").replaceChildren(`${name} of `, link, params && `: ${params}.`);
  $("#of-sweep").hidden = false;
  if (isTrial(job)) $("main").classList.add("trial");
}
