// @ts-check
// The curves of several jobs in one chart, while they run.
import { catchProblem, get } from "../api.js";
import { $, h } from "../dom.js";
import { FINAL_STATUSES } from "../events.js";
import { fieldWords } from "../recipes.js";
import { trainingsOf } from "./other.js";
import { bestText, differingField, labelled } from "./values.js";

/** @typedef {import("../types.d.ts").Job} Job */

const REFRESH_MS = 2000;

/**
 * Get trainings. Those that do not exist are left out.
 * @param {string[]} ids
 * @returns {Promise<Job[]>}
 */
async function getJobs(ids) {
  const none = (/** @type {import("../api.js").ProblemError} */ problem) => {
    if (problem.status !== 404) throw problem;
    return null;
  };
  const found = ids.map((id) => catchProblem(() => get(`/jobs/${encodeURIComponent(id)}`), none));
  return trainingsOf((await Promise.all(found)).filter(Boolean));
}

/** Build a link that saved figures leave out. @param {string} href @param {string} text */
const link = (href, text) => h("a", { class: "unsaved", href }, text);

/**
 * Describe the jobs above their curves.
 * @param {ReturnType<typeof labelled>} curves
 * @param {number} wanted
 */
function head(curves, wanted) {
  const jobs = curves.map(({ job }) => job);
  const field = differingField(jobs);
  const models = jobs.map((job) => job.model).filter(Boolean);
  const finished = jobs.filter((job) => FINAL_STATUSES.has(job.status)).length;
  const missing = wanted - jobs.length;
  return [
    h(
      "h2",
      null,
      field ? `${jobs.length} values of the ${fieldWords(field)}` : `${jobs.length} trainings`,
    ),
    h(
      "p",
      { class: "small row" },
      finished < jobs.length ? `${finished} of ${jobs.length} have ended. ` : bestText(curves),
      missing > 0 && `${missing} others do not exist. `,
      models.length > 1 && link(`/ui/models?compare=${models}`, "Compare the models"),
      link("/", "Show the latest job"),
    ),
  ];
}

/**
 * Show jobs together until all have ended.
 * @param {string[]} ids
 * @param {import("../recipes.js").Recipes} recipes
 * @param {(curves: ReturnType<typeof labelled>) => void} draw
 * @param {(problem: import("../api.js").ProblemError) => void} showOutage
 */
export async function showTogether(ids, recipes, draw, showOutage) {
  const refresh = async () => {
    const jobs = await getJobs(ids);
    const curves = labelled(jobs, recipes);
    $("#now-head").replaceChildren(...head(curves, ids.length));
    draw(curves);
    return jobs.every((job) => FINAL_STATUSES.has(job.status));
  };
  const ended = await catchProblem(refresh, showOutage);
  if (!ended) setTimeout(() => showTogether(ids, recipes, draw, showOutage), REFRESH_MS);
}
