// @ts-check
// The page of the system: workers, their devices, the queue, the data sets and the versions.
import "./page.js";
import { ProblemError, catchProblem, get } from "./api.js";
import { $, facts, h, notice, numberCell, ready, renew, rowHeader, table } from "./dom.js";
import { bytesText } from "./data/words.js";
import { count } from "./numbers.js";
import { requestLine } from "./request-line.js";
import { systemSentence } from "./system/words.js";
import { workersElement } from "./system/workers.js";
import { localText } from "./times.js";

/** @typedef {import("./types.d.ts").Check} Check */
/** @typedef {import("./types.d.ts").AnyJob} AnyJob */
/** @typedef {{ reachable: boolean, length: number | null, limit: number }} Queue */

/**
 * @typedef {object} Dataset
 * @property {string} name
 * @property {boolean} ready
 * @property {string} detail
 * @property {Record<string, string>} checksums
 */

const REFRESH_MS = 4000;
const UPDATED = `This page updates itself every ${REFRESH_MS / 1000} seconds.`;

/** @param {boolean} good @param {string} yes @param {string} [no] */
const stateCell = (good, yes, no = "") =>
  numberCell(h("span", { class: `state ${good ? "succeeded" : "failed"}` }, good ? yes : no));

/** @param {string} name @param {Element[]} cells */
const row = (name, ...cells) => h("tr", null, rowHeader(name), ...cells);

/**
 * Get the checks of /readyz, which answers 503 if one of them fails.
 * @returns {Promise<Check[]>}
 */
async function getChecks() {
  try {
    return (await get("/readyz")).checks;
  } catch (error) {
    if (error instanceof ProblemError && error.status === 503) return error.checks ?? [];
    throw error;
  }
}

/** Get the running jobs, or none if the request fails. @returns {Promise<AnyJob[]>} */
const getRunningJobs = () =>
  get("/jobs?status=running").then(
    ({ jobs }) => jobs,
    () => [],
  );

/** @param {Queue} queue */
function queueWords({ length, limit }) {
  if (length === null) return ["unknown"];
  const waiting = length ? h("a", { href: "/" }, count(length)) : count(length);
  return [waiting, `; at most ${count(limit)} may wait`];
}

/**
 * @typedef {{ datasets: number | null, used_bytes: number | null, allowed_bytes: number }} Storage
 */

/** Say a number that is null while the store does not answer. @param {number | null} number */
const countText = (number) => (number === null ? "unknown" : count(number));

/** @param {{ queue: Queue, datasets: Dataset[], storage: Storage, models: number | null }} state */
function partsElement({ queue, datasets, storage, models }) {
  const rows = [
    row(
      "Waiting jobs",
      h("td", null, queueWords(queue)),
      stateCell(queue.reachable, "ready", "unreachable"),
    ),
    ...datasets.map(({ name, ready: isReady, detail }) =>
      row(
        `Data set ${name}`,
        h("td", { class: isReady ? null : "fault" }, detail),
        stateCell(isReady, "ready", "wrong or missing"),
      ),
    ),
    row(
      "Uploaded data sets",
      h(
        "td",
        null,
        h("a", { href: "/ui/data" }, countText(storage.datasets)),
        storage.used_bytes === null
          ? ": the store does not answer"
          : `, ${bytesText(storage.used_bytes)} of ${bytesText(storage.allowed_bytes)} used`,
      ),
      numberCell(),
    ),
    row(
      "Trained models",
      h("td", null, h("a", { href: "/ui/models" }, countText(models))),
      numberCell(),
    ),
  ];
  const sums = datasets.flatMap(({ name, checksums }) =>
    Object.entries(checksums).map(([file, md5]) =>
      row(`${name}, ${file}`, h("td", null, h("code", null, md5))),
    ),
  );
  return h(
    "div",
    null,
    table([["Part"], ["What is there"], ["State", true]], rows),
    h(
      "details",
      null,
      h("summary", null, "Checksums of the files"),
      h("p", { class: "small" }, "Workers check the training images when they read them."),
      table([["File"], ["MD5"]], sums),
    ),
  );
}

/** @type {Map<string, string>} */
const shown = new Map();

/**
 * Show a part of the state, if it has changed. So open details stay open.
 * @template T
 * @param {string} id
 * @param {T} state
 * @param {(state: T) => Element} build
 */
function update(id, state, build) {
  const text = JSON.stringify(state);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  renew($(id), build(state));
}

async function show() {
  const [{ workers, queue, datasets, storage, models, versions }, checks, running] =
    await Promise.all([get("/system"), getChecks(), getRunningJobs()]);
  update("#sentence", systemSentence(checks, running.length, queue.length), (text) =>
    h("span", null, text),
  );
  update("#workers", { workers, running }, (state) => workersElement(state, refresh));
  update("#parts", { queue, datasets, storage, models }, partsElement);
  update("#versions", versions, (all) =>
    h("dl", { class: "facts" }, ...facts(Object.entries(all))),
  );
  $("#state").classList.remove("loading");
  shownAt = new Date();
  $("#updated").textContent = UPDATED;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {Date | null} */
let shownAt = null; // when the state was last known

async function refresh() {
  clearTimeout(timer);
  if (!document.hidden) {
    await catchProblem(show, (problem) => {
      shown.delete("#sentence");
      $("#sentence").replaceChildren(notice(problem, refresh));
      $("#updated").textContent = shownAt
        ? `The values on this page are from ${localText(shownAt.toISOString())}.`
        : "";
    });
  }
  timer = setTimeout(refresh, REFRESH_MS);
}

requestLine($("#request"), { method: "GET", path: "/system" })();
await refresh();
ready();
