// @ts-check
// The distribution of each layer's weights before and after training. It loads its data when it
// comes near the view.
import { get, inTurn } from "../api.js";
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
import { fixed, indexOfLargest } from "../numbers.js";
import { savable } from "../save-figure.js";
import { weightLayers } from "./network.js";

const LABEL = 52; // pixels, the width of the labels of a histogram, with the space beside them

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
  const names = weightLayers(model).map(({ name }) => name);
  // These keep the space, so that nothing moves when the histograms are drawn.
  const places = names.map((name) => {
    const title = h("p", null, h("b", null, name));
    return { title, host: h("div", { class: "chart" }), spread: h("p", { class: "small" }, "…") };
  });
  $("#hists").append(...places.map((place) => h("div", null, ...Object.values(place))));
  whenSeen($("#hists"), async () => {
    /** @type {[{ layers: LayerHistogram[] }, void]} */
    const [{ layers }] = await Promise.all([
      inTurn(() => get(`/models/${id}/histograms`)),
      loadPlot(),
    ]);
    savable($("#hists").closest("figure"), {
      name: `weights-${id}`,
      rows: () =>
        layers.flatMap((layer, i) =>
          histogramBins(layer).map(({ x1, x2, before, after }) => ({
            layer: names[i].replace("→", "to"),
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
