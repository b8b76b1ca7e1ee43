// @ts-check
// The workers: their devices, what they do, and the buttons that drain and resume them.
import { catchProblem, send } from "../api.js";
import { $, h, notice, numberCell, plainButton, rowHeader, table } from "../dom.js";
import { isTraining, otherName } from "../jobs/import.js";
import { stateText } from "../jobs/state.js";

/** @typedef {import("../types.d.ts").AnyJob} AnyJob */

/**
 * @typedef {object} Worker
 * @property {string} name
 * @property {{ name: string, detail: string }} device
 * @property {string | null} stalled
 * @property {boolean} draining
 * @property {string | null} too_old
 */

const DRAIN_WORDS =
  " takes no more jobs until you resume it or it is started again. The job that it runs goes " +
  "back to the queue, and another worker continues it from its last checkpoint.";

/** Say what a worker does. @param {Worker} worker @param {AnyJob | undefined} job */
function workerStatus({ stalled, draining, too_old: tooOld }, job) {
  if (draining) return h("span", { class: "state cancelled" }, "draining");
  if (stalled) {
    const words = h("span", { class: "fault block" }, stalled);
    return [h("span", { class: "state failed" }, "stalled"), words];
  }
  if (!job) {
    const words = tooOld && h("span", { class: "block small" }, tooOld);
    return [h("span", { class: "state queued" }, "idle"), words];
  }
  const name = isTraining(job) ? job.recipe.name : otherName(job);
  return h("a", { href: `/ui/jobs/${job.id}` }, `${name}, ${stateText(job)}`);
}

/**
 * Drain or resume a worker, then show the new state.
 * @param {string} name
 * @param {"drain" | "resume"} action
 * @param {() => Promise<void>} refresh
 */
async function change(name, action, refresh) {
  $("#worker-fault").replaceChildren();
  await catchProblem(
    () => send("POST", `/workers/${encodeURIComponent(name)}/${action}`),
    (problem) => $("#worker-fault").replaceChildren(notice(problem)),
  );
  await refresh();
}

/** Ask before a worker drains. @param {string} name @param {() => Promise<void>} refresh */
function askToDrain(name, refresh) {
  const dialog = $("#sure");
  $("#sure-words").replaceChildren(h("b", null, name), DRAIN_WORDS);
  dialog.returnValue = "";
  const answer = () => dialog.returnValue === "yes" && change(name, "drain", refresh);
  dialog.addEventListener("close", answer, { once: true });
  dialog.showModal();
}

/** @param {Worker} worker @param {() => Promise<void>} refresh */
function actionButton({ name, draining }, refresh) {
  const onclick = () => (draining ? change(name, "resume", refresh) : askToDrain(name, refresh));
  const attributes = { id: `change-${name}`, "data-writes": true, "data-shared": true, onclick };
  const button = plainButton(draining ? "Resume" : "Drain", attributes);
  button.append(h("span", { class: "sr" }, ` ${name}`));
  return button;
}

/**
 * Build the table of the workers.
 * @param {{ workers: Worker[], running: AnyJob[] }} state
 * @param {() => Promise<void>} refresh what shows the state after a button was pressed
 */
export function workersElement({ workers, running }, refresh) {
  if (!workers.length) {
    return h("p", { class: "empty" }, "No worker has sent a heartbeat recently. Jobs stay queued.");
  }
  const rows = workers.map((worker) => {
    const { name, device } = worker;
    const detail = h("span", { class: "small block" }, device.detail);
    const deviceCell = h("td", null, h("b", null, device.name), detail);
    const job = running.find((one) => one.worker === name);
    const action = h("span", { class: "block" }, actionButton(worker, refresh));
    return h(
      "tr",
      null,
      rowHeader(name),
      deviceCell,
      numberCell(workerStatus(worker, job), action),
    );
  });
  return table([["Worker"], ["Device, and why it was chosen"], ["Status", true]], rows);
}
