// @ts-check
// The page on which users draw, drop, paste or choose an image, or enter numbers, and models
// predict its class.
import "./page.js";
import { ProblemError, catchProblem, forgetEarly, get } from "./api.js";
import { $, h, notice, ready } from "./dom.js";
import { createAmong } from "./predict/among.js";
import { MOST_PANELS, references } from "./predict/asked.js";
import { createBoard } from "./predict/board.js";
import { createChooser } from "./predict/chooser.js";
import { acceptFiles } from "./predict/files.js";
import { pictureEntry, requestPrediction, rowEntry, sendEntry } from "./predict/entries.js";
import { areAlike, isVectors } from "./predict/input.js";
import { createInside } from "./predict/inside.js";
import { readContent } from "./predict/link.js";
import { findListed, listed, loadFirst, loadOthers } from "./predict/listed.js";
import { createNumbers } from "./predict/numbers.js";
import { createPanel } from "./predict/panel.js";
import { fitOf, needsSample } from "./predict/request.js";
import { createSeen } from "./predict/seen.js";
import { createTaught } from "./predict/taught.js";
import { createTiles, nextSample, testSample } from "./predict/tiles.js";
import { answerOf, fileFault, knowledge, pageTitle, summary, truthText } from "./predict/words.js";
import { query, requestLine } from "./request-line.js";
import { paintInTheme } from "./theme.js";

/** @typedef {import("./predict/chooser.js").Named} Named */
/** @typedef {import("./types.d.ts").Model} Model */
/** @typedef {import("./types.d.ts").Prediction} Prediction */

const PAUSE_MS = 80; // between the last change and its prediction
/** @type {import("./predict/panel.js").Panel[]} */
let panels = [];
/** @type {import("./predict/panel.js").Unit} */
let unit = "softmax";
let fit = fitOf(query);
/** @type {AbortController | null} */
let predicting = null;
/** @type {Prediction | null} */
let firstPrediction = null; // of the first panel
let noModel = ""; // why there is no panel, if that is known
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
const first = readContent(query);
const faults = [first.fault]; // of the address

const updateRequest = requestLine($("#request"), { path: "/predict", anchor: "" });
const linkNote = h("p", { class: "small", role: "status" });
$("#request").after(linkNote);

/** @param {boolean} finished false during a stroke, and while people type */
function contentChanged(finished) {
  clearTimeout(timer);
  if (finished) predict();
  else timer = setTimeout(predict, PAUSE_MS);
}

const board = createBoard(first.content, contentChanged);
const numbers = createNumbers(() => contentChanged(false));
const seen = createSeen();
const offerSamples = createTiles((sample) => entry.show(sample));
const updateAmong = createAmong();
const updateInside = createInside((model, options) =>
  requestPrediction(entry, model, undefined, options),
);
const updateTaught = createTaught({
  request: (path, model) => sendEntry(entry, path, model),
  path: (model) => entry.path(model.id),
  written,
});

const picture = pictureEntry(board, () => fit);
const row = rowEntry(numbers);
let entry = picture; // what the first model takes

const dataset = () => panels[0]?.model().dataset ?? null;

/** Abort the requests in progress, and request a prediction from each model. */
async function predict() {
  predicting?.abort();
  predicting = new AbortController();
  const { signal } = predicting;
  firstPrediction = null; // it is of what was shown before
  if (board.content() !== first.content) forgetEarly(); // they show what the address names
  panelsChanged();
  updateRequestLine();
  if (entry.isEmpty() || !panels.length) {
    showPredictions([]);
    return;
  }
  try {
    const predictions = await Promise.all(
      panels.map((panel) => requestPrediction(entry, panel.model(), signal)),
    );
    if (!signal.aborted) showPredictions(predictions);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ProblemError)) throw error;
    showFailure(error);
  }
}

/** @param {Prediction[]} predictions one for each panel, or none */
function showPredictions(predictions) {
  firstPrediction = predictions[0] ?? null;
  const nothing = entry.nothing();
  const answers = predictions.map((one) => (one.ink === false ? null : one));
  panels.forEach((panel, i) => panel.show(answers[i] ?? null, unit, nothing));
  updateRequestLine();
  updateFigures();
  const said = panels.flatMap((panel, i) => answerOf(answers[i] ?? null, panel.model()));
  const test = entry.sample();
  const words = said.length ? summary(said) + truthText(test) : nothing;
  const trained = panels.map((panel) => panel.model().dataset);
  const isPicture = entry === picture && panels.length > 0;
  const known = isPicture ? knowledge(trained, test?.dataset ?? null) : "";
  $("#summary").textContent = panels.length ? words + known : noModel;
}

/** Say what is wrong, and show no older answer beside it. @param {ProblemError} problem */
function showFailure(problem) {
  firstPrediction = null;
  for (const panel of panels) panel.show(null, unit, "No answer.");
  updateFigures();
  const { image } = board.content();
  const isFile = entry === picture && image && "file" in image;
  const { title, detail } = isFile
    ? fileFault(problem)
    : { title: problem.title, detail: problem.details };
  const back = isFile ? " Undo brings the board back." : "";
  $("#summary").replaceChildren(notice({ title, detail: detail + back }));
}

function updateFigures() {
  updateInside(panels);
  updateTaught(panels);
  const model = panels[0]?.model() ?? null;
  const hasInk = firstPrediction?.ink !== false;
  updateAmong(model, hasInk ? (firstPrediction?.seen ?? null) : null);
  if (!model || entry !== picture) return;
  const { image } = board.content();
  seen.show(firstPrediction, model.dataset, image ?? null, board.isEmpty());
  if (firstPrediction && !(image && "pixels" in image)) board.mark(firstPrediction, model.dataset);
}

