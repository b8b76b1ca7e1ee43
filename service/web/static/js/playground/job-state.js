// @ts-check
// The job of the training in words, with links to it and to its model.
import { $, h, notice } from "../dom.js";
import { stateElement } from "../jobs/live.js";
import { stateText } from "../jobs/state.js";

let shown = "";

/**
 * Show the state of a job, if it has changed: screen readers announce each change.
 * @param {import("./run.js").Run} run
 */
export function showJob({ job, waiting, cancelled }) {
  const key = `${job?.id} ${job?.status} ${waiting} ${cancelled}`;
  if (key === shown) return;
  shown = key;
  if (!job) {
    $("#job").textContent =
      (cancelled ? "This change has cancelled the training. " : "") +
      "Train to see what each neuron answers.";
    return;
  }
  const text = job.status === "running" ? "running" : stateText(job);
  $("#job").replaceChildren(
    stateElement(job, text),
    `. ${waiting && `${waiting} `}Job: `,
    h("a", { href: `/ui/jobs/${job.id}` }, job.id.slice(0, 6)),
    ...(job.model ? [". Model: ", h("a", { href: `/ui/models/${job.model}` }, job.model)] : []),
  );
  if (job.error) $("#trouble").replaceChildren(notice(job.error));
}
