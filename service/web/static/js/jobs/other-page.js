// @ts-check
// The page of a job that is no training: its state and, at the end, what it has made. It is updated
// while it runs.
import { catchProblem, send } from "../api.js";
import { $, facts, h, notice, ready, renew } from "../dom.js";
import { FINAL_STATUSES } from "../events.js";
import { labelForm } from "../labels.js";
import { requestLine } from "../request-line.js";
import { localTime, timeLeft } from "../times.js";
import { stateElement, watchJob } from "./live.js";
import { isImport, otherName } from "./other.js";
import { fileButtons, predictionFacts, showPrediction } from "./prediction.js";
import { queueFacts } from "./state.js";
import { webhookFacts } from "./webhook.js";

/** @typedef {import("../types.d.ts").ImportJob} ImportJob */
/** @typedef {import("../types.d.ts").PredictionJob} PredictionJob */
/** @typedef {ImportJob | PredictionJob} OtherJob */

/** @param {ImportJob} job @returns {[string, string | Element][]} */
const importFacts = ({ dataset, upload }) => [
  ["Data set", dataset ? h("a", { href: `/ui/data/${dataset}` }, upload.name) : "—"],
  ["File", `${(upload.bytes / 2 ** 20).toFixed(1)} MiB`],
];

/** The ways to what a job has made. @param {OtherJob} job */
function resultLinks(job) {
  if (!isImport(job)) return fileButtons(job);
  const see = { class: "button first", href: `/ui/data/${job.dataset}` };
  return job.dataset ? [h("a", see, "See the data set")] : [];
}

/** @param {OtherJob} job */
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
    ...(isImport(job) ? importFacts(job) : predictionFacts(job)),
    ["Worker", job.worker ? `${job.worker}, attempt ${job.attempts}` : "—"],
    ...queueFacts(job),
    ...webhookFacts(job),
    ["Created", localTime(job.created_at)],
    ["Started", localTime(job.started_at)],
    ["Finished", localTime(job.finished_at)],
  ]);
  $("#facts").replaceChildren(...items);
}

/** @param {OtherJob} job @param {string} path */
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
  renew(
    $("#actions"),
    ...(over ? [] : [h("button", { id: "cancel", ...attributes }, "Cancel")]),
    ...resultLinks(job),
  );
}

/**
 * Show a job, and follow it while it runs.
 * @param {OtherJob} job
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
  const result = h("section", { class: "stack" });
  $("#request").before(result);
  const showResult = async () => {
    if (isImport(job) || !job.links.result) return;
    const prediction = job;
    await catchProblem(
      () => showPrediction(prediction, result),
      (problem) => result.replaceChildren(notice(problem)),
    );
  };
  await showResult();
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
      if (FINAL_STATUSES.has(job.status)) showResult();
    },
    $("#trouble"),
  );
}
