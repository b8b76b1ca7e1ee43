// @ts-check
// The page of all models: the list, and two or more models side by side.
import "./page.js";
import { ask, catchProblem, get } from "./api.js";
import { BLUE, GREY, INK, ORANGE, PAPER, Plot, addEndLabels, chart, toPixels } from "./chart.js";
import { NARROW, epochAxis, logLossAxis } from "./curves.js";
import {
  $,
  $$,
  h,
  notice,
  numberCell,
  plainButton,
  ready,
  rowHeader,
  table,
  whenSeen,
} from "./dom.js";
import { label, seconds, verdict } from "./models/comparison.js";
import { count, fixed, percent } from "./numbers.js";
import { drawHeatmap } from "./pixels.js";
import { lossRange } from "./ranges.js";
import { layersText } from "./recipes.js";
import { query } from "./request-line.js";
import { PIXELS, SIDE } from "./sizes.js";
import { paintInTheme } from "./theme.js";

/** @typedef {import("./types.d.ts").Model} Model */

const NEURONS = 8;
const LOSS_TICKS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2];
const LOOKS = [
  { color: BLUE },
  { color: ORANGE },
  { color: INK },
  { color: GREY, strokeDasharray: "4 3" }, // also for all further models
];
/** @param {number} i */
const look = (i) => LOOKS[Math.min(i, LOOKS.length - 1)];

/** @type {Model[]} */
const models = [];
/** @type {Record<string, string[]>} */
const aliasesOf = {};
/** @type {string[]} */
let chosen = [];
/** @type {string | null} */
let cursor = null;

/** Read the weights of each neuron from an image in which grey 128 is 0. @param {Blob} blob */
async function readTiles(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, SIDE);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.drawImage(bitmap, 0, 0);
  return Array.from({ length: Math.min(NEURONS, bitmap.width / SIDE) }, (_, i) => {
    const { data } = context.getImageData(SIDE * i, 0, SIDE, SIDE);
    return Float32Array.from({ length: PIXELS }, (__, k) => data[4 * k] - 128);
  });
}

/**
 * Show neurons of the first layer. The API's image is grey; the colors come from the theme.
 * @param {Model} model
 * @param {Element} host
 * @param {HTMLCanvasElement[]} canvases
 */
async function showNeurons(model, host, canvases) {
  const image = await ask(`/models/${model.id}/first-layer.png?limit=${NEURONS}`);
  const tiles = await readTiles(await image.blob());
  paintInTheme(() => tiles.forEach((tile, i) => drawHeatmap(canvases[i], tile, 127)), host);
}

/** Build the card of a model in the list. @param {Model} model */
function card(model) {
  const { id, recipe, parameters, evaluation } = model;
  // Empty canvases keep the space, so that nothing moves under the pointer when they are drawn.
  const canvases = Array.from({ length: NEURONS }, () => h("canvas", { "aria-hidden": "true" }));
  const neurons = h("div", { class: "strip" }, ...canvases);
  whenSeen(neurons, () => showNeurons(model, neurons, canvases));
  const checkbox = h("input", { type: "checkbox", value: id, checked: chosen.includes(id) });
  const size = `${layersText(recipe.hidden_sizes)}, ${count(parameters)} parameters`;
  return h(
    "article",
    { class: "card" },
    h(
      "label",
      { class: "check" },
      checkbox,
      h("span", { class: "sr" }, `Compare ${recipe.name} ${id}`),
    ),
    h(
      "div",
      { class: "who" },
      h("h2", { class: "title" }, h("a", { href: `/ui/models/${id}` }, recipe.name)),
      h("p", { class: "small" }, [id, ...(aliasesOf[id] ?? [])].join(" · ")),
      h("p", { class: "small" }, `${size}, ${Math.round(seconds(model))} s`),
    ),
    h(
      "p",
      { class: "big" },
      percent(evaluation.accuracy),
      h("span", { class: "small" }, "correct"),
    ),
    neurons,
  );
}

// Comparing
const comparedModels = () => models.filter((model) => chosen.includes(model.id));

/** @type {[name: string, value: (model: Model) => string][]} */
const FIGURES = [
  ["Test accuracy", ({ evaluation }) => percent(evaluation.accuracy, 2)],
  ["Test loss, nats", ({ evaluation }) => fixed(evaluation.loss, 3)],
  [
    "Calibration error, points",
    ({ evaluation }) => fixed(100 * evaluation.expected_calibration_error, 1),
  ],
  ["Parameters", ({ parameters }) => count(parameters)],
  ["Epochs", ({ recipe }) => String(recipe.epochs)],
  ["Seconds", (model) => fixed(seconds(model), 0)],
];

