// @ts-check
// The state of the system in one sentence. Needs no browser.
import { count } from "../numbers.js";

/** @param {number} n number of running trainings */
function runningText(n) {
  if (n === 0) return "No training is running";
  return n === 1 ? "One training is running" : `${n} trainings are running`;
}

/** @param {number | null} n number of queued jobs; null if Redis does not answer */
function waitingText(n) {
  if (n === null) return "and the length of the queue is unknown";
  if (n === 0) return "none is waiting";
  return n === 1 ? "one is waiting" : `${count(n)} are waiting`;
}

/**
 * Say what is not ready, what runs, and what waits.
 * @param {import("../types.d.ts").Check[]} checks
 * @param {number} running
 * @param {number | null} waiting
 */
export function systemSentence(checks, running, waiting) {
  const missing = checks.filter((check) => !check.ready).map((check) => check.name);
  const readiness = missing.length ? `Not ready: ${missing.join(", ")}.` : "Everything is ready.";
  return `${readiness} ${runningText(running)}, ${waitingText(waiting)}.`;
}
