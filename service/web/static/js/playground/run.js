// @ts-check
// One training: its job, the frames that its events bring, and the pace at which they are shown.
import { catchProblem, get, post, send } from "../api.js";
import { FINAL_STATUSES, followEvents } from "../events.js";

/** @typedef {import("./course.js").Frame} Frame */
/** @typedef {import("../types.d.ts").Job} Job */

const FRAME_MS = 1000 / 30; // between two frames while they play
const CALM_MS = 1000; // the same for people who want less motion
const WAITING_MS = 1500; // queued for so long, a job needs an explanation

/**
 * @typedef {object} Run
 * @property {Job | null} job
 * @property {Frame[]} frames
 * @property {number} shown index of the frame that is shown
 * @property {number} wanted index of the frame to show while the run does not play
 * @property {boolean} playing whether the next frames follow by themselves
 * @property {string} waiting why the job waits; "" if it does not, or not for long
 * @property {boolean} cancelled whether the run before this one was cancelled to forget it
 */

/**
 * Make what runs trainings, one at a time.
 * @param {() => void} changed called when another frame is shown, or the job has changed
 * @param {(problem: { title: string, detail: string } | null) => void} fail
 *   called with a problem, and with null once it is over
 */
export function createRunner(changed, fail) {
  /** @type {Run} */
  let run = emptyRun();
  let following = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function stop() {
    clearTimeout(timer);
    timer = undefined;
  }

  /** Show the next frame now and then, while the run is playing. */
  function play() {
    if (timer || !run.playing) return;
    const last = run.frames.length - 1;
    if (run.shown < last) {
      run.shown = calm.matches ? last : run.shown + 1;
      changed();
      timer = setTimeout(
        () => {
          timer = undefined;
          play();
        },
        calm.matches ? CALM_MS : FRAME_MS,
      );
    } else if (run.job && FINAL_STATUSES.has(run.job.status)) {
      run.playing = false;
      changed();
    }
  }

  /** @param {Frame} frame */
  function addFrame(frame) {
    if (frame.step <= (run.frames.at(-1)?.step ?? -1)) return;
    run.frames.push(frame);
    if (run.playing && run.frames.length > 1) return play();
    run.shown = Math.min(run.wanted, run.frames.length - 1);
    changed();
  }

  /** @param {Run} current */
  async function explainWaiting(current) {
    await new Promise((resolve) => setTimeout(resolve, WAITING_MS));
    if (run !== current || current.job?.status !== "queued") return;
    current.waiting = await waitingText().catch(() => "");
    if (run === current) changed();
  }

  /** @param {string} id @param {Partial<Run>} options */
  async function follow(id, options) {
    const current = (run = { ...emptyRun(), ...options });
    const { signal } = (following = new AbortController());
    const handlers = {
      event(/** @type {string} */ type, /** @type {any} */ data) {
        if (run !== current) return;
        if (type === "frame") addFrame(data);
        if (type !== "status") return;
        const wasUnknown = !current.job;
        current.job = data;
        if (data.status !== "queued") current.waiting = "";
        if (wasUnknown && data.status === "queued") explainWaiting(current);
        changed();
        play();
      },
      lost: (/** @type {number} */ _since, /** @type {any} */ problem) => fail(problem),
      found: () => fail(null),
    };
    await catchProblem(
      () => followEvents(`/jobs/${id}/events`, handlers, signal),
      (problem) => run === current && fail(problem),
    );
  }

  function forget() {
    stop();
    following.abort();
    const { job } = run;
    const cancelled = job != null && !FINAL_STATUSES.has(job.status);
    run = { ...emptyRun(), cancelled };
    fail(null);
    if (cancelled) {
      send("POST", `/jobs/${job.id}/cancel`).catch(() => {}); // it may just have ended
    }
  }

  return {
    get: () => run,
    forget,
    /** Train, and show the frames as they arrive. @param {object} body of POST /train */
    async train(body) {
      forget();
      const job = await post("/train", body);
      follow(job.id, { playing: true });
    },
    /**
     * Follow an earlier job.
     * @param {string} id
     * @param {number} wanted index of the frame to show; Infinity for the last one
     */
    open: (id, wanted) => follow(id, { wanted }),
    cancel: () => (run.job ? send("POST", `/jobs/${run.job.id}/cancel`) : null),
    /** Show a frame, and stop playing. @param {number} index */
    show(index) {
      stop();
      run.playing = false;
      run.wanted = run.shown = Math.max(0, Math.min(index, run.frames.length - 1));
      changed();
    },
    /** Play on, or from the start if the last frame is shown; or pause. */
    toggle() {
      run.playing = !run.playing;
      if (!run.playing) stop();
      else if (run.shown === run.frames.length - 1) run.shown = 0;
      changed();
      play();
    },
  };
}

/** @returns {Run} */
const emptyRun = () => ({
  job: null,
  frames: [],
  shown: -1,
  wanted: 0,
  playing: false,
  waiting: "",
  cancelled: false,
});

/** Say why a job is still queued. */
async function waitingText() {
  const { workers } = await get("/system");
  return workers.length
    ? "It starts once a worker is free."
    : "No worker is running. The training starts once there is one.";
}
