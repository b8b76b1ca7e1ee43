// @ts-check
// The playground: settings in the form and the address, frames as the job's events bring them, and
// every neuron's own map.
import "./page.js";
import { catchProblem, get } from "./api.js";
import { $, h, notice, ready } from "./dom.js";
import { FINAL_STATUSES } from "./events.js";
import { arrowStep } from "./keys.js";
import { faultText } from "./maths/figure-request.js";
import { count } from "./numbers.js";
import { createBoxes } from "./playground/boxes.js";
import { captionOf } from "./playground/caption.js";
import { courseChart, courseRows, frameAt, placeSlider, scoreTable } from "./playground/course.js";
import { createForm } from "./playground/form.js";
import { showJob } from "./playground/job-state.js";
import { loadPictures, pointsOf, pointsOfJob } from "./playground/load.js";
import { decodeParameters, networkOf, parameterRows } from "./playground/network.js";
import { forgetColors } from "./playground/paint.js";
import {
  MOST_POINTS,
  classesOf,
  hasTwoClasses,
  missingText,
  pointAt,
  reachOf,
  together,
} from "./playground/points.js";
import { createRunner } from "./playground/run.js";
import {
  changed,
  isTrainedSo,
  readSettings,
  settingsState,
  stepsOf,
  trainBody,
} from "./playground/settings.js";
import { createWeb } from "./playground/web.js";
import { query, requestLine } from "./request-line.js";
import { savable } from "./save-figure.js";
import { paintInTheme } from "./theme.js";

/** @typedef {import("./playground/points.js").Point} Point */
/** @typedef {import("./playground/points.js").Points} Points */
/** @typedef {import("./playground/web.js").Neuron} Neuron */

const OTHER_SETTINGS = {
  title: "This training is not shown",
  detail: "The job in the address was trained with other settings or on other points.",
};
const NO_JOB = {
  title: "This training is not shown",
  detail: "The job in the address or its data set does not exist. It may have been deleted.",
};
const ONE_SIDE = "All points are on one side of the function.";
const NO_POINTS = { train: [], test: [] };

let settings = readSettings(query);
/** @type {Points} */
let points = NO_POINTS;
let classes = 2;
/** @type {[number, number][]} of the function, if the points follow one */
let graph = [];
/** @type {Neuron | null} */
let chosen = readNeuron(query.get("neuron"));
/** @type {[number, number] | null} */
let probe = null;
let nextClass = 0;
let loading = 0; // counts the data sets that were asked for
let scheduled = false;
let curveWidth = 500; // pixels
/** @type {unknown[]} what the request line shows */
let requested = [];

const showRequest = requestLine($("#request"), {
  path: "/train",
  anchor: "",
  figure: "this training",
});
const run = createRunner(see, (problem) =>
  $("#trouble").replaceChildren(...(problem ? [notice(problem)] : [])),
);
const form = createForm(change, (label) => (nextClass = label));
const boxes = createBoxes();
const web = createWeb($("#web"), {
  choose(neuron) {
    const isSame = chosen?.column === neuron.column && chosen.row === neuron.row;
    chosen = isSame ? null : neuron;
    see();
  },
  point(place) {
    probe = place;
    see();
  },
  add([x, y]) {
    if (settings.data !== "own" || settings.points.length >= MOST_POINTS) return;
    const reach = reachOf(points);
    change({ points: [...settings.points, pointAt(x, y, nextClass, reach)] });
  },
});

/** Read a neuron such as "1-4". @param {string | null} text @returns {Neuron | null} */
function readNeuron(text) {
  const found = /^([0-4])-(\d{1,2})$/.exec(text ?? "");
  return found && { column: Number(found[1]), row: Number(found[2]) };
}

const sizes = () => [2, ...settings.hidden, classes];

/** The points that the request contains, if the data set is not generated. */
const ownPoints = () => (settings.data === "own" ? settings.points : together(points));

/** Show the points of the settings, which have no training yet. */
async function load() {
  const number = ++loading;
  const isFunction = settings.data === "function";
  form.fill(settings);
  await catchProblem(
    async () => {
      const found = await pointsOf(settings);
      if (number !== loading) return;
      ({ points, graph } = found);
      form.blame("function", isFunction && !hasTwoClasses(points.train) ? ONE_SIDE : "");
      form.show(settings.data, points);
      boxes.show(isFunction ? settings.function : "");
    },
    (problem) => {
      if (number !== loading) return;
      [points, graph] = [NO_POINTS, []];
      if (isFunction && problem.status === 422) {
        form.blame("function", problem.errors.map(faultText).join(" "));
      } else $("#trouble").replaceChildren(notice(problem));
      if (isFunction) boxes.keep();
      else boxes.show("");
    },
  );
  classes = classesOf([...points.train, ...points.test]);
  see();
}

/** Change settings, which ends what was trained with the old ones. */
function change(/** @type {Partial<import("./playground/settings.js").Settings>} */ changes) {
  run.forget();
  settings = changed(settings, changes);
  if (!("points" in changes)) [chosen, probe] = [null, null];
  return load();
}

/** Draw once before the next frame of the screen, however often this is called. */
function see() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
}

/** The network of the frame that is shown, or null. */
function currentNetwork() {
  const { frames, shown } = run.get();
  const frame = frames[shown];
  if (!frame) return null;
  return networkOf(sizes(), decodeParameters(frame.parameters), settings.activation);
}

