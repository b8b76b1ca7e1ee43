// @ts-check
// Event streams of jobs. They are read with fetch, because EventSource cannot send a token.
import { ProblemError, ask, noAnswer } from "./api.js";

export const FINAL_STATUSES = new Set(["succeeded", "failed", "cancelled"]);
const RECONNECT_MS = 2000;
const SILENCE_MS = 20000; // the server sends something at least every five seconds

/** @typedef {{ type: string, data: any, id: string }} JobEvent */

/** @param {string} block lines such as "event: status" */
function parseBlock(block) {
  const fields = block.split("\n").map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  return Object.fromEntries(fields);
}

/**
 * Split the text of a stream into complete events and the rest, the start of another event.
 * Skip comments, which only keep the connection open.
 * @param {string} text
 * @returns {{ events: JobEvent[], rest: string }}
 */
export function parseEvents(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  const events = blocks
    .map(parseBlock)
    .filter((fields) => fields.data)
    .map(({ event, data, id }) => ({ type: event, data: JSON.parse(data), id }));
  return { events, rest };
}

/** Make a timer whose signal aborts when the server has sent nothing for a while. */
function silenceTimer() {
  const controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const stop = () => clearTimeout(timer);
  const restart = () => {
    stop();
    timer = setTimeout(() => controller.abort(), SILENCE_MS);
  };
  restart();
  return { signal: controller.signal, restart, stop };
}

/**
 * Read one event stream to its end.
 * @param {string} path
 * @param {string | null} lastId the stream continues after this event
 * @param {(event: JobEvent) => void} handle
 * @param {AbortSignal} signal
 */
async function readStream(path, lastId, handle, signal) {
  const silence = silenceTimer();
  try {
    const response = await ask(path, {
      headers: lastId ? { "Last-Event-ID": lastId } : {},
      signal: AbortSignal.any([signal, silence.signal]),
    });
    const body = /** @type {ReadableStream<BufferSource>} */ (response.body);
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      silence.restart();
      const { events, rest } = parseEvents(text + value);
      text = rest;
      events.forEach(handle);
    }
  } finally {
    silence.stop();
  }
}

/**
 * Follow a job's events up to its final status. After a lost connection the stream continues
 * after the last event, so no event is missed.
 * @param {string} path
 * @param {object} handlers
 * @param {(type: string, data: any) => void} handlers.event
 * @param {(since: number, problem: ProblemError, retry: () => void) => void} handlers.lost
 *   called after each failed attempt; `retry` tries again immediately
 * @param {() => void} handlers.found called at the first event after a lost connection
 */
export async function followEvents(
  path,
  { event, lost, found },
  signal = new AbortController().signal,
) {
  /** @type {string | null} */
  let lastId = null;
  /** @type {number | null} */
  let lostSince = null;
  let finished = false;

  /** @param {JobEvent} next */
  const handle = ({ type, data, id }) => {
    lastId = id;
    if (lostSince) {
      lostSince = null;
      found();
    }
    event(type, data);
    finished = type === "status" && FINAL_STATUSES.has(data.status);
  };

  while (!finished && !signal.aborted) {
    let problem = noAnswer();
    try {
      await readStream(path, lastId, handle, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ProblemError && error.status === 404) throw error;
      if (error instanceof ProblemError) problem = error;
    }
    if (finished || signal.aborted) return;
    const since = (lostSince ??= Date.now());
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, RECONNECT_MS);
      lost(since, problem, () => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
  }
}
