// @ts-check
// The page of all jobs: the training form, the running or latest training, and the list.
import "./page.js";
import { catchProblem, get } from "./api.js";
import { sizesOf, unitOf } from "./datasets.js";
import { guessingLoss } from "./guessing.js";
import { MEAN_WORDS, trainLossWords } from "./curve-words.js";
import { $, h, notice, plainButton, ready, renew } from "./dom.js";
import { showEarlier, startForm } from "./jobs/form.js";
import { trainingsOf } from "./jobs/import.js";
import { jobList, placeholder } from "./jobs/list.js";
import { stateElement, watchJob } from "./jobs/live.js";
import { lastEpoch, olderThan, stateText } from "./jobs/state.js";
import { showTogether } from "./jobs/together.js";
import { MOST_VALUES } from "./jobs/values.js";
import { fixed, percent, speed } from "./numbers.js";
import { loadRecipes, nameOf, publishedFor } from "./recipes.js";
import { query } from "./request-line.js";
import { timeLeft } from "./times.js";
import { savable } from "./save-figure.js";
import { curveRows, namedRows } from "./save/csv.js";

/** @typedef {import("./types.d.ts").Job} Job */
/** @typedef {import("./types.d.ts").Epoch} Epoch */

const REFRESH_MS = 2500;
const REDRAW_MS = 100;
const PLACEHOLDER_MS = 300; // shorter waits show no placeholder
const DEFAULT_CURVE = { name: "fashion-mnist-torch", epochs: 60 };

/** Get the history of each published run, by the name of its recipe. */
async function loadPublished() {
  /** @type {{ recipes: Record<string, import("./types.d.ts").Published> }} */
  const answer = await get("/published");
  return Object.fromEntries(
    Object.entries(answer.recipes).map(([name, { history }]) => [name, history]),
  );
}

const waiting = setTimeout(() => $("#rows").replaceChildren(placeholder()), PLACEHOLDER_MS);
const [recipes, published] = await Promise.all([loadRecipes(), loadPublished()]);
startForm(recipes);
ready();

// The jobs to show together, or none: then the training that runs now, or the latest one, is shown.
const together = query.get("compare")?.split(",").slice(0, MOST_VALUES) ?? [];
/** @type {ReturnType<typeof import("./jobs/values.js").labelled>} */
let curves = [];
/** @type {Job | null} */
let shown = null;
let drawNow = () => {}; // replaced when the chart libraries are loaded
/** @type {ReturnType<typeof setTimeout> | undefined} */
let drawing;
/** @type {AbortController | null} */
let watching = null;
/** @type {number | null} */
let rate = null;

// These elements are kept while a training runs, so they keep the focus and react to clicks.
const state = h("span");
const bar = h("progress", { max: 1, value: 0, "aria-label": "Training progress" });
const speedText = h("span");
const leftText = h("span");
const below = h("p", { class: "small row" }, speedText, leftText);
const trouble = h("div");

/** Draw the curves soon. When a page opens, the losses so far arrive in hundreds of events. */
function draw() {
  drawing ??= setTimeout(() => {
    drawing = undefined;
    updateCaption();
    drawNow();
  }, REDRAW_MS);
}

/** Explain the dotted line. @param {number} classes */
function dottedWords(classes) {
  const loss = fixed(guessingLoss(classes), 3);
  return `The dotted line is the loss of guessing: ln ${classes} = ${loss} nats.`;
}

const EXAMPLE_SIZES = sizesOf(recipes[DEFAULT_CURVE.name]);

/** @param {Job} job */
const publishedOf = ({ recipe }) => publishedFor(recipe, recipes, published);

function updateHead() {
  if (shown) {
    const link = h("a", { href: `/ui/jobs/${shown.id}` }, nameOf(shown, recipes));
    const title = h("div", { class: "row" }, h("h2", null, link), state);
    $("#now-head").replaceChildren(title, bar, below, trouble);
  } else {
    const run = `An example: ${DEFAULT_CURVE.name}, ${DEFAULT_CURVE.epochs} epochs`;
    const hint = "The losses that the coursework published. Start a training to see its own here.";
    $("#now-head").replaceChildren(h("h2", null, run), h("p", { class: "small" }, hint));
  }
}

function updateCaption() {
  if (!shown) {
    $("#now-caption").textContent = EXAMPLE_SIZES ? dottedWords(EXAMPLE_SIZES.classes) : "";
    return;
  }
  const { losses, recipe } = shown;
  const sizes = sizesOf(recipe);
  $("#now-caption").replaceChildren(
    h("b", { class: "blue" }, "Train"),
    ` ${losses?.length ? trainLossWords(losses, lastEpoch(shown), unitOf(recipe)) : MEAN_WORDS}; `,
    h("b", { class: "orange" }, "test"),
    " loss, after each epoch. ",
    recipe.validation ? "Dashed: the validation loss. " : "",
    publishedOf(shown) ? "Grey: the published losses of this recipe. " : "",
    sizes ? dottedWords(sizes.classes) : "",
  );
}

