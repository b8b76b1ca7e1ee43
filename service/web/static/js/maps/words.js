// @ts-check
// Layers, feature maps and their cells in words. Rows, columns, maps and neurons count from 0, as
// in the API, and layers from 1. Needs no browser.
import { capitalized } from "../capitalized.js";
import { count, fixed } from "../numbers.js";
import { areMaps, largestCell, mapShape, windowOf, windowSize } from "./shapes.js";

/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {import("./shapes.js").Window} Window */
/** @typedef {{ row: number, column: number }} Cell */

/** Write a number of things. @param {number} n @param {string} noun */
const some = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;

/** Write the shape of an output. @param {number[]} shape */
export const describeShape = (shape) => shape.map(count).join(" × ");

/**
 * Name a layer and its options.
 * @param {Pick<NetworkLayer, "type" | "kernel" | "size" | "stride" | "padding">} layer
 */
export function describeLayer(layer) {
  if (layer.type === "dense") return "dense";
  const { type, stride = 1, padding = 0 } = layer;
  const size = windowSize(layer);
  const usual = type === "max-pool" ? size : 1;
  const options = [
    `${type} ${size} × ${size}`,
    stride !== usual && `stride ${stride}`,
    padding > 0 && `padding ${padding}`,
  ];
  return options.filter(Boolean).join(", ");
}

/** Write what a layer puts out. @param {number[]} shape */
export function outputText(shape) {
  if (!areMaps(shape)) return some(shape[0], "neuron");
  const { height, width, channels } = mapShape(shape);
  return `${some(channels, "feature map")} of ${height} × ${width}`;
}

/**
 * Write the title of a hidden layer.
 * @param {number} number from 1
 * @param {NetworkLayer} layer
 */
export function layerTitle(number, layer) {
  const text = outputText(layer.output_shape);
  if (layer.type === "dense") return `Hidden layer ${number}: ${text}`;
  return `Hidden layer ${number}, ${describeLayer(layer)}: ${text}`;
}

/** Name a cell. @param {Cell} cell */
export const cellName = ({ row, column }) => `row ${row}, column ${column}`;

/** @param {string} noun @param {number} first @param {number} last */
const range = (noun, first, last) =>
  first === last ? `${noun} ${first}` : `${noun}s ${first} to ${last}`;

/** Name a window. @param {Window} window */
const windowText = ({ top, left, bottom, right }) =>
  `${range("row", top, bottom - 1)}, ${range("column", left, right - 1)}`;

/**
 * Describe a feature map.
 * @param {number[]} values of the map, row by row
 * @param {number} width
 */
export function mapText(values, width) {
  const cell = largestCell(values, width);
  const largest = values[cell.row * width + cell.column];
  return `its largest value is ${fixed(largest, 3)}, at ${cellName(cell)}`;
}

/** @param {number} channels @param {boolean} isImage whether they are the channels of an image */
function inputsText(channels, isImage) {
  if (isImage) return "the image";
  return channels === 1 ? "the map before" : `all ${count(channels)} maps before`;
}

/**
 * Say where a cell of a feature map comes from.
 * @param {NetworkLayer} layer
 * @param {Cell} cell
 * @param {number} value
 * @param {{ map: number, isImage: boolean, isOff?: boolean, winner: Cell | null }} source `map` is
 *   the index of the map; `isImage` if the layer's input is the image; `isOff` if the map is
 *   switched off; `winner` is where the maximum of a max-pool was
 */
export function cellText(layer, cell, value, { map, isImage, isOff, winner }) {
  const window = windowOf(layer, cell.row, cell.column);
  const start = `${capitalized(cellName(cell))}: ${fixed(value, 3)}`;
  if (isOff) return `${start}, because the map is switched off.`;
  if (winner) {
    return (
      `${start}, the maximum of ${windowText(window)} of the ` +
      `${isImage ? "image" : "map before"}. It came from ${cellName(winner)}.`
    );
  }
  const { channels } = mapShape(layer.input_shape);
  const padding = window.isPadded ? " and the padding beside them" : "";
  return (
    `${start}, computed with filter ${map} from ${windowText(window)} of ` +
    `${inputsText(channels, isImage)}` +
    `${padding}.`
  );
}

/** Write a part of a probability. @param {number} share */
const points = (share) => `${fixed(100 * share, 1)} percentage points`;

/**
 * Say what an occlusion map shows.
 * @param {import("../types.d.ts").Occlusion} occlusion
 * @param {string} label the class
 */
export function occlusionText({ drops, size, stride }, label) {
  const width = drops[0].length;
  const all = drops.flat();
  const cell = largestCell(all, width);
  const drop = all[cell.row * width + cell.column];
  const side = `${size} × ${size} pixels`;
  if (drop <= 0) return `No covered square of ${side} makes ${label} less probable.`;
  const [row, column] = [cell.row, cell.column].map((at) => Math.floor(stride * (at + 0.5)));
  return (
    `The probability of ${label} falls by up to ${points(drop)}: when a square of ${side} around ` +
    `${cellName({ row, column })} is covered.`
  );
}
