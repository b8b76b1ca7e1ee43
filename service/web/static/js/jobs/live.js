// @ts-check
// Follow a job while it runs.
import { get } from "../api.js";
import { h, plainButton } from "../dom.js";
import { followEvents } from "../events.js";
import { addMark, learnedLittle, samplesPerSecond, stateText } from "./state.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").AnyJob} AnyJob */
/** @typedef {"status" | "epoch" | "loss" | "progress"} EventType */

/**
 * @template {AnyJob} OneJob
 * @typedef {(job: OneJob, type: EventType, speed: number | null) => void} Changed
 */

/** @type {EventType[]} Each changes at least what those before it change. */
const TYPES = ["progress", "loss", "epoch", "status"];
const ASK_MS = 5000; // how often a page asks what a queued job waits for
const GATHER_MS = 50; // when a page opens, all events of the job arrive at once

/** Show the state of a job as a symbol and words. @param {AnyJob} job */
export const stateElement = (job, text = stateText(job)) =>
  h("span", { class: `state ${learnedLittle(job) ? "guessing" : job.status}` }, text);

/** Make a notice that says when the connection was lost. @param {Element} host */
function lostNotice(host) {
  const age = h("span");
  const reason = h("span");
  let lostSince = 0;
  let retry = () => {};
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let clock;

  const update = () => {
    age.textContent = `${Math.round((Date.now() - lostSince) / 1000)} s ago`;
  };
  return {
    /** @param {number} since @param {string} cause @param {() => void} again */
    show(since, cause, again) {
      lostSince = since;
      retry = again;
      reason.textContent = cause;
      if (host.hasChildNodes()) return; // the button keeps its focus
      update();
      clock = setInterval(update, 1000);
      host.replaceChildren(
        h(
          "div",
          { class: "notice bad", role: "alert" },
          h("b", null, "Connection lost ", age, ". "),
          reason,
          "The job continues without this page, and nothing will be missing here. ",
          "Trying again every 2 s.",
          h("p", { class: "row" }, plainButton("Try now", { onclick: () => retry() })),
        ),
      );
    },
    hide() {
      clearInterval(clock);
      host.replaceChildren();
    },
  };
}

/**
 * Follow a job to its end.
 * @template {AnyJob} OneJob
 * @param {OneJob} job
 * @param {Changed<OneJob>} changed called after one or
 *   more events with the last of their types in `TYPES`; the speed is in samples per second
 * @param {Element} trouble gets a notice while the connection is lost
 * @param {AbortSignal} [signal]
 */
export async function watchJob(job, changed, trouble, signal) {
  const lost = lostNotice(trouble);
  /** @type {import("./state.js").Mark[]} */
  let marks = [];
  let strongest = -1; // place in TYPES
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const report = () => {
    clearTimeout(timer);
    timer = undefined;
    const type = TYPES[strongest];
    strongest = -1;
    if (type && !signal?.aborted) changed(job, type, samplesPerSecond(marks));
  };
  // No event says that other jobs have moved it in the queue, or that workers have come or gone.
  const asking = setInterval(async () => {
    if (job.status !== "queued" || document.hidden || signal?.aborted) return;
    const now = await get(job.links.self).catch(() => null);
    if (now?.status !== "queued" || job.status !== "queued") return; // an event says the rest
    const { queue_position, waiting_for } = now;
    job = { ...job, queue_position, waiting_for };
    changed(job, "progress", null);
  }, ASK_MS);
  const ending = followEvents(
    job.links.events,
    {
      event(type, data) {
        if (type === "status") {
          // Status events leave out the losses and what a queued job waits for.
          const waiting_for = data.status === "queued" ? job.waiting_for : null;
          job = { ...data, losses: job.losses, waiting_for };
        } else if (type === "epoch") {
          const earlier = job.history.filter((row) => row.epoch < data.epoch);
          job.history = [...earlier, data];
        } else if (type === "loss") {
          const earlier = (job.losses ?? []).filter((loss) => loss.samples < data.samples);
          job.losses = [...earlier, data];
        } else if (type === "progress") {
          job.progress = data;
          marks = addMark(marks, { at: performance.now(), samples: data.samples });
        }
        strongest = Math.max(strongest, TYPES.indexOf(/** @type {EventType} */ (type)));
        timer ??= setTimeout(report, GATHER_MS);
      },
      lost: (since, { status, detail }, retry) =>
        lost.show(since, status ? `${detail} ` : "", retry),
      found: lost.hide,
    },
    signal,
  );
  await ending.finally(() => clearInterval(asking));
  report();
  lost.hide();
}
