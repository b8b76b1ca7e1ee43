// @ts-check
// The list of jobs. Each row has the curve of its test loss, and in grey the published one.
import { h, numberCell, s, table } from "../dom.js";
import { percent } from "../numbers.js";
import { nameOf, publishedFor, runName } from "../recipes.js";
import { localTime, timeLeft, timeOrDate, zoneName } from "../times.js";
import { isTraining, otherName } from "./import.js";
import { stateElement } from "./live.js";
import { HEIGHT, WIDTH, sparkPath, sparkX, sparkY } from "./spark.js";
import { lastEpoch, stateText } from "./state.js";

/** @typedef {import("../types.d.ts").Epoch} Epoch */
/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").AnyJob} AnyJob */
/** @typedef {import("../types.d.ts").Recipes} Recipes */

/** @param {Job} job @param {Epoch[] | null} published */
function spark(job, published) {
  const { history } = job;
  const epochs = lastEpoch(job);
  // A trial of a sweep is only validated.
  const rows = history.map(({ epoch, test_loss, validation_loss }) => ({
    epoch,
    test_loss: test_loss ?? validation_loss ?? null,
  }));
  const last = rows.at(-1);
  const orange = "var(--orange)";
  return s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", fill: "none" },
    published && s("path", { d: sparkPath(published, epochs), stroke: "var(--grey)" }),
    rows.length > 1 && s("path", { d: sparkPath(rows, epochs), stroke: orange, "stroke-width": 2 }),
    last?.test_loss != null &&
      s("circle", {
        cx: sparkX(last.epoch, epochs),
        cy: sparkY(last.test_loss),
        r: 2.5,
        fill: orange,
      }),
  );
}

/** @param {AnyJob} job @param {Recipes} recipes */
function nameCell(job, recipes) {
  const name = isTraining(job) ? nameOf(job, recipes) : otherName(job);
  const details = job.title && isTraining(job) ? `${runName(job.recipe, recipes)} · ` : "";
  const priority = job.priority ? ` · priority ${job.priority}` : "";
  const owner = job.submitted_by ? ` · ${job.submitted_by}` : "";
  return h(
    "td",
    null,
    h("a", { href: `/ui/jobs/${job.id}` }, name),
    h("span", { class: "small" }, details + job.id.slice(0, 6) + owner + priority),
  );
}

/** @param {AnyJob} job */
function stateCell(job) {
  const { fraction, eta_seconds } = job.progress;
  const error = job.error && h("span", { class: "small" }, job.error.title);
  if (job.status !== "running") return h("td", null, stateElement(job), error);
  const left = eta_seconds == null ? "" : `, ${timeLeft(eta_seconds)} left`;
  return h(
    "td",
    null,
    stateElement(job, "running"),
    h("progress", { max: 1, value: fraction, "aria-label": "Progress" }),
    h("span", { class: "small" }, stateText(job) + left),
    error,
  );
}

/**
 * @param {AnyJob} job
 * @param {Recipes} recipes
 * @param {Record<string, Epoch[]>} published
 */
function row(job, recipes, published) {
  const last = job.history.at(-1);
  return h(
    "tr",
    null,
    nameCell(job, recipes),
    stateCell(job),
    numberCell(last?.epoch && last.test_accuracy != null ? percent(last.test_accuracy) : "—"),
    h(
      "td",
      { class: "spark" },
      isTraining(job) && job.history.length
        ? spark(job, publishedFor(job.recipe, recipes, published))
        : null,
    ),
    h("td", { class: "n when small" }, localTime(job.created_at, timeOrDate)),
  );
}

/** Build placeholder rows for the time until the jobs are loaded. */
export function placeholder() {
  /** @param {number} length */
  const cell = (length) => h("td", null, h("span", { class: "ghost" }, "—".repeat(length)));
  const rows = [9, 7, 8].map((length) => h("tr", null, cell(length), cell(5)));
  return h("table", { class: "joblist", "aria-busy": "true" }, h("tbody", null, ...rows));
}

/**
 * Build the list of jobs.
 * @param {AnyJob[]} jobs
 * @param {Recipes} recipes
 * @param {Record<string, Epoch[]>} published the published history of each recipe
 */
export function jobList(jobs, recipes, published) {
  if (!jobs.length) {
    const words =
      "No jobs yet. Start a training to see its test loss here, together with the published one.";
    return h("p", { class: "empty" }, words);
  }
  return table(
    [["Run"], ["State"], ["Accuracy", true], ["Test loss"], [`Created, ${zoneName()}`, true]],
    jobs.map((job) => row(job, recipes, published)),
    { class: "joblist" },
  );
}
