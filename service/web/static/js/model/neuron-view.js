// @ts-check
// The weights of one neuron or filter: a heat map in the shape of the images, one for each channel
// of color images or for each feature map, or a bar for each column of a row.
import { h } from "../dom.js";
import { fixed } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { columnNames, isColor, perPixel } from "../predict/input.js";
import { gridOf, kernelGrid, mapValues, shownColumns } from "./values.js";

/** @typedef {import("../types.d.ts").Dataset} Dataset */

export const FEW = 32; // with up to this many neurons, tiles are larger

/**
 * Draw the weights as one heat map: of color images, the means of the three channels.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} weights
 * @param {number} scale
 * @param {Dataset} dataset
 */
export function drawWeights(canvas, weights, scale, dataset) {
  const { height, width } = gridOf(dataset);
  const values = isColor(dataset)
    ? perPixel(weights, dataset).map((total) => total / 3)
    : mapValues(dataset, weights);
  drawHeatmap(canvas, values, scale, width);
  canvas.style.aspectRatio = `${width} / ${height}`;
}

/**
 * Draw the weights as a heat map: of color images, the channels side by side.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} weights
 * @param {number} scale
 * @param {Dataset} dataset
 */
export function drawChannels(canvas, weights, scale, dataset) {
  const { height, width } = gridOf(dataset);
  const across = width * (isColor(dataset) ? 3 : 1);
  drawHeatmap(canvas, mapValues(dataset, weights), scale, across);
  canvas.style.aspectRatio = `${across} / ${height}`;
}

/**
 * Draw the weights of a filter as heat maps side by side, one for each feature map that it reads.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} weights
 * @param {number} scale
 * @param {number[]} shape (height, width, channels)
 */
export function drawKernels(canvas, weights, scale, shape) {
  const { values, width, height } = kernelGrid(weights, shape);
  drawHeatmap(canvas, values, scale, width);
  canvas.style.aspectRatio = `${width} / ${height}`;
}

/**
 * Draw the weights of a neuron or filter as a small image.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} weights
 * @param {number} scale
 * @param {import("./network.js").Choice} choice
 */
export const drawTile = (canvas, weights, scale, { shape, dataset }) =>
  dataset
    ? drawWeights(canvas, weights, scale, dataset)
    : drawKernels(canvas, weights, scale, shape);

/**
 * Build a table with a bar for each weight of a column.
 * @param {Dataset} dataset
 * @param {number[]} weights
 * @param {number} scale
 */
export function weightBars(dataset, weights, scale) {
  const names = columnNames(dataset);
  const columns = shownColumns(weights);
  const rows = columns.map((i) => {
    const weight = weights[i];
    const share = (50 * Math.min(1, Math.abs(weight) / scale)).toFixed(1);
    const bar = h("span", { class: weight < 0 ? "bar negative" : "bar" });
    bar.style.width = `${share}%`;
    return h(
      "tr",
      null,
      h("th", { scope: "row" }, names[i]),
      h("td", { class: "bars-cell" }, bar),
      h("td", { class: "n" }, fixed(weight, 3)),
    );
  });
  const left = weights.length - columns.length;
  const note = `The ${columns.length} largest of ${weights.length} weights.`;
  return h(
    "div",
    null,
    h("table", { class: "weightbars" }, h("tbody", null, ...rows)),
    left > 0 && h("p", { class: "small" }, note),
  );
}
