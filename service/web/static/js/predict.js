// @ts-check
// The page on which users draw, drop or choose an image, and models predict its class.
import "./page.js";
import { ProblemError, allModels, ask, catchProblem, get } from "./api.js";
import { $, h, notice, ready } from "./dom.js";
import { drawImage } from "./pixels.js";
import { createBoard } from "./predict/board.js";
import { fitText } from "./predict/fit.js";
import { createPanel } from "./predict/panel.js";
import { summary } from "./predict/words.js";
import { query, requestLine } from "./request-line.js";
import { samples, testImages } from "./samples.js";
import { PIXELS, SIDE } from "./sizes.js";
import { paintInTheme } from "./theme.js";

/** @typedef {import("./types.d.ts").Model} Model */
/** @typedef {import("./types.d.ts").Prediction} Prediction */

const PAUSE_MS = 80; // between the last change of a drawing and its prediction
const MOST_PANELS = 4;
const NO_INK =
  "The image shows nothing: it is empty or nearly uniform. The prediction below means nothing.";
const DATASETS = ["mnist", "fashion-mnist"];

/** @type {Model[]} */
let models = [];
/** @type {import("./predict/panel.js").Panel[]} */
let panels = [];
/** @type {import("./predict/panel.js").Unit} */
let unit = "softmax";
/** @type {"auto" | "none"} */
let fit = "auto"; // how images are prepared
/** @type {AbortController | null} */
let predicting = null;
/** @type {Prediction | null} */
let firstPrediction = null; // of the first panel
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

const updateRequest = requestLine($("#request"), { path: "/predict", anchor: "" });
const board = createBoard((finished) => {
  clearTimeout(timer);
  if (finished) predict();
  else timer = setTimeout(predict, PAUSE_MS);
});

/** @returns {{ pixels: number[], index: number, dataset: string } | null} */
function testImage() {
  const image = board.image();
  return image && "pixels" in image ? image : null;
}

/** Write the query of a request. Only files may be dark on light. @param {string} model its id */
function queryFor(model) {
  const image = board.image();
  const invert = image && "file" in image ? "auto" : "never";
  return `/predict?model=${model}&explain=true&fit=${fit}&invert=${invert}`;
}

/** Build the body of a request, and find its content type. */
function requestContent() {
  const test = testImage();
  if (test) {
    const rows = Array.from({ length: SIDE }, (_, y) =>
      test.pixels.slice(SIDE * y, SIDE * (y + 1)),
    );
    const body = JSON.stringify({ images: [rows] });
    return { type: "application/json", body };
  }
  const image = board.image();
  if (image && "file" in image) {
    return { type: image.file.type || "image/png", body: image.file };
  }
  return { type: "image/png", body: board.drawing() };
}

