// @ts-check
// The weights of one neuron of the first layer: a heat map in the shape of the images, one for each
// channel of color images, or a bar for each column of a row.
import { h } from "../dom.js";
import { fixed } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { columnNames, isColor, isVectors, perPixel } from "../predict/input.js";

/** @typedef {import("../types.d.ts").Dataset} Dataset */

const MOST_BARS = 40; // columns; of more, the largest weights are shown
const CHANNELS = ["red", "green", "blue"];

/** The sizes of the heat map of a data set's samples. @param {Dataset} dataset */
const gridOf = (dataset) => {
  const [height, width] = dataset.shape;
  if (!isVectors(dataset)) return { height, width };
  const across = Math.ceil(Math.sqrt(height)); // `height` is the number of columns
  return { height: Math.ceil(height / across), width: across };
};

/**
 * Order weights for the heat map: color channels side by side; rows of numbers fill a square.
 * @param {Dataset} dataset
 * @param {number[]} weights
 */
export function mapValues(dataset, weights) {
  const { height, width } = gridOf(dataset);
  if (isVectors(dataset)) {
    return Array.from({ length: height * width }, (_, i) => weights[i] ?? 0);
  }
  if (!isColor(dataset)) return weights;
  return Array.from({ length: weights.length }, (_, i) => {
    const [row, rest] = [Math.floor(i / (3 * width)), i % (3 * width)];
    return weights[3 * (row * width + (rest % width)) + Math.floor(rest / width)];
  });
}

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
 * List the columns whose weights are shown: all in their order, or of many the largest first.
 * @param {number[]} weights
 */
export function shownColumns(weights) {
  const all = weights.map((_, i) => i);
  if (all.length <= MOST_BARS) return all;
  return all.sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a])).slice(0, MOST_BARS);
}

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

/**
 * Say where a weight is: its row, column and color, or the name of its column.
 * @param {Dataset} dataset
 * @param {number} i
 */
export function placeOf(dataset, i) {
  if (isVectors(dataset)) return { column: columnNames(dataset)[i] };
  const channels = isColor(dataset) ? 3 : 1;
  const pixel = Math.floor(i / channels);
  const [, width] = dataset.shape;
  return {
    row: Math.floor(pixel / width) + 1,
    column: (pixel % width) + 1,
    ...(channels > 1 ? { color: CHANNELS[i % channels] } : {}),
  };
}
