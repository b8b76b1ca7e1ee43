// @ts-check
// The page of the system: workers, their devices, the queue, the data sets and the versions.
import "./page.js";
import { ProblemError, catchProblem, get } from "./api.js";
import { $, facts, h, notice, numberCell, ready, renew, rowHeader, table } from "./dom.js";
import { count } from "./numbers.js";
import { requestLine } from "./request-line.js";
import { systemSentence } from "./system/words.js";

/** @typedef {import("./types.d.ts").Check} Check */
/** @typedef {import("./types.d.ts").Job} Job */
/** @typedef {{ name: string, device: { name: string, detail: string } }} Worker */
/** @typedef {{ reachable: boolean, length: number | null, limit: number }} Queue */

/**
 * @typedef {object} Dataset
 * @property {string} name
 * @property {boolean} ready
 * @property {string} detail
 * @property {Record<string, string>} checksums
 */

const REFRESH_MS = 4000;

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

/** Get the running jobs, or none if the request fails. @returns {Promise<Job[]>} */
const getRunningJobs = () =>
  get("/jobs?status=running").then(
    ({ jobs }) => jobs,
    () => [],
  );

/** @param {Job | undefined} job */
function activity(job) {
  if (!job) return h("span", { class: "state queued" }, "idle");
  const { id, recipe, progress } = job;
  const words = `${recipe.name}, epoch ${Math.max(1, progress.epoch)} of ${recipe.epochs}`;
  return h("a", { href: `/ui/jobs/${id}` }, words);
}

/** @param {Worker[]} workers @param {Job[]} running */
function workersElement(workers, running) {
  if (!workers.length) {
    return h("p", { class: "empty" }, "No worker has sent a heartbeat recently. Jobs stay queued.");
  }
  const rows = workers.map(({ name, device }) => {
    const detail = h("span", { class: "small block" }, device.detail);
    const deviceCell = h("td", null, h("b", null, device.name), detail);
    const job = running.find((one) => one.worker === name);
    return row(name, deviceCell, numberCell(activity(job)));
  });
  return table([["Worker"], ["Device, and why it was chosen"], ["Activity", true]], rows);
}

/** @param {Queue} queue */
function queueElement({ reachable, length, limit }) {
  const words = length === null ? "unknown" : `${count(length)} of at most ${count(limit)}`;
  const state = stateCell(reachable, "reachable", "unreachable");
  return table(
    [["Queue"], ["Waiting jobs"], ["State", true]],
    [row("Redis", h("td", null, words), state)],
  );
}

/** @param {Dataset} dataset */
function datasetRows({ name, ready: isReady, detail, checksums }) {
  return Object.entries(checksums).map(([file, md5], i) => {
    const title = file.replace(/-idx.*/, "").replace("t10k", "test");
    const fault = i === 0 && !isReady && h("span", { class: "fault block" }, detail);
    const state = file.startsWith("t10k")
      ? stateCell(isReady, "as published", "wrong or missing")
      : h("td", { class: "n small" }, "checked by workers");
    return row(`${name} ${title}`, h("td", null, h("code", null, md5), fault), state);
  });
}

/** @param {Check[]} checks @param {number} models */
function checksElement(checks, models) {
  const rows = checks.map((check) =>
    row(check.name, h("td", null, check.detail), stateCell(check.ready, "ready", "not ready")),
  );
  const store = row(
    "models",
    h("td", null, `${count(models)} in the store`),
    stateCell(true, "ready"),
  );
  return table([["Component"], ["Result"], ["State", true]], [...rows, store]);
}

async function show() {
  const [{ workers, queue, datasets, models, versions }, checks, running] = await Promise.all([
    get("/system"),
    getChecks(),
    getRunningJobs(),
  ]);
  $("#sentence").textContent = systemSentence(checks, running.length, queue.length);
  renew($("#workers"), workersElement(workers, running));
  $("#queue").replaceChildren(queueElement(queue));
  const headers = /** @type {import("./dom.js").Header[]} */ ([["File"], ["MD5"], ["State", true]]);
  $("#datasets").replaceChildren(table(headers, datasets.flatMap(datasetRows)));
  $("#ready").replaceChildren(checksElement(checks, models));
  $("#versions").replaceChildren(h("dl", { class: "facts" }, ...facts(Object.entries(versions))));
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

async function refresh() {
  clearTimeout(timer);
  if (!document.hidden) {
    await catchProblem(show, (problem) => $("#sentence").replaceChildren(notice(problem, refresh)));
  }
  timer = setTimeout(refresh, REFRESH_MS);
}

requestLine($("#request"), { method: "GET", path: "/system" })();
await refresh();
ready();
