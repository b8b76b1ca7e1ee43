// @ts-check
// Rows of numbers as text, and the order and the places of the first layer's weights. Needs no
// browser.
import { valueText } from "../data/values.js";
import { placeMaps } from "../maps/arrange.js";
import { mapShape, valuesOf } from "../maps/shapes.js";
import { columnNames, isColor, isVectors } from "../predict/input.js";
import { placeInLayer } from "../predict/inside-rows.js";

/** @typedef {import("../types.d.ts").Dataset} Dataset */

const MOST_VALUES = 6; // of a row, in a small space
const MOST_BARS = 40; // columns; of more, the largest weights are shown
const CHANNELS = ["red", "green", "blue"];

/**
 * Write the first numbers of a row with the names of their columns.
 * @param {Dataset} dataset
 * @param {number[]} values
 */
export function valuesText(dataset, values) {
  const names = columnNames(dataset);
  const parts = values.slice(0, MOST_VALUES).map((value, i) => `${names[i]} ${valueText(value)}`);
  const left = values.length - parts.length;
  return parts.join(", ") + (left > 0 ? `, and ${left} more` : "");
}

/** The sizes of the heat map of a data set's samples. @param {Dataset} dataset */
export const gridOf = (dataset) => {
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
 * List the columns whose weights are shown: all in their order, or of many the largest first.
 * @param {number[]} weights
 */
export function shownColumns(weights) {
  const all = weights.map((_, i) => i);
  if (all.length <= MOST_BARS) return all;
  return all.sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a])).slice(0, MOST_BARS);
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

/**
 * Say where the input of a weight is: in a sample, or in the outputs of the layer before.
 * @param {import("./network.js").Choice} choice
 * @param {number} i
 */
export const inputPlace = ({ shape, dataset }, i) =>
  dataset ? placeOf(dataset, i) : placeInLayer(shape, i).place;

/**
 * Place the weights of a filter that reads several feature maps side by side, a square for each map
 * that it reads, with transparent gaps (NaN).
 * @param {number[]} weights
 * @param {number[]} shape (height, width, channels)
 * @returns {{ values: number[], width: number, height: number }}
 */
export function kernelGrid(weights, shape) {
  const { height, width, channels } = mapShape(shape);
  const { places, ...size } = placeMaps(channels, width, height);
  const values = Array(size.width * size.height).fill(NaN);
  places.forEach(({ x, y }, channel) =>
    valuesOf(weights, mapShape(shape), channel).forEach((weight, i) => {
      values[(y + Math.floor(i / width)) * size.width + x + (i % width)] = weight;
    }),
  );
  return { values, ...size };
}
