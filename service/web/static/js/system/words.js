// @ts-check
// The state of the system in one sentence. Needs no browser.
import { capitalized } from "../capitalized.js";
import { count } from "../numbers.js";

/** @param {number} n @param {string} state */
const trainings = (n, state) =>
  n === 1 ? `one training is ${state}` : `${n ? count(n) : "no"} trainings are ${state}`;

/** @param {number} running @param {number | null} waiting null if Redis does not answer */
function jobsText(running, waiting) {
  if (waiting === null) return `${trainings(running, "running")}; how many wait is unknown`;
  if (!running && !waiting) return "no training is running or waiting";
  if (!running) return `no training is running, but ${trainings(waiting, "waiting")}`;
  return `${trainings(running, "running")}, and ${waiting ? count(waiting) : "none"} ${
    waiting > 1 ? "are" : "is"
  } waiting`;
}

/**
 * Say what is not ready, what runs, and what waits.
 * @param {import("../types.d.ts").Check[]} checks
 * @param {number} running
 * @param {number | null} waiting
 */
export function systemSentence(checks, running, waiting) {
  const missing = checks
    .filter((check) => !check.ready)
    .map(({ name, detail }) => `${name} (${detail})`);
  const readiness = missing.length ? `Not ready: ${missing.join(", ")}.` : "Everything is ready.";
  return `${readiness} ${capitalized(jobsText(running, waiting))}.`;
}