function draw() {
  performance.mark("playground-draw");
  const network = currentNetwork();
  const columns = sizes();
  if (chosen && !(chosen.row < columns[chosen.column])) chosen = null;
  web.draw({ sizes: columns, network, points, reach: reachOf(points), chosen, probe, graph });
  const { activation } = settings;
  const caption = { chosen, probe, last: columns.length - 1, activation };
  $("#network-caption").replaceChildren(...captionOf(network, caption));
  drawCourse();
  drawJob();
  if (settings.data === "function") boxes.compare(network);
  performance.measure("playground-frame", "playground-draw");
}

function drawCourse() {
  const { frames, shown, job } = run.get();
  const steps = Math.max(stepsOf(settings, points.train.length), frames.at(-1)?.step ?? 0);
  $("#curve").replaceChildren(courseChart(frames, shown, { steps, classes, width: curveWidth }));
  placeSlider($("#when"), frames, shown, steps);
  const step = frames[shown]?.step ?? 0;
  $("#scores").replaceChildren(scoreTable(frames[shown], points, steps));
  $("#step-link").replaceChildren(
    job?.model
      ? h(
          "a",
          { href: `/ui/models/${job.model}/steps?step=${Math.max(1, step)}` },
          step ? `See every number of step ${count(step)}` : "See every number of the first step",
        )
      : frames.length
        ? "Once the training has succeeded, every number of each step can be seen."
        : "",
  );
}

function drawJob() {
  const { job, frames, shown, playing } = run.get();
  const isActive = job != null && !FINAL_STATUSES.has(job.status);
  const missing = settings.data === "own" ? missingText(settings.points) : "";
  $("#missing").textContent = missing;
  $("#train").textContent = isActive ? "Cancel" : frames.length ? "Train again" : "Train";
  const canTrain = !missing && hasTwoClasses(points.train);
  $("#train").disabled = !isActive && !canTrain;
  $("#request").hidden = !canTrain;
  const isLast = shown === frames.length - 1;
  $("#play").textContent = playing ? "Pause" : "Play";
  $("#play").disabled = frames.length < 2;
  $("#one").disabled = isLast;
  $("#again").disabled = shown <= 0;
  showJob(run.get());
  drawRequest(frames.length && !isLast && !playing ? shown : null, job?.id ?? null);
}

/** @param {number | null} frame @param {string | null} job */
function drawRequest(frame, job) {
  const neuron = chosen && `${chosen.column}-${chosen.row}`;
  const next = [settings, points, frame, job, neuron];
  if (next.every((value, i) => value === requested[i])) return;
  requested = next;
  showRequest(trainBody(settings, ownPoints()), { ...settingsState(settings), job, frame, neuron });
}

/** Train with the settings, or cancel the training that runs. */
async function trainOrCancel() {
  const { job } = run.get();
  await catchProblem(
    async () => {
      if (job && !FINAL_STATUSES.has(job.status)) await run.cancel();
      else if (form.isValid()) await run.train(trainBody(settings, ownPoints()));
    },
    (problem) => $("#trouble").replaceChildren(notice(problem)),
  );
  see();
}

/** Show the training in the address, if it was done with these settings. */
async function openJob(/** @type {string} */ id) {
  const job = await get(`/jobs/${encodeURIComponent(id)}`);
  const isSame =
    isTrainedSo(settings, job.recipe) &&
    JSON.stringify(await pointsOfJob(job.recipe.dataset)) === JSON.stringify(points);
  if (!isSame) {
    $("#trouble").replaceChildren(notice(OTHER_SETTINGS));
    return;
  }
  const frame = query.get("frame") ?? "";
  await run.open(id, /^\d{1,2}$/.test(frame) ? Number(frame) : Infinity);
}

$("#form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  trainOrCancel();
});
$("#play").addEventListener("click", run.toggle);
$("#one").addEventListener("click", () => run.show(run.get().shown + 1));
$("#again").addEventListener("click", () => run.show(0));
$("#when").addEventListener("input", () =>
  run.show(frameAt(run.get().frames, Number($("#when").value))),
);
$("#when").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  const [right, down] = arrowStep(event.key) ?? [0, 0];
  if (!right && !down) return;
  event.preventDefault();
  run.show(run.get().shown + right - down);
});
$("#undo").addEventListener("click", () => change({ points: settings.points.slice(0, -1) }));
$("#clear").addEventListener("click", () => change({ points: [] }));
$("#function").addEventListener("change", () => change({ function: $("#function").value }));

savable($("#network"), {
  name: "playground-network",
  rows: () => parameterRows(currentNetwork()),
});
savable($("#course"), { name: "playground-course", rows: () => courseRows(run.get().frames) });

new ResizeObserver(([entry]) => {
  curveWidth = Math.round(entry.contentRect.width) || curveWidth;
  see();
}).observe($("#curve"));
paintInTheme(() => {
  forgetColors();
  see();
  boxes.repaint();
}, "playground");
await load();
const wanted = query.get("job");
if (wanted) {
  await catchProblem(
    () => openJob(wanted),
    (problem) => $("#trouble").replaceChildren(notice(problem.status === 404 ? NO_JOB : problem)),
  );
}
ready();
loadPictures(form.show).catch(() => {}); // the names of the data sets are enough
