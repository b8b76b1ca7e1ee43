// @ts-check
// The page of one job, updated while it runs.
import "./page.js";
import { catchProblem, get, send } from "./api.js";
import { chart } from "./chart.js";
import { datasetOf, sizesOf, unitOf } from "./datasets.js";
import { MEAN_WORDS, trainLossWords } from "./curve-words.js";
import { NARROW, accuracyCurve, lossCurves } from "./curves.js";
import { $, facts, h, notice, ready, renew } from "./dom.js";
import { FINAL_STATUSES } from "./events.js";
import { epochTable } from "./jobs/epoch-table.js";
import {
  epochText,
  fieldName,
  finalFigures,
  layersOf,
  lowestLossText,
  tookText,
  trainingTime,
} from "./jobs/facts.js";
import { isTraining } from "./jobs/import.js";
import { showLearned } from "./jobs/learned.js";
import { stateElement, watchJob } from "./jobs/live.js";
import { hintText, lastEpoch, queueFacts, stateText } from "./jobs/state.js";
import { labelForm } from "./labels.js";
import { count, fixed, percent, speed } from "./numbers.js";
import {
  datasetName,
  fieldValue,
  formAddress,
  loadRecipes,
  nameOf,
  publishedFor,
  runName,
} from "./recipes.js";
import { requestLine } from "./request-line.js";
import { localTime, timeLeft } from "./times.js";
import { savable } from "./save-figure.js";
import { curveRows } from "./save/csv.js";

/** @typedef {import("./types.d.ts").Job} Job */
/** @typedef {import("./types.d.ts").Published} Published */

const id = $("main").dataset.id;
const path = `/jobs/${encodeURIComponent(id)}`;
/** @type {Job} */
let job;
/** @type {import("./recipes.js").Recipes} */
let recipes = {};
/** @type {number | null} */
let rate = null;

function longStateText() {
  if (job.status === "running") return `running, ${stateText(job)}`;
  if (job.status !== "succeeded") return stateText(job);
  const accuracy = job.history.at(-1)?.test_accuracy;
  return stateText(job) + (accuracy == null ? "" : `: test accuracy ${percent(accuracy)}`);
}

function updateProgress() {
  const { status, progress } = job;
  const running = status === "running";
  const ended = FINAL_STATUSES.has(status);
  const done = `${Math.round(100 * progress.fraction)} %`;
  const name = nameOf(job, recipes);
  document.title = `${running ? `${done} · ` : ""}${name} ${id.slice(0, 6)} · Stepbox`;
  $("#title").textContent = name;
  $("#notes").textContent = job.notes;
  const text = longStateText();
  if ($("#state .state")?.textContent !== text) {
    const hint = h("span", { class: "block small" }, hintText(job));
    $("#state").replaceChildren(stateElement(job, text), hint);
  }
  $("#progress").classList.toggle("ended", ended); // it keeps its space
  $("#progress").value = progress.fraction;
  $("#progress").textContent = done;
  $("#speed").textContent =
    running && rate ? speed(rate, unitOf(job.recipe)) : ended ? tookText(job) : "";
  const left = running ? progress.eta_seconds : null;
  const next =
    job.model && h("a", { href: `/ui/predict?models=${job.model}` }, "Try it in Predict");
  $("#left").replaceChildren(left == null ? (next ?? "") : `${timeLeft(left)} left`);
}

/** @param {{ currentTarget: HTMLButtonElement }} event */
async function cancel({ currentTarget: button }) {
  button.disabled = true;
  button.textContent = "Cancelling…";
  await catchProblem(
    () => send("POST", `${path}/cancel`),
    (problem) => {
      updateActions();
      $("#problem").replaceChildren(notice(problem));
    },
  );
}

function updateActions() {
  const buttons = [];
  if (!FINAL_STATUSES.has(job.status)) {
    const attributes = {
      class: "button",
      type: "button",
      id: "cancel",
      "data-writes": true,
      onclick: cancel,
    };
    buttons.push(h("button", attributes, "Cancel"));
  }
  if (job.model) {
    buttons.push(
      h("a", { class: "button first", href: `/ui/models/${job.model}` }, "See the model"),
    );
  }
  if (job.model) {
    const steps = { class: "button", href: `/ui/models/${job.model}/steps` };
    buttons.push(h("a", steps, "Open a step"));
  }
  const again = formAddress(job.recipe, recipes, job.title);
  const change = { class: "button", href: again, "data-writes": true };
  buttons.push(h("a", change, "Change and run again"));
  renew($("#actions"), ...buttons);
  $("#problem").replaceChildren(...(job.error ? [notice(job.error)] : []));
}

function updateFacts() {
  const { device, worker, attempts, peak_memory: memory } = job;
  const { name, ...fields } = job.recipe;
  const title = datasetName(fields.dataset);
  const page = `/ui/data/${encodeURIComponent(String(fields.dataset))}`;
  const dataset = datasetOf(fields.dataset) ? h("a", { href: page }, title) : title;
  /** @type {[string, string][]} */
  const labels = [];
  if (job.title) labels.push(["Recipe", runName(job.recipe, recipes)]);
  if (job.tags?.length) labels.push(["Tags", job.tags.join(", ")]);
  const items = facts([
    ...labels,
    ["Data set", dataset],
    ["Layers", layersOf(job)],
    ["Device", device ?? "—"],
    ["Worker", worker ? `${worker}, attempt ${attempts}` : "—"],
    ...queueFacts(job),
    ["Training time", trainingTime(job)],
    ["Time per epoch", epochText(job)],
    ["Peak memory", memory ? `${count(Math.round(memory / 2 ** 20))} MiB` : "—"],
    ["Created", localTime(job.created_at)],
    ["Started", localTime(job.started_at)],
    ["Finished", localTime(job.finished_at)],
    ["Lowest test loss", lowestLossText(job)],
    ...finalFigures(job),
  ]);
  $("#facts").replaceChildren(...items);
  $("#recipe dl")?.remove();
  const values = Object.entries(fields).map(
    ([key, value]) => /** @type {[string, string]} */ ([fieldName(key), fieldValue(key, value)]),
  );
  $("#recipe").append(h("dl", { class: "facts" }, ...facts([["Recipe", name], ...values])));
}

