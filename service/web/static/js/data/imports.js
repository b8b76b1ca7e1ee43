// @ts-check
// An import while it runs: what it does, how far it is, and a button that cancels it.
import { catchProblem, send } from "../api.js";
import { h, notice } from "../dom.js";
import { FINAL_STATUSES } from "../events.js";
import { otherName } from "../jobs/other.js";
import { stateElement, watchJob } from "../jobs/live.js";
import { timeLeft } from "../times.js";
import { sentence } from "./words.js";

/** @typedef {import("../types.d.ts").ImportJob} ImportJob */

/**
 * Show an import until it ends. Return the job as it ended; a failed one leaves its error there.
 * @param {ImportJob} job
 * @param {HTMLElement} host
 */
export async function followImport(job, host) {
  const state = h("p", { role: "status" });
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Import progress" });
  const left = h("span");
  const trouble = h("div");
  const cancel = async () => {
    button.disabled = true;
    await catchProblem(
      () => send("POST", `/jobs/${job.id}/cancel`),
      (problem) => {
        button.disabled = false;
        trouble.replaceChildren(notice(problem));
      },
    );
  };
  const attributes = { class: "button", type: "button", "data-writes": true, onclick: cancel };
  const button = h("button", attributes, "Cancel the import");
  const update = () => {
    const { fraction, eta_seconds: seconds } = job.progress;
    state.replaceChildren(stateElement(job));
    progress.value = fraction;
    const known = job.status === "running" && seconds != null;
    left.textContent = known ? `${timeLeft(seconds)} left` : "";
  };
  const name = h("a", { href: `/ui/jobs/${job.id}` }, otherName(job));
  host.replaceChildren(
    h("p", null, name),
    state,
    progress,
    h("p", { class: "small importing-left" }, left),
    h("p", { class: "row" }, button),
    trouble,
  );
  update();
  /** @type {import("../jobs/live.js").Changed<ImportJob>} */
  const changed = (now) => {
    job = now;
    update();
  };
  if (!FINAL_STATUSES.has(job.status)) await watchJob(job, changed, trouble);
  const words = h("p", { class: "small", role: "status" }, "The import was cancelled.");
  host.replaceChildren(
    ...(job.error ? [notice({ ...job.error, detail: sentence(job.error.detail) })] : []),
  );
  if (job.status === "cancelled") host.replaceChildren(words);
  return job;
}
