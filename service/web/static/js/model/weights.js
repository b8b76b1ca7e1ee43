// @ts-check
// The weights: their distribution before and after training, and the first layer's as images.
// Each section loads its data when it comes near the view.
import { get } from "../api.js";
import {
  BLUE,
  EDGE,
  GREY,
  INK_2,
  Plot,
  addEndLabels,
  chart,
  loadPlot,
  toPixels,
} from "../chart.js";
import { $, h, whenSeen } from "../dom.js";
import { arrowStep } from "../keys.js";
import { fixed, indexOfLargest, largestMagnitude } from "../numbers.js";
import { sizesOf } from "../models/card.js";
import { isColor, isVectors } from "../predict/input.js";
import { savable } from "../save-figure.js";
import { paintInTheme } from "../theme.js";
import { drawChannels, drawWeights, weightBars } from "./neuron-view.js";
import { placeOf } from "./values.js";

const NEURONS = 64;
const LABEL = 52; // pixels, the width of the labels of a histogram, with the space beside them
const FEW = 32; // with up to this many neurons, tiles are larger

/**
 * @typedef {object} LayerHistogram
 * @property {number} inputs
 * @property {number} outputs
 * @property {number[]} edges
 * @property {number[]} before
 * @property {number[]} after
 * @property {number} spread_before
 * @property {number} spread_after
 */

/** @typedef {ReturnType<typeof histogramBins>} Bins */

/** @param {LayerHistogram} layer */
const histogramBins = ({ before, after, edges }) =>
  before.map((n, k) => ({ x1: edges[k], x2: edges[k + 1], before: n, after: after[k] }));

/**
 * Label both curves of a histogram where there is room.
 * @param {any} plot
 * @param {LayerHistogram} layer
 * @param {Bins} bins
 * @param {number} width
 */
function labelHistogram(plot, { before, after }, bins, width) {
  const { x, y } = toPixels(plot);
  const rise = bins[after.findIndex((n) => n > 0.25 * Math.max(...after))];
  const fall = before.findLastIndex((n) => n > 0.55 * Math.max(...before));
  const grey = bins[Math.max(indexOfLargest(before), fall)];
  const beforeX = Math.min(x(grey.x2) - 2, width - LABEL);
  const afterX = Math.max(x(rise.x1), LABEL);
  const beforeLabel = { x: beforeX, y: y(grey.before), text: "before" };
  const afterLabel = { x: afterX, y: y(rise.after) - 8, text: "after" };
  addEndLabels(plot, [
    { ...beforeLabel, color: INK_2, weight: 400 },
    { ...afterLabel, color: BLUE, anchor: "end" },
  ]);
}

/**
 * Choose the ticks of an axis around 0: a round number on each side.
 * @param {number} end of the axis
 */
function symmetricTicks(end) {
  const unit = 10 ** Math.floor(Math.log10(end));
  const tick = unit * ([5, 2].find((multiple) => multiple * unit <= end) ?? 1);
  return [-tick, 0, tick];
}

/** @param {LayerHistogram} layer @param {Bins} bins @param {number} width */
function histogramPlot({ before, after, edges }, bins, width) {
  const end = edges[edges.length - 1];
  const outline = bins.flatMap((bin) => [
    [bin.x1, bin.after],
    [bin.x2, bin.after],
  ]);
  return Plot.plot({
    width,
    height: 170,
    marginLeft: 16, // room for half of the number at an end of the axis
    marginRight: 16,
    marginTop: 22,
    marginBottom: 24,
    x: { domain: [-end, end], ticks: symmetricTicks(end), label: null },
    y: { domain: [0, Math.max(...before, ...after)], axis: null },
    marks: [
      Plot.rectY(bins, {
        x1: "x1",
        x2: "x2",
        y: "before",
        fill: GREY,
        fillOpacity: 0.35,
        insetLeft: 0,
        insetRight: 0,
      }),
      Plot.line(/** @type {[number, number][]} */ (outline), { stroke: BLUE, strokeWidth: 1.75 }),
      Plot.ruleY([0], { stroke: EDGE }),
    ],
  });
}

/** Show the distribution of each layer's weights. @param {import("../types.d.ts").Model} model */
export function showHistograms(model) {
  const { id } = model;
  const sizes = sizesOf(model);
  // These keep the space, so that nothing moves when the histograms are drawn.
  const places = sizes.slice(1).map((size, i) => {
    const title = h("p", null, h("b", null, `${sizes[i]} → ${size}`));
    return { title, host: h("div", { class: "chart" }), spread: h("p", { class: "small" }, "…") };
  });
  $("#hists").append(...places.map((place) => h("div", null, ...Object.values(place))));
  whenSeen($("#hists"), async () => {
    /** @type {[{ layers: LayerHistogram[] }, void]} */
    const [{ layers }] = await Promise.all([get(`/models/${id}/histograms`), loadPlot()]);
    savable($("#hists").closest("figure"), {
      name: `weights-${id}`,
      rows: () =>
        layers.flatMap((layer, i) =>
          histogramBins(layer).map(({ x1, x2, before, after }) => ({
            layer: `${sizes[i]} to ${sizes[i + 1]}`,
            "weights from": x1,
            "weights to": x2,
            "number before training": before,
            "number after training": after,
          })),
        ),
    });
    layers.forEach((layer, i) => {
      const { spread_before, spread_after } = layer;
      const spread = `spread ${fixed(spread_before, 3)} → ${fixed(spread_after, 3)}`;
      places[i].spread.textContent = spread;
      const bins = histogramBins(layer);
      chart(places[i].host, (width) => {
        const plot = histogramPlot(layer, bins, width);
        if (i === 0) labelHistogram(plot, layer, bins, width);
        return plot;
      });
    });
  });
}

