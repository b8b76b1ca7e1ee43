// @ts-check
// The page on which users draw, drop, paste or choose an image, and models predict its class.
import "./page.js";
import { ProblemError, ask, catchProblem, forgetEarly } from "./api.js";
import { $, h, notice, ready } from "./dom.js";
import { drawImage } from "./pixels.js";
import { createAmong } from "./predict/among.js";
import { MOST_PANELS, references } from "./predict/asked.js";
import { createBoard } from "./predict/board.js";
import { createChooser } from "./predict/chooser.js";
import { acceptFiles } from "./predict/files.js";
import { fitText } from "./predict/fit.js";
import { readContent, writeContent } from "./predict/link.js";
import { createInside } from "./predict/inside.js";
import { findListed, listed, loadFirst, loadOthers } from "./predict/listed.js";
import { createPanel } from "./predict/panel.js";
import { fitOf, predictionPath, requestContent, testImageOf } from "./predict/request.js";
import { offerSamples } from "./predict/tiles.js";
import { answerOf, fileFault, knowledge, summary, truthText } from "./predict/words.js";
import { query, requestLine } from "./request-line.js";
import { testImages } from "./samples.js";
import { PIXELS } from "./sizes.js";
import { paintInTheme } from "./theme.js";

/** @typedef {import("./predict/chooser.js").Named} Named */
/** @typedef {import("./types.d.ts").Prediction} Prediction */

const PAUSE_MS = 80; // between the last change of a drawing and its prediction
const NOTHING = "Nothing is drawn.";
const NO_INK = "The image shows nothing: it is empty or nearly uniform.";
const FILE_OPTIONS = "-H 'Content-Type: image/png' --data-binary @image.png"; // of curl
const DATASETS = ["mnist", "fashion-mnist"];

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
const board = createBoard(first.content, (finished) => {
  clearTimeout(timer);
  if (finished) predict();
  else timer = setTimeout(predict, PAUSE_MS);
});

const boardImage = () => board.content().image ?? null;

const testImage = () => testImageOf(boardImage());

/** Write the path of a request. @param {string} model its id */
const pathFor = (model) => predictionPath(model, boardImage(), fit);

const updateInside = createInside((model, options) =>
  requestPrediction(pathFor(model).replace("&explain=true", options)),
);

const updateAmong = createAmong();

/**
 * Let a model predict what the board shows.
 * @param {string} path with the query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Prediction>}
 */
async function requestPrediction(path, signal) {
  const { type, body } = requestContent(boardImage(), board.drawing);
  const options = { method: "POST", headers: { "Content-Type": type }, body, signal };
  return (await (await ask(path, options)).json()).predictions[0];
}

