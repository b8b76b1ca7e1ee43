// @ts-check
// What a training has learned so far, while it runs: the weights of its first layer as images, and
// the test images that it misreads. Both come from its last checkpoint.
import { ask, latest } from "../api.js";
import { datasetOf } from "../datasets.js";
import { $, $$, h } from "../dom.js";
import { FINAL_STATUSES } from "../events.js";
import { sampleWord } from "../models/card.js";
import { filterChoices } from "../model/network.js";
import { FEW, drawTile } from "../model/neuron-view.js";
import { misreadRow, misreadText, sampleTile, sampleView } from "../model/sample-view.js";
import { inputPlace } from "../model/values.js";
import { largestMagnitude, shareText } from "../numbers.js";
import { requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { paintInTheme } from "../theme.js";
import { layerWords, mistakesWords } from "./learned-words.js";

/** @typedef {import("../types.d.ts").Job} Job */
/** @typedef {import("../types.d.ts").Dataset} Dataset */
/** @typedef {import("../model/network.js").Choice} Choice */
/** @typedef {import("../model/sample-view.js").Misread} Misread */
/** @typedef {{ neuron: number, weights: any[] }} Neuron */
/** @typedef {{ epochs: number, samples: number, count: number, neurons: Neuron[] }} Layer */
/** @typedef {{ epoch: number, count: number, total: number, images: Misread[] }} Mistakes */

const NEURONS = 64;
const MISTAKES = 24;
const LEAST_MS = 500; // between two updates: epochs can be shorter
const MOST_MS = 10000; // within an epoch: there is a checkpoint every 30 s

/** Get JSON, or null if there is no checkpoint. @param {string} path */
async function getIfAny(path) {
  const response = await ask(path);
  return response.status === 204 ? null : response.json();
}

/** @param {Neuron[]} neurons @param {Choice} choice */
const weightRows = (neurons, choice) =>
  neurons.flatMap(({ neuron, weights }) =>
    weights.flat(2).map((weight, i) => ({
      [choice.noun]: neuron,
      ...inputPlace(choice, i),
      weight,
    })),
  );

/**
 * Prepare the images of the first layer. Return a function that shows a response.
 * @param {Choice} choice
 * @param {Dataset} dataset
 * @param {string} id
 */
function layerFigure(choice, dataset, id) {
  const size = choice.shape.reduce((product, side) => product * side, 1);
  const shown = Math.min(NEURONS, choice.layer.output_shape.at(-1) ?? 1);
  const canvases = Array.from({ length: shown }, () => h("canvas", { "aria-hidden": "true" }));
  const host = $("#live-tiles");
  /** @type {Neuron[]} */
  let neurons = [];

  function paint() {
    const all = canvases.map((_, i) => neurons[i]?.weights.flat(2) ?? Array(size).fill(0));
    const scale = largestMagnitude(all.map(largestMagnitude)) || 1;
    canvases.forEach((canvas, i) => drawTile(canvas, all[i], scale, choice));
  }

  host.classList.toggle("few", shown <= FEW);
  host.classList.toggle("filters", choice.noun === "filter");
  host.replaceChildren(...canvases);
  paintInTheme(paint, "live-tiles");
  savable(host.closest("figure"), {
    name: `first-layer-${id}`,
    rows: () => weightRows(neurons, choice),
  });
  return (/** @type {Layer} */ layer) => {
    neurons = layer.neurons;
    paint();
    $("#live-layer-words").textContent = layerWords(layer, choice.noun, sampleWord(dataset));
  };
}

/**
 * Prepare the gallery of the mistakes. Return a function that shows a response.
 * @param {Dataset} dataset
 * @param {string} id
 */
function mistakesFigure(dataset, id) {
  const { classes } = dataset;
  const host = $("#live-mistakes");
  /** @type {Misread[]} */
  let images = [];
  host.classList.add(dataset.kind);
  savable(host.closest("figure"), {
    name: `mistakes-${id}`,
    rows: () => images.map((image) => misreadRow(image, dataset)),
    drawing: false,
  });
  return (/** @type {Mistakes} */ mistakes) => {
    images = mistakes.images;
    const views = images.map((image) => sampleView(dataset, image));
    const tiles = images.map((image, i) =>
      sampleTile(views[i], [misreadText(image, classes), shareText(image.probability, 1)]),
    );
    host.replaceChildren(...tiles);
    host.hidden = !tiles.length; // an empty one keeps the space of the images to come
    paintInTheme(() => views.forEach(({ paint }) => paint()), "live-mistakes");
  };
}

/**
 * Say that the training has ended, and where its model is.
 * @param {Job} job
 * @param {string} words what it had learned before
 */
function showEnd({ model }, words) {
  const page = `/ui/models/${model}#tiles-title`;
  const link = model && h("a", { href: page }, "See what its model has learned");
  $("#live-words").replaceChildren(words, " The training has ended. ", link || "");
}

/**
 * Show the section of a training that has not ended. Return a function to call after its events.
 * @param {Job} job
 * @param {string} path
 * @returns {(job: Job, type: import("./live.js").EventType) => void}
 */
export function showLearned(job, path) {
  const dataset = datasetOf(job.recipe.dataset);
  if (!dataset || FINAL_STATUSES.has(job.status)) return () => {};
  const [choice] = filterChoices({ recipe: job.recipe, classes: dataset.classes, dataset });
  const layerPath = `${path}/first-layer?limit=${NEURONS}`;
  const mistakesPath = `${path}/mistakes?limit=${MISTAKES}`;
  const showLayer = layerFigure(choice, dataset, job.id);
  const showMistakes = mistakesFigure(dataset, job.id);
  requestLine($("#live-layer-request"), { method: "GET", path: layerPath })();
  requestLine($("#live-mistakes-request"), { method: "GET", path: mistakesPath })();
  $("#live").hidden = false;
  let askedAt = 0;
  let ended = false;
  let seen = false;
  let words = "";

  const update = latest(
    async () => {
      askedAt = performance.now();
      const layer = await getIfAny(layerPath);
      return [layer, await getIfAny(mistakesPath)]; // one by one: each may need much memory there
    },
    async ([layer, mistakes]) => {
      seen ||= layer != null;
      if (layer) showLayer(layer);
      if (mistakes && !ended) {
        showMistakes(mistakes);
        words = mistakesWords(mistakes, sampleWord(dataset));
        $("#live-words").textContent = words;
      }
      await new Promise((resolve) => setTimeout(resolve, LEAST_MS));
    },
    () => {}, // the next event tries again; a lost connection has its own notice
  );
  return (now, type) => {
    if (FINAL_STATUSES.has(now.status)) {
      ended = true;
      showEnd(now, words);
      if (!seen) $$("#live figure").forEach((figure) => (figure.hidden = true));
    } else if (now.history.length) {
      const isNew = type === "epoch" || type === "status";
      if (isNew || performance.now() - askedAt > MOST_MS) update();
    }
  };
}
