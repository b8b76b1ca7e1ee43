// @ts-check
// Which inputs of a layer an output is computed from, and which outputs an input leads to. All
// indices are flat, with the channels last. Needs no browser.
import { mapShape, windowOf, windowSize } from "../maps/shapes.js";

/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {{ input: number, output: number, weight: number | null }} Link `weight` is the index
 * in the array of the weights; null in a max-pool, which has none */

/** @param {number} index @param {import("../maps/shapes.js").MapShape} shape */
export function cellOf(index, { width, channels }) {
  const cell = Math.floor(index / channels);
  return { row: Math.floor(cell / width), column: cell % width, channel: index % channels };
}

/**
 * List the links that lead to an output of a layer.
 * @param {NetworkLayer} layer
 * @param {number} output
 * @returns {Link[]}
 */
export function linksInto(layer, output) {
  const input = mapShape(layer.input_shape);
  const inputs = input.height * input.width * input.channels;
  if (layer.type === "dense") {
    return Array.from({ length: inputs }, (_, i) => ({
      input: i,
      output,
      weight: output * inputs + i,
    }));
  }
  const { row, column, channel } = cellOf(output, mapShape(layer.output_shape));
  const { top, left, bottom, right } = windowOf(layer, row, column);
  const { stride = 1, padding = 0 } = layer;
  const size = windowSize(layer);
  const isPool = layer.type === "max-pool";
  const channels = isPool ? [channel] : Array.from({ length: input.channels }, (_, c) => c);
  /** @type {Link[]} */
  const links = [];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const [u, v] = [y - (row * stride - padding), x - (column * stride - padding)];
      for (const c of channels) {
        const weight = isPool ? null : ((channel * size + u) * size + v) * input.channels + c;
        links.push({ input: (y * input.width + x) * input.channels + c, output, weight });
      }
    }
  }
  return links;
}

/**
 * List the links that lead from an input of a layer to its outputs.
 * @param {NetworkLayer} layer
 * @param {number} input
 * @returns {Link[]}
 */
export function linksFrom(layer, input) {
  const shape = mapShape(layer.output_shape);
  if (layer.type === "dense") {
    const inputs = layer.input_shape.reduce((product, side) => product * side, 1);
    return Array.from({ length: shape.channels }, (_, output) => ({
      input,
      output,
      weight: output * inputs + input,
    }));
  }
  const { row, column, channel } = cellOf(input, mapShape(layer.input_shape));
  const { stride = 1, padding = 0 } = layer;
  const size = windowSize(layer);
  /** List the outputs along an axis whose window covers a place.
   * @param {number} at @param {number} n number of outputs */
  const covering = (at, n) => {
    const first = Math.max(0, Math.ceil((at + padding - size + 1) / stride));
    const last = Math.min(n - 1, Math.floor((at + padding) / stride));
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  };
  const isPool = layer.type === "max-pool";
  const inputs = mapShape(layer.input_shape).channels;
  const channels = isPool ? [channel] : Array.from({ length: shape.channels }, (_, o) => o);
  return covering(row, shape.height).flatMap((i) =>
    covering(column, shape.width).flatMap((j) => {
      const [u, v] = [row + padding - i * stride, column + padding - j * stride];
      return channels.map((o) => ({
        input,
        output: (i * shape.width + j) * shape.channels + o,
        weight: isPool ? null : ((o * size + u) * size + v) * inputs + channel,
      }));
    }),
  );
}

/**
 * Find the input that is the maximum of a window of a max-pool: of equal ones, the first.
 * @param {NetworkLayer} layer
 * @param {ArrayLike<number>} inputs
 * @param {number} output
 */
export const maximumOf = (layer, inputs, output) =>
  linksInto(layer, output).reduce(
    (best, { input }) => (best < 0 || inputs[input] > inputs[best] ? input : best),
    -1,
  );