/** Abort the requests in progress, and request a prediction from each model. */
async function predict() {
  predicting?.abort();
  predicting = new AbortController();
  const { signal } = predicting;
  if (board.content() !== first.content) forgetEarly(); // they show what the address names
  panelsChanged();
  updateRequestLine();
  if (board.isEmpty() || !panels.length) {
    showPredictions([]);
    return;
  }
  try {
    const predictions = await Promise.all(
      panels.map((panel) => requestPrediction(pathFor(panel.model().id), signal)),
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
  const nothing = boardImage() ? NO_INK : NOTHING;
  const answers = predictions.map((one) => (one.ink === false ? null : one));
  panels.forEach((panel, i) => panel.show(answers[i] ?? null, unit, nothing));
  showSeen();
  updateRequestLine();
  updateFigures();
  const said = panels.flatMap((panel, i) => answerOf(answers[i] ?? null, panel.model()));
  const cards = listed().map(({ model }) => model);
  const test = testImage();
  const words = said.length ? summary(said) + truthText(test, cards) : nothing;
  const trained = panels.map((panel) => panel.model().dataset.name);
  const known = knowledge(trained, test?.dataset ?? "mnist"); // the page asks for a digit
  $("#summary").textContent = panels.length ? words + known : noModel;
}

/** Say what is wrong, and show no older answer beside it. @param {ProblemError} problem */
function showFailure(problem) {
  firstPrediction = null;
  for (const panel of panels) panel.show(null, unit, "No answer.");
  showSeen();
  updateFigures();
  const image = boardImage();
  const isFile = image && "file" in image;
  const { title, detail } = isFile
    ? fileFault(problem)
    : { title: problem.title, detail: problem.details };
  const back = isFile ? " Undo brings the board back." : "";
  $("#summary").replaceChildren(notice({ title, detail: detail + back }));
}

function updateFigures() {
  updateInside(panels);
  const seen = firstPrediction?.ink === false ? null : (firstPrediction?.seen ?? null);
  updateAmong(panels[0]?.model() ?? null, seen);
}

const drawSeen = () =>
  drawImage($("#seen"), firstPrediction?.seen.flat() ?? new Float64Array(PIXELS));

/** Show the image that the network sees, and how it was made. */
function showSeen() {
  drawSeen();
  $("#steps").textContent = stepsText();
}

function stepsText() {
  if (!firstPrediction) return board.isEmpty() ? "Nothing yet: the board is empty." : "";
  const test = testImage();
  if (test) return `Test image ${test.index} of ${test.dataset}, unchanged.`;
  const image = boardImage();
  if (image && "pixels" in image) return "The 28×28 pixels in the link, unchanged.";
  board.mark(firstPrediction);
  return firstPrediction.ink === false ? "" : fitText(firstPrediction.fit);
}

function updateRequestLine() {
  const models = panels.map((panel) => panel.model().id).join(",") || null;
  const seen = firstPrediction?.seen.flat() ?? null;
  const { state, note } = writeContent(board.content(), seen);
  const path = pathFor(panels[0]?.model().id ?? "latest");
  const others = { models, fit: fit === "none" ? fit : null };
  updateRequest(FILE_OPTIONS, { ...others, ...state }, path);
  linkNote.textContent = note;
}

/** Offer another panel, as long as there are models for it. */
function panelsChanged() {
  $("#add").hidden = panels.length >= Math.min(listed().length, MOST_PANELS);
}

/**
 * Let the user choose a model from all of them.
 * @param {string} current the id of the model that is shown now
 */
async function chooseModel(current) {
  await catchProblem(loadOthers, () => {}); // without an answer, the list has the newest models
  return findListed(await openChooser(current, shownIds()));
}

const shownIds = () => panels.map((panel) => panel.model().id);

/** @param {Named} first the model that the panel shows */
function addPanel(first) {
  const remove = () => {
    panels = panels.filter((other) => other !== panel);
    panel.element.remove();
    predict();
    $("#add").focus();
  };
  const removed = panels.length ? remove : null; // the first panel stays
  const panel = createPanel(first, { choose: chooseModel, changed: predict, removed });
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

/** Show the models that the address asks for. */
async function showModels() {
  const { chosen, fault } = await loadFirst(references(query.get("models") ?? query.get("a")));
  if (fault) faults.push(fault);
  if (!listed().length) noModel = "There is no model yet: train one first.";
  chosen.forEach(addPanel);
}

/** Show a file. It is decoded without an object URL, which the page's policy forbids. */
async function showFile(/** @type {File} */ file) {
  board.show({ file, bitmap: await createImageBitmap(file).catch(() => null) });
}

/** Show the test image that the address names, if any. */
async function showSample() {
  if (!first.sample) return;
  const [dataset, index] = first.sample;
  const [image] = await testImages(dataset, index);
  board.show({ ...image, dataset });
}

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
acceptFiles(showFile, () => {
  $("#summary").replaceChildren(
    notice({ title: "Only image files can be dropped here", detail: "" }),
  );
});
paintInTheme(() => {
  board.render();
  drawSeen();
}, "seen");
await catchProblem(showModels, (problem) => $("#answers").append(notice(problem)));
const openChooser = createChooser(listed);
await catchProblem(showSample, ({ details }) => faults.push(`The test image: ${details}.`));
showFaults();
await predict();
ready();
for (const dataset of DATASETS) {
  catchProblem(
    () => offerSamples(dataset, board.show),
    (problem) => $("#samples").append(notice(problem)),
  );
}