function updateProgress() {
  if (!shown) return;
  const { status, device, history, progress } = shown;
  const running = status === "running";
  if (state.textContent !== stateText(shown)) state.replaceChildren(stateElement(shown));
  bar.hidden = !running;
  bar.value = progress.fraction;
  const last = history.at(-1);
  const accuracy =
    last?.epoch && last.test_accuracy != null
      ? `Test accuracy ${percent(last.test_accuracy)} after epoch ${last.epoch}`
      : "";
  speedText.textContent =
    running && rate ? `${speed(rate, unitOf(shown.recipe))} on ${device ?? "…"}` : accuracy;
  const left = running ? progress.eta_seconds : null;
  leftText.textContent = left == null ? "" : `${timeLeft(left)} left`;
}

/** Show a job above the list, and follow it while it runs. @param {Job | null} job */
function present(job) {
  if (job?.id === shown?.id && $("#now-head").hasChildNodes()) return;
  watching?.abort();
  shown = job;
  rate = null;
  updateHead();
  updateCaption();
  updateProgress();
  drawNow();
  if (job?.status !== "running") return;
  watching = new AbortController();
  /** @type {import("./jobs/live.js").Changed<Job>} */
  const changed = (now, type, newRate) => {
    shown = now;
    rate = newRate ?? rate;
    updateProgress();
    if (type !== "progress") draw();
    if (type === "status") refresh();
  };
  catchProblem(
    () => watchJob(job, changed, trouble, watching?.signal),
    (problem) => {
      if (problem.status !== 404) throw problem; // 404: the job was deleted
    },
  );
}

// The list is refreshed while the page is visible.
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @typedef {import("./types.d.ts").AnyJob} AnyJob */
/** @type {AnyJob[]} */
let newest = [];
/** @type {AnyJob[]} */
let older = [];
/** @type {string | null} */
let cursor = null;

/** @param {import("./api.js").ProblemError} problem */
function showOutage({ detail }) {
  clearTimeout(waiting);
  $("#away").replaceChildren(notice({ title: "No live updates", detail }, refresh));
  if (!shown && !together.length) present(null);
}

async function refresh() {
  clearTimeout(timer);
  const pressed = $("#list").matches(":active"); // redrawing would lose a click
  if (!document.hidden && !pressed) await catchProblem(refreshList, showOutage);
  timer = setTimeout(refresh, REFRESH_MS);
}

async function refreshList() {
  // The running job may be older than the 20 newest jobs.
  const [{ jobs, next }, { jobs: running }] = await Promise.all([
    get("/jobs?limit=20"),
    get("/jobs?status=running"),
  ]);
  clearTimeout(waiting);
  if (older.length) older = olderThan(jobs, [...newest, ...older]);
  if (!older.length) cursor = next;
  newest = jobs;
  renew($("#rows"), jobList([...newest, ...older], recipes, published));
  showEarlier(trainingsOf([...newest, ...older]));
  $("#away").replaceChildren();
  renew($("#more"), ...(cursor ? [plainButton("Older jobs", { onclick: showMore })] : []));
  if (together.length) return;
  const [latest] = [
    ...trainingsOf(running),
    ...trainingsOf(newest).filter((job) => job.history.length > 1),
    null,
  ];
  // Lists leave out the losses within the epochs.
  present(latest && latest.id !== shown?.id ? await get(`/jobs/${latest.id}`) : latest);
}

const showMore = () =>
  catchProblem(async () => {
    const page = await get(`/jobs?limit=50&after=${encodeURIComponent(cursor ?? "")}`);
    older = [...older, ...page.jobs];
    cursor = page.next;
    refresh();
  }, showOutage);

document.addEventListener("visibilitychange", refresh);
if (together.length) {
  $("#now-caption").textContent =
    "Test loss after each epoch. The label of each curve is its value. " +
    "The dotted line is the loss of guessing.";
  showTogether(
    together,
    recipes,
    (labels) => {
      curves = labels;
      drawNow();
    },
    showOutage,
  );
}
const [{ chart }, { lossCurves }, { togetherChart }] = await Promise.all([
  import("./chart.js"),
  import("./curves.js"),
  import("./jobs/together-chart.js"),
  refresh(), // the curve is drawn when it is known which one
]);
drawNow = chart($("#now-chart"), (width) =>
  together.length
    ? togetherChart(curves, width)
    : lossCurves({
        width,
        history: shown?.history ?? [],
        losses: shown?.losses,
        published: (shown ? publishedOf(shown) : published[DEFAULT_CURVE.name]) ?? undefined,
        epochs: shown ? lastEpoch(shown) : DEFAULT_CURVE.epochs,
        sizes: shown ? sizesOf(shown.recipe) : EXAMPLE_SIZES,
      }),
);
savable($("#now"), {
  name: "loss",
  rows: () =>
    together.length
      ? curves.flatMap(({ job, label }) => namedRows({ curve: label }, job.history))
      : curveRows(shown?.history ?? [], {
          losses: shown?.losses,
          trained: shown ? sizesOf(shown.recipe)?.trained : undefined,
          published: shown ? publishedOf(shown) : published[DEFAULT_CURVE.name],
        }),
});