function updateTable() {
  if (!$("#epochs").open) return;
  $("#epochs table")?.remove();
  $("#epochs").append(epochTable(job.history));
}

function updateCaption() {
  const losses = job.losses ?? [];
  const none = FINAL_STATUSES.has(job.status) && !losses.length; // of an earlier version
  const words = none ? MEAN_WORDS : trainLossWords(losses, lastEpoch(job), unitOf(job.recipe));
  if ($("#loss-train").textContent !== words) $("#loss-train").textContent = words;
}

/**
 * Draw the curves over those that the source published. Return a function that draws them again.
 * @param {Published | null} published
 */
function drawCurves(published) {
  const mean = published?.mean_test_accuracy;
  const points = (published?.history ?? []).filter((row) => row.test_accuracy != null);
  const greyIsPublished = "Grey: the curves of the coursework that Stepbox reproduces.";
  const order =
    job.recipe.shuffle === false &&
    "Every epoch takes the samples in the same order, so its line repeats a pattern.";
  const dashed = job.recipe.validation && "Dashed: the validation loss after each epoch.";
  if (dashed) $("#accuracy-words").textContent = " Dashed: the validation accuracy.";
  $("#loss-published").textContent = [dashed, published && greyIsPublished, order]
    .filter(Boolean)
    .join(" ");
  if (mean) {
    const words = `The coursework’s ${fixed(100 * mean, 2)} % is the mean over all epochs`;
    const meaning = "A final accuracy above it does not mean that this run is better.";
    $("#accuracy-words").textContent = ` ${words}, including the early ones. ${meaning}`;
  } else if (points.length) {
    $("#accuracy-words").textContent = ` ${greyIsPublished}`;
  }
  const references = mean ? [{ value: mean, text: "published mean", short: "publ. mean" }] : [];
  const drawLoss = chart($("#loss"), (width) => {
    const height = width < NARROW ? 260 : 340;
    const { history, losses } = job;
    const epochs = lastEpoch(job);
    const sizes = sizesOf(job.recipe);
    const past = published?.history;
    return lossCurves({ width, height, history, losses, published: past, epochs, sizes });
  });
  const drawAccuracy = chart($("#accuracy"), (width) => {
    const epochs = lastEpoch(job);
    const past = points.filter((row) => row.epoch <= epochs);
    return accuracyCurve({ width, history: job.history, epochs, published: past, references });
  });
  savable($("#loss").closest("figure"), {
    name: `loss-${id}`,
    rows: () =>
      curveRows(job.history, {
        losses: job.losses,
        published: published?.history,
        trained: sizesOf(job.recipe)?.trained,
      }),
  });
  savable($("#accuracy").closest("figure"), {
    name: `accuracy-${id}`,
    rows: () =>
      curveRows(job.history, { published: points, trained: sizesOf(job.recipe)?.trained }),
  });
  return () => {
    updateCaption();
    drawLoss();
    drawAccuracy();
  };
}

async function showJob() {
  const [found, { recipes: published }, allRecipes] = await Promise.all([
    get(path),
    get("/published"),
    loadRecipes(),
  ]);
  if (!isTraining(found)) return (await import("./jobs/import-page.js")).showOther(found, path);
  job = found;
  recipes = allRecipes;
  const redraw = drawCurves(publishedFor(job.recipe, recipes, published));
  requestLine($("#request"), { method: "GET", path: `${path}/events` })();
  /** @param {string} [event] */
  const updateAll = (event) => {
    updateProgress();
    if (event !== "epoch") updateActions();
    updateFacts();
    updateTable();
    redraw();
  };
  $("#progress").hidden = FINAL_STATUSES.has(job.status);
  updateAll();
  labelForm(
    path,
    () => job,
    ({ title, notes, tags }) => {
      job = Object.assign(job, { title, notes, tags });
      updateAll();
    },
  );
  $("main").classList.remove("loading");
  ready();
  if (FINAL_STATUSES.has(job.status)) return;
  const updateLearned = showLearned(job, path);
  /** @type {import("./jobs/live.js").Changed<Job>} */
  const changed = (now, type, newRate) => {
    job = now;
    rate = newRate ?? rate;
    updateLearned(job, type);
    if (type === "status" || type === "epoch") return updateAll(type);
    updateProgress();
    if (type === "loss") redraw();
  };
  await watchJob(job, changed, $("#trouble"));
}

$("#epochs").addEventListener("toggle", updateTable);
await catchProblem(showJob, (problem) => {
  const link = h("a", { href: "/" }, "See all jobs");
  if (problem.status === 404) {
    $("#title").textContent = "No such job";
    const words = "No job has this id. It may have been deleted. ";
    $("#problem").replaceChildren(h("p", null, words, link, "."));
  } else $("#problem").replaceChildren(notice(problem));
  $("main").classList.replace("loading", "nothing");
  ready();
});
