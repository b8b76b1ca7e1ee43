// @ts-check
// The page of all data sets: a list, the imports that run, and a form that uploads another one.
import "./page.js";
import { catchProblem, get } from "./api.js";
import { followImport } from "./data/imports.js";
import { cutOut, getBitmap } from "./data/pictures.js";
import { startUpload } from "./data/upload.js";
import {
  bytesText,
  evenlySpaced,
  firstOf,
  isBuiltIn,
  pageOf,
  plural,
  sizeText,
  trainingOn,
} from "./data/words.js";
import { $, h, notice, ready, whenSeen } from "./dom.js";
import { isImport } from "./jobs/other.js";
import { localTime, timeOrDate } from "./times.js";

/** @typedef {import("./data/words.js").Dataset} Dataset */
/** @typedef {import("./types.d.ts").ImportJob} ImportJob */

const STRIP = 8; // images
const COLUMNS = 6; // names

let room = Infinity; // bytes that are left of the quota

/**
 * Show images from all over the test split, which may be sorted by class.
 * @param {Dataset} dataset
 */
function strip({ id, shape, test }) {
  const element = h("div", { class: "strip8", "aria-hidden": "true" });
  const places = evenlySpaced(test.samples, STRIP).map((index) => ({
    index,
    canvas: h("canvas", { width: shape[1], height: shape[0] }),
  }));
  element.append(...places.map(({ canvas }) => canvas));
  whenSeen(element, async () => {
    await Promise.all(
      places.map(({ index, canvas }) =>
        catchProblem(
          async () =>
            canvas.replaceWith(
              cutOut(await getBitmap(`/datasets/${id}/test/${index}.png`), 0, shape),
            ),
          () => {}, // the data set was deleted; its place stays empty
        ),
      ),
    );
  });
  return element;
}

/** @param {Dataset} dataset */
function entry(dataset) {
  const { title, kind, columns, warnings, created_at: created } = dataset;
  const notes = [
    isBuiltIn(dataset) ? "built in" : h("span", null, "uploaded ", localTime(created, timeOrDate)),
    warnings.length ? h("span", null, `▲ ${plural(warnings.length, "warning")}`) : null,
  ].filter(Boolean);
  const names = columns ? firstOf(columns, COLUMNS) : "columns without names";
  return h(
    "li",
    null,
    h("h3", null, h("a", { href: pageOf(dataset) }, title)),
    h("p", null, sizeText(dataset)),
    kind === "images" ? strip(dataset) : h("p", { class: "small columns" }, names),
    h(
      "p",
      { class: "small row" },
      ...notes,
      h(
        "a",
        { href: trainingOn(dataset), "data-writes": true },
        "Train on it",
        h("span", { class: "sr" }, `: ${title}`),
      ),
    ),
  );
}

async function showList() {
  const [{ datasets }, { storage }] = await Promise.all([get("/datasets"), get("/system")]);
  const { used_bytes: used, allowed_bytes: allowed } = storage;
  room = allowed - (used ?? 0); // the API checks it again
  $("#datasets").replaceChildren(...datasets.map(entry));
  $("#storage").textContent =
    used === null
      ? "It is not known how much the uploaded data sets take: the store does not answer."
      : `Uploaded data sets take ${bytesText(used)} of the ${bytesText(allowed)} that are allowed.`;
  if (datasets.every(isBuiltIn)) {
    $("#none").textContent = "These are built in. Your own will appear here too.";
  } else $("#none").textContent = "";
}

/** Follow the imports that began before this page was opened. @returns {Promise<ImportJob[]>} */
async function runningImports() {
  const pages = await Promise.all(
    ["running", "queued"].map((status) => get(`/jobs?status=${status}&limit=100`)),
  );
  return pages.flatMap(({ jobs }) => jobs).filter(isImport);
}

/** @param {ImportJob} job */
async function showImport(job) {
  const host = h("li");
  $("#imports").append(host);
  const { status, dataset } = await followImport(job, host);
  if (status !== "failed") host.remove();
  if (dataset) await showList();
}

/** @param {import("./api.js").ProblemError} problem */
const showTrouble = (problem) => $("#trouble").append(notice(problem));

startUpload(() => room);
// Without Redis, the data sets can still be seen.
const [running] = await Promise.all([
  catchProblem(runningImports, showTrouble),
  catchProblem(showList, showTrouble),
]);
ready();
for (const job of running ?? []) catchProblem(() => showImport(job), showTrouble);
