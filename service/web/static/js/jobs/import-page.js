// @ts-check
// The page of an import: its state and, at the end, its data set. It is updated while it runs. A
// sweep is shown as far as it is a job.
import { catchProblem, send } from "../api.js";
import { $, facts, h, notice, ready, renew } from "../dom.js";
import { FINAL_STATUSES } from "../events.js";
import { labelForm } from "../labels.js";
import { requestLine } from "../request-line.js";
import { localTime, timeLeft } from "../times.js";
import { isImport, otherName } from "./import.js";
import { stateElement, watchJob } from "./live.js";
import { queueFacts } from "./state.js";

/** @typedef {import("../types.d.ts").ImportJob} ImportJob */
/** @typedef {import("../types.d.ts").SweepJob} SweepJob */

/** @param {ImportJob} job @returns {[string, string | HTMLElement][]} */
const importFacts = ({ dataset, upload }) => [
  ["Data set", dataset ? h("a", { href: `/ui/data/${dataset}` }, upload.name) : "—"],
  ["File", `${(upload.bytes / 2 ** 20).toFixed(1)} MiB`],
];

/** @param {ImportJob | SweepJob} job */
function update(job) {
  const { id, progress, status } = job;
  const name = otherName(job);
  document.title = `${name} ${id.slice(0, 6)} · Stepbox`;
  $("#title").textContent = name;
  $("#notes").textContent = job.notes;
  $("#state").replaceChildren(stateElement(job));
  $("#progress").classList.toggle("ended", FINAL_STATUSES.has(status));
  $("#progress").value = progress.fraction;
  const left = status === "running" ? progress.eta_seconds : null;
  $("#left").textContent = left == null ? "" : `${timeLeft(left)} left`;
  const items = facts([
    ...(isImport(job) ? importFacts(job) : []),
    ["Worker", job.worker ? `${job.worker}, attempt ${job.attempts}` : "—"],
    ...queueFacts(job),
    ["Created", localTime(job.created_at)],
    ["Started", localTime(job.started_at)],
    ["Finished", localTime(job.finished_at)],
  ]);
  $("#facts").replaceChildren(...items);
}

/** @param {ImportJob | SweepJob} job @param {string} path */
function updateActions(job, path) {
  $("#problem").replaceChildren(...(job.error ? [notice(job.error)] : []));
  /** @param {{ currentTarget: HTMLButtonElement }} event */
  const cancel = async ({ currentTarget: button }) => {
    button.disabled = true;
    button.textContent = "Cancelling…";
    await catchProblem(
      () => send("POST", `${path}/cancel`),
      (problem) => {
        updateActions(job, path);
        $("#problem").replaceChildren(notice(problem));
      },
    );
  };
  const attributes = { class: "button", type: "button", "data-writes": true, onclick: cancel };
  const over = FINAL_STATUSES.has(job.status);
  const dataset = isImport(job) ? job.dataset : null;
  const see = { class: "button first", href: `/ui/data/${dataset}` };
  renew(
    $("#actions"),
    ...(over ? [] : [h("button", { id: "cancel", ...attributes }, "Cancel")]),
    ...(dataset ? [h("a", see, "See the data set")] : []),
  );
}

/**
 * Show an import or a sweep, and follow it while it runs.
 * @param {ImportJob | SweepJob} job
 * @param {string} path of the job
 */
export async function showOther(job, path) {
  for (const element of ["#loss", "#accuracy"].map((chart) => $(chart).closest("figure"))) {
    element.remove();
  }
  $("#epochs").remove();
  $("#recipe").remove();
  requestLine($("#request"), { method: "GET", path: `${path}/events` })();
  $("#progress").setAttribute("aria-label", "Progress");
  $("#progress").hidden = FINAL_STATUSES.has(job.status);
  update(job);
  updateActions(job, path);
  labelForm(
    path,
    () => job,
    ({ title, notes, tags }) => {
      job = Object.assign(job, { title, notes, tags });
      update(job);
    },
  );
  $("main").classList.remove("loading");
  ready();
  if (FINAL_STATUSES.has(job.status)) return;
  await watchJob(
    job,
    (now, type) => {
      job = now;
      update(job);
      if (type === "status") updateActions(job, path);
    },
    $("#trouble"),
  );
}