/** Abort the requests in progress, and request a prediction from each model. */
async function predict() {
  predicting?.abort();
  predicting = new AbortController();
  const { signal } = predicting;
  updateRequestLine();
  if (board.isEmpty() || !panels.length) {
    showPredictions([]);
    return;
  }
  const { type, body } = requestContent();
  const options = { method: "POST", headers: { "Content-Type": type }, body, signal };
  /** @param {import("./predict/panel.js").Panel} panel @returns {Promise<Prediction>} */
  const predictWith = async (panel) => {
    const response = await ask(queryFor(panel.model().id), options);
    return (await response.json()).predictions[0];
  };
  try {
    const predictions = await Promise.all(panels.map(predictWith));
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
  panels.forEach((panel, i) => panel.show(predictions[i] ?? null, unit));
  showSeen();
  const shown = summaryText(predictions);
  const isEmpty = predictions.some(({ ink }) => ink === false);
  $("#summary").replaceChildren(isEmpty ? h("div", { class: "notice" }, NO_INK) : shown);
}

/** @param {ProblemError} problem */
function showFailure({ title, details }) {
  $("#summary").replaceChildren(notice({ title, detail: details }));
}

/** @param {Prediction[]} predictions */
function summaryText(predictions) {
  if (!models.length) return "There is no model yet: train one first.";
  return predictions.length ? summary(predictions.map(({ label }) => label)) : "";
}

/** Show the image that the network sees, and how it was made. */
function showSeen() {
  drawImage($("#seen"), firstPrediction?.seen.flat() ?? new Float64Array(PIXELS));
  $("#steps").textContent = stepsText();
}

function stepsText() {
  if (!firstPrediction) return board.isEmpty() ? "Nothing yet: the board is empty." : "";
  const test = testImage();
  if (test) return `Test image ${test.index} of ${test.dataset}, unchanged.`;
  board.mark(firstPrediction);
  return firstPrediction.ink === false ? "" : fitText(firstPrediction.fit);
}

function updateRequestLine() {
  const test = testImage();
  const state = {
    models: panels.map((panel) => panel.model().id).join(","),
    sample: test ? `${test.dataset}-${test.index}` : "",
  };
  const path = queryFor(panels[0]?.model().id ?? "latest");
  updateRequest("-H 'Content-Type: image/png' --data-binary @image.png", state, path);
}

// Panels: two at first, up to four
function updateAddButton() {
  $("#add").hidden = !models.length || panels.length >= MOST_PANELS;
}

/** @param {string} id of the model */
function addPanel(id) {
  const remove = () => {
    panels = panels.filter((other) => other !== panel);
    panel.element.remove();
    updateAddButton();
    $("#add").focus();
    predict();
  };
  const removed = panels.length ? remove : null; // the first panel stays
  const panel = createPanel(models, id, { changed: predict, removed });
  panels.push(panel);
  $("#answers").append(panel.element);
  panel.paint(unit);
  updateAddButton();
}

function addAnotherPanel() {
  const shown = new Set(panels.map((panel) => panel.model().id));
  addPanel((models.find((model) => !shown.has(model.id)) ?? models[0]).id);
  predict();
}

/** Find the models that the address names, or else the newest two (on MNIST, if any are). */
function firstModels() {
  const ids = (query.get("models") ?? query.get("a") ?? "").split(",");
  const asked = ids.flatMap((id) => models.find((model) => model.id === id) ?? []);
  if (asked.length) return asked.slice(0, MOST_PANELS);
  const digits = models.filter((model) => model.dataset.name === "mnist");
  return (digits.length ? digits : models).slice(0, 2);
}

// Images
/**
 * Show a file. It is decoded without an object URL, which the page's policy forbids.
 * @param {File | undefined} file
 */
async function showFile(file) {
  if (file) board.show({ file, bitmap: await createImageBitmap(file).catch(() => null) });
}

/** Offer a test image of each class. @param {string} dataset */
async function offerSamples(dataset) {
  const label = `Test images of ${dataset}`;
  const row = h("div", { class: "samples", role: "group", "aria-label": label });
  $("#samples").append(row);
  const [images, { datasets }] = await Promise.all([samples(dataset), get("/datasets")]);
  const { classes } = datasets.find((/** @type {{ name: string }} */ one) => one.name === dataset);
  const canvases = images.map((image) => {
    const canvas = h("canvas");
    const name = classes[image.label];
    const show = () => board.show({ ...image, dataset });
    const attributes = { title: name, "aria-label": `Test image: ${name}`, onclick: show };
    row.append(h("button", { class: "tile", type: "button", ...attributes }, canvas));
    return canvas;
  });
  paintInTheme(() => canvases.forEach((canvas, i) => drawImage(canvas, images[i].pixels)), row);
}

/** Show the test image that the address names, or else the drawing. */
async function showFirst() {
  const [, dataset, index] = query.get("sample")?.match(/^(mnist|fashion-mnist)-(\d+)$/) ?? [];
  if (!dataset) return predict();
  const [image] = await testImages(dataset, index);
  board.show({ ...image, dataset });
}

$("#add").addEventListener("click", addAnotherPanel);
$("#unit").addEventListener("change", (/** @type {any} */ { target }) => {
  unit = target.value;
  for (const panel of panels) panel.paint(unit);
});
$("#fit").addEventListener("change", (/** @type {any} */ { target }) => {
  fit = target.value;
  predict();
});
$("#board").addEventListener("dragover", (/** @type {Event} */ event) => event.preventDefault());
$("#board").addEventListener("drop", (/** @type {any} */ event) => {
  event.preventDefault();
  showFile(event.dataTransfer.files[0]);
});
$("#file").addEventListener("change", (/** @type {any} */ { target }) => showFile(target.files[0]));

await catchProblem(
  async () => {
    models = await allModels();
  },
  (problem) => $("#answers").append(notice(problem)),
);
for (const model of firstModels()) addPanel(model.id);
updateAddButton();
paintInTheme(() => {
  board.render();
  showSeen();
}, "seen");
await catchProblem(showFirst, async (problem) => {
  await predict();
  showFailure(problem);
});
ready();
for (const dataset of DATASETS) {
  catchProblem(
    () => offerSamples(dataset),
    (problem) => $("#samples").append(notice(problem)),
  );
}