/** @typedef {"before" | "after" | "difference"} Which weights */
/** @typedef {{ neuron: number, change: number } & Record<Which, number[]>} Neuron */

/**
 * @param {{ neuron: number, change: number, before: any[], after: any[] }} answer
 * @returns {Neuron}
 */
function readNeuron({ neuron, change, ...weights }) {
  const [before, after] = [weights.before.flat(2), weights.after.flat(2)];
  return { neuron, change, before, after, difference: after.map((w, k) => w - before[k]) };
}

/**
 * Find the magnitude that gets the strongest color. Before and after training share one scale.
 * @param {Neuron[]} neurons
 * @returns {Record<Which, number>}
 */
function colorScales(neurons) {
  /** @param {Which} which */
  const largest = (which) =>
    largestMagnitude(neurons.map((neuron) => largestMagnitude(neuron[which]))) || 1;
  const common = Math.max(largest("before"), largest("after"));
  return { before: common, after: common, difference: largest("difference") };
}

/**
 * Show the first layer's weights, one image for each neuron.
 * @param {import("../types.d.ts").Model} model
 */
export function showFirstLayer(model) {
  const { id, dataset } = model;
  const [, neurons] = sizesOf(model);
  const shown = Math.min(NEURONS, neurons);
  const host = $("#tiles");
  host.classList.toggle("few", shown <= FEW);
  const space = () => h("div", { class: "tile" }, h("canvas"));
  host.append(...Array.from({ length: shown }, space));
  whenSeen(host, async () => {
    const answer = await get(`/models/${id}/first-layer?limit=${NEURONS}`);
    const read = answer.neurons.map(readNeuron);
    showTiles(read, answer.count, dataset);
    savable(host.closest("figure"), {
      name: `first-layer-${id}`,
      rows: () => neuronRows(read, dataset),
    });
  });
}

/** @typedef {import("../types.d.ts").Dataset} Dataset */

/** Make a row for each weight. @param {Neuron[]} neurons @param {Dataset} dataset */
const neuronRows = (neurons, dataset) =>
  neurons.flatMap(({ neuron, before, after }) =>
    before.map((weight, i) => ({
      neuron,
      ...placeOf(dataset, i),
      "weight before training": weight,
      "weight after training": after[i],
    })),
  );

/** @param {Neuron[]} neurons @param {number} total @param {Dataset} dataset */
function showTiles(neurons, total, dataset) {
  const scales = colorScales(neurons);
  let chosen = 0;
  /** @type {Which} */
  let which = "after";

  /** @param {HTMLCanvasElement} canvas @param {number} i */
  const draw = (canvas, i) => drawWeights(canvas, neurons[i][which], scales[which], dataset);
  const canvases = neurons.map(() => h("canvas"));
  const tiles = neurons.map(({ neuron }, i) => {
    const state = { "aria-label": `Neuron ${neuron}`, "aria-pressed": "false" };
    const attributes = { class: "tile", type: "button", ...state, onclick: () => enlarge(i) };
    return h("button", attributes, canvases[i]);
  });

  /** @param {number} i */
  function enlarge(i) {
    chosen = i;
    tiles.forEach((tile, k) => {
      tile.setAttribute("aria-pressed", String(k === i));
      tile.tabIndex = k === i ? 0 : -1;
    });
    const { neuron, change, after } = neurons[i];
    const canvas = h("canvas", { role: "img", "aria-label": `Weights of neuron ${neuron}` });
    const scale = scales[which];
    const norm = fixed(Math.hypot(...after), 2);
    const words = h(
      "p",
      { class: "small" },
      `Neuron ${neuron}. `,
      isColor(dataset) && "From left to right: red, green and blue. ",
      `The colors range from `,
      h("b", { class: "orange" }, fixed(-scale, 2)),
      " to ",
      h("b", { class: "blue" }, `+${fixed(scale, 2)}`),
      `. Norm of its trained weights: ${norm}. Norm of their change: ${fixed(change, 2)}.`,
    );
    const bars = isVectors(dataset) && weightBars(dataset, neurons[i][which], scale);
    $("#large").replaceChildren(bars || canvas, words);
    $("#large").classList.toggle("color", isColor(dataset));
    if (!bars) drawChannels(canvas, neurons[i][which], scale, dataset);
  }

  const redraw = () => {
    canvases.forEach(draw);
    enlarge(chosen);
  };
  const host = $("#tiles");
  host.replaceChildren(...tiles);
  host.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = arrowStep(event.key);
    const at = tiles.findIndex((tile) => tile === document.activeElement);
    if (!step || at < 0) return;
    const columns = getComputedStyle(host).gridTemplateColumns.split(" ").length;
    const next = at + step[0] + columns * step[1];
    if (!tiles[next]) return;
    event.preventDefault();
    tiles[next].focus();
    enlarge(next);
  });
  $("#tiles-note").textContent =
    tiles.length < total
      ? `The ${tiles.length} of ${total} neurons that training changed most.`
      : `All ${tiles.length} neurons, ordered by how much training changed them.`;
  paintInTheme(redraw);
  $("#which").addEventListener("change", (/** @type {Event} */ event) => {
    which = /** @type {Which} */ (/** @type {HTMLInputElement} */ (event.target).value);
    redraw();
  });
}