/** Update the words and the table that compare the chosen models. */
function compare() {
  const compared = comparedModels();
  $("#compare").classList.toggle("nothing", !compared.length);
  $("#verdict").textContent = verdict(compared);
  /** @type {(model: Model) => import("./dom.js").Header} */
  const header = (model) => [label(model, compared), true];
  const rows = FIGURES.map(([name, value]) =>
    h("tr", null, rowHeader(name), ...compared.map((model) => numberCell(value(model)))),
  );
  $("#figures").replaceChildren(table([[""], ...compared.map(header)], rows));
  $$("#figures thead th").forEach((th, i) => (th.style.color = look(i).color));
}

/** @param {number} width */
function comparisonPlot(width) {
  const compared = comparedModels();
  const narrow = width < NARROW;
  const losses = compared.flatMap((model) => model.history.map((row) => row.test_loss));
  const epochs = Math.max(1, ...compared.map((model) => model.recipe.epochs));
  const position = { x: "epoch", y: "test_loss" };
  const plot = Plot.plot({
    width,
    height: 300,
    marginLeft: 36,
    marginRight: narrow ? 16 : 190,
    marginTop: 28,
    marginBottom: 38,
    x: epochAxis(epochs),
    y: logLossAxis("↑ Test loss, nats (log scale)", lossRange(losses, 2.6), LOSS_TICKS),
    marks: compared.flatMap(({ history }, i) => {
      const { color, strokeDasharray } = look(i);
      return [
        Plot.lineY(history, { ...position, stroke: color, strokeWidth: 2, strokeDasharray }),
        Plot.dot(history.slice(-1), { ...position, fill: color, r: 4, stroke: PAPER }),
      ];
    }),
  });
  const { x, y } = toPixels(plot);
  const labels = compared.flatMap((model, i) =>
    model.history.slice(-1).map((last) => ({
      x: x(last.epoch),
      y: y(last.test_loss) - (narrow ? 14 : 0),
      text: label(model, compared),
      color: look(i).color,
      anchor: narrow ? /** @type {const} */ ("end") : /** @type {const} */ ("start"),
    })),
  );
  return addEndLabels(plot, labels);
}

// The list, page by page
const olderButton = plainButton("Older models", {
  onclick: () => catchProblem(loadMore, (problem) => older.before(notice(problem))),
});
const older = h("p", null, olderButton);

/**
 * @param {{ models: Model[], damaged: { id: string, detail: string }[], next: string | null }} page
 */
function addPage(page) {
  models.push(...page.models);
  cursor = page.next;
  const damaged = page.damaged.map(({ id, detail }) =>
    notice({ title: `${id} is damaged and is not used`, detail }),
  );
  older.before(...damaged, ...page.models.map(card));
  older.hidden = cursor == null;
}

async function loadMore() {
  const after = cursor;
  const page = await get(`/models?after=${after}`);
  if (after === cursor) addPage(page); // after two clicks, the page is added once
}

async function showModels() {
  const [page, { computed, aliases }] = await Promise.all([get("/models"), get("/aliases")]);
  for (const [alias, id] of Object.entries({ ...computed, ...aliases })) {
    (aliasesOf[id] ??= []).push(alias);
  }
  const newest = page.models.slice(0, 2).map((/** @type {Model} */ model) => model.id);
  chosen = query.get("compare")?.split(",") ?? newest;
  const host = $("#models");
  host.append(older);
  addPage(page);
  /** @param {string} id */
  const isListed = (id) => models.some((model) => model.id === id);
  while (cursor != null && !chosen.every(isListed)) await loadMore();
  chosen = chosen.filter(isListed);
  if (!models.length) {
    const link = h("a", { href: "/" }, "Start a training");
    host.append(h("p", { class: "empty" }, "No models yet. ", link, " to get one."));
  }
  compare();
  const redraw = chart($("#curves"), comparisonPlot);
  host.addEventListener("change", () => {
    chosen = $$("input:checked", host).map((input) => input.value);
    compare();
    if (chosen.length) redraw();
    history.replaceState(null, "", `?compare=${chosen.join(",")}`);
  });
}

await catchProblem(showModels, (problem) => {
  $("#models").append(notice(problem));
  $("#compare").classList.add("nothing");
});
ready();