/** Write what the page shows as a request for people, and for a link. */
function written() {
  const models = panels.map((panel) => panel.model().id).join(",") || null;
  const { body, state, note } = entry.written(firstPrediction?.seen?.flat(Infinity) ?? null);
  return { body, state: { models, ...state }, note };
}

function updateRequestLine() {
  const { body, state, note } = written();
  updateRequest(body, state, entry.path(panels[0]?.model().id ?? "latest"));
  linkNote.textContent = note;
}

/** Offer another panel, as long as there are models for it. */
function panelsChanged() {
  $("#add").hidden = panels.length >= Math.min(listed().length, MOST_PANELS);
}

/**
 * Let the user choose a model: for the first panel from all of them, for others from those that
 * take the same.
 * @param {string} current the id of the model that is shown now
 */
async function chooseModel(current) {
  await catchProblem(loadOthers, () => {}); // without an answer, the list has the newest models
  const isFirst = current === panels[0]?.model().id;
  const shown = dataset();
  const taken = panels.map((panel) => panel.model().id);
  const fits = (/** @type {Model} */ model) => isFirst || !shown || areAlike(model.dataset, shown);
  return findListed(await openChooser(current, taken, fits));
}

/** @param {import("./predict/panel.js").Panel} panel */
function removePanel(panel) {
  panels = panels.filter((other) => other !== panel);
  panel.element.remove();
}

/** @param {Named} first the model that the panel shows */
function addPanel(first) {
  const remove = () => {
    removePanel(panel);
    predict();
    $("#add").focus();
  };
  const removed = panels.length ? remove : null; // the first panel stays
  const changed = async () => {
    predicting?.abort(); // its answer is of the model before
    await matchInput();
    predict();
  };
  const { deviations } = numbers;
  const occlude = (/** @type {Model} */ model) =>
    requestPrediction(entry, model, undefined, "&occlusion=true");
  const panel = createPanel(first, { choose: chooseModel, changed, removed, deviations, occlude });
  panels.push(panel);
  $("#answers").append(panel.element);
  panel.paint(unit);
  panelsChanged();
}

async function addAnotherPanel() {
  const chosen = await chooseModel("");
  if (!chosen) return;
  addPanel(chosen);
  predict();
}

/** Show what the first model takes: a board or fields. Remove models that take something else. */
async function matchInput() {
  const shown = dataset();
  if (!shown) return;
  for (const panel of panels) if (!areAlike(panel.model().dataset, shown)) removePanel(panel);
  $("main").dataset.kind = shown.kind;
  $("h1").textContent = pageTitle(shown);
  entry = isVectors(shown) ? row : picture;
  await entry.adapt(shown);
  if (needsSample(board.content(), shown)) {
    await catchProblem(
      async () => entry.show(await testSample(shown, 0)),
      () => {},
    );
  }
  offerSamples(shown);
}

/** Show the models that the address asks for. */
async function showModels() {
  const { chosen, fault } = await loadFirst(references(query.get("models") ?? query.get("a")));
  if (fault) faults.push(fault);
  if (!listed().length) noModel = "There is no model yet: train one first.";
  chosen.forEach(addPanel);
  await matchInput();
}

/** Show a file. It is decoded without an object URL, which the page's policy forbids. */
async function showFile(/** @type {File} */ file) {
  if (entry === picture) {
    board.show({ file, bitmap: await createImageBitmap(file).catch(() => null) });
    return;
  }
  const fault = numbers.read(await file.text());
  if (fault) say("This file cannot be read as a row of numbers", fault);
}

/** Show the test sample or the numbers that the address has, if any. */
async function showSample() {
  const values = query.get("values");
  const fault = values ? entry.read(values) : "";
  if (fault) faults.push(`The numbers in this link: ${fault}`);
  if (!first.sample) return;
  const [reference, index] = first.sample;
  const [named, shown] = [await get(`/datasets/${reference}`), dataset()];
  if (!shown || areAlike(named, shown)) entry.show(await testSample(named, index));
  else faults.push(`The model does not take the samples of ${named.title}.`);
}

/** Fill in a test sample: at each click another one. */
async function fillSample() {
  const shown = dataset();
  if (shown) numbers.show(await nextSample(shown, numbers.sample()));
}

/** @param {string} title @param {string} detail */
const say = (title, detail) => $("#summary").replaceChildren(notice({ title, detail }));

function showFaults() {
  const detail = faults.filter(Boolean).join(" ");
  if (detail) $("#trouble").replaceChildren(notice({ title: "This link is not right", detail }));
}

$("#add").addEventListener("click", addAnotherPanel);
$("#unit").addEventListener("change", (/** @type {any} */ { target }) => {
  unit = target.value;
  for (const panel of panels) panel.paint(unit);
});
$(`#fit [value=${fit}]`).checked = true;
$("#fit").addEventListener("change", (/** @type {any} */ { target }) => {
  fit = target.value;
  predict();
});
$("#fill").addEventListener("click", () =>
  catchProblem(fillSample, ({ title, details }) => say(title, details)),
);
acceptFiles(showFile, () => say("Only files can be dropped here", ""));
paintInTheme(() => {
  board.render();
  seen.draw();
}, "seen");
await catchProblem(showModels, (problem) => $("#answers").append(notice(problem)));
const openChooser = createChooser(listed);
await catchProblem(showSample, ({ details }) => faults.push(`The test sample: ${details}.`));
showFaults();
await predict();
ready();
