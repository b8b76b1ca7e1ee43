// @ts-check
// Where the diagram of a step has its columns and rows. Needs no browser.
import { areMaps, mapShape } from "../maps/shapes.js";
import { indexOfLargest, largestMagnitude } from "../numbers.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {"z" | "a" | "delta"} Column */
/** @typedef {{ x: number, width: number }} Span */

/**
 * @typedef {object} Place of a layer in the diagram
 * @property {number} left
 * @property {number} right
 * @property {Partial<Record<Column, Span>>} columns
 * @property {Span | null} single where there is room for only one column
 * @property {number} label x of the names of the classes
 */

/**
 * @typedef {object} Layout
 * @property {number} width in units of the drawing
 * @property {number} height
 * @property {number} top of the rows
 * @property {boolean} narrow
 * @property {{ x: number, y: number, size: number }[]} pictures the input, and what a neuron sees
 * @property {Place[]} places of the layers
 * @property {{ x: number, y: number, width: number, height: number }} loss
 */

export const NARROW_PX = 600;
const MOST_TRIPLES = 3; // layers that have room for three columns each
const ROWS = 346; // height of all rows of a layer
const OUTPUT_ROWS = 205;
const LARGEST_ROW = 20.5;
const MOST_ROWS = 32;
const MOST_OUTPUTS = 16;
const MOST_MAPS = 12;

const INPUT_X = 66; // the middle of the picture
const GRADIENTS_X = 190;
const LOSS_X = 784;

/** @param {number} x @returns {Pick<Place, "left" | "right" | "columns">} */
const triple = (x) => ({
  left: x,
  right: x + 146,
  columns: {
    z: { x, width: 48 },
    a: { x: x + 54, width: 36 },
    delta: { x: x + 98, width: 48 },
  },
});

/** @param {number} layers @returns {Layout} */
function wide(layers) {
  const hidden = layers - 1;
  const [start, end] = [132, 630];
  /** @type {Place[]} */
  const places = Array.from({ length: hidden }, (_, i) => {
    if (layers <= MOST_TRIPLES) {
      const gap = (end - start - 146 * hidden) / layers;
      return { ...triple(start + gap + i * (146 + gap)), single: null, label: 0 };
    }
    const pitch = (end - start) / layers;
    const single = { x: start + (i + 0.62) * pitch, width: Math.min(68, 0.62 * pitch) };
    return { left: single.x, right: single.x + single.width, columns: {}, single, label: 0 };
  });
  places.push({
    left: end,
    right: 808,
    columns: {
      z: { x: 646, width: 44 },
      a: { x: 698, width: 54 },
      delta: { x: 762, width: 46 },
    },
    single: null,
    label: end,
  });
  return {
    width: 808,
    height: 388,
    top: 40,
    narrow: false,
    pictures: [40, 204].map((y) => ({ x: 0, y, size: 132 })),
    places,
    loss: { x: 646, y: 272, width: 162, height: 112 },
  };
}

/** @param {number} layers @returns {Layout} */
function narrow(layers) {
  const pitch = layers > 1 ? 236 / (layers - 1) : 0;
  const width = Math.min(68, 0.55 * pitch);
  /** @type {Place[]} */
  const places = Array.from({ length: layers - 1 }, (_, i) => {
    const single = { x: 20 + i * pitch, width };
    return { left: single.x, right: single.x + width, columns: {}, single, label: 0 };
  });
  const single = { x: 274, width: 69 };
  places.push({ left: 258, right: 343, columns: {}, single, label: 258 });
  return {
    width: 343,
    height: 540,
    top: 182,
    narrow: true,
    pictures: [0, 124].map((x) => ({ x, y: 18, size: 112 })),
    places,
    loss: { x: 258, y: 18, width: 80, height: 104 },
  };
}

/**
 * Lay out the diagram.
 * @param {number} layers
 * @param {number} pixels that are available
 */
export const layoutOf = (layers, pixels) => (pixels < NARROW_PX ? narrow : wide)(layers);

/**
 * Find the place of a phase's button above or below what it computes, in percent of the width. Null
 * if the layers are too close for that.
 * @param {number} layers
 * @param {import("./phases.js").Phase} phase
 */
export function buttonPlace(layers, { kind, layer }) {
  if (layers > MOST_TRIPLES) return null;
  const { places, width } = wide(layers);
  const middle = (/** @type {Column} */ column) => {
    const { x = 0, width: across = 0 } = places[(layer ?? 1) - 1].columns[column] ?? {};
    return x + across / 2;
  };
  const isLast = layer === layers;
  const x = {
    input: INPUT_X,
    forward: isLast ? middle("z") - 20 : (middle("z") + middle("a")) / 2,
    softmax: middle("a") - 7,
    loss: LOSS_X,
    backward: middle("delta"),
    gradients: GRADIENTS_X,
    update: INPUT_X,
  }[kind];
  return (100 * x) / width;
}

/** @param {StepLayer} layer */
export const hasMaps = ({ spec }) => areMaps(spec.output_shape);

/** Count the neurons, or the maps. @param {StepLayer} layer */
export const channelsOf = ({ spec }) => mapShape(spec.output_shape).channels;

/**
 * Measure how much each neuron or map of a layer is to blame: |δ|, of maps the largest.
 * @param {StepLayer} layer
 * @param {string} kind of the gradient
 */
export function blame(layer, kind) {
  const channels = channelsOf(layer);
  const values = Array(channels).fill(0);
  layer.delta[kind].forEach((delta, i) => {
    values[i % channels] = Math.max(values[i % channels], Math.abs(delta));
  });
  return values;
}

/**
 * Find the cell of a map with the largest |δ|; of a neuron, the neuron itself.
 * @param {StepLayer} layer
 * @param {number} channel
 * @param {string} kind
 * @returns {number} index in the flat lists of the layer
 */
export function cellOfChannel(layer, channel, kind) {
  const channels = channelsOf(layer);
  const { height, width } = mapShape(layer.spec.output_shape);
  const cells = Array.from({ length: height * width }, (_, i) => i * channels + channel);
  return cells[indexOfLargest(cells.map((cell) => Math.abs(layer.delta[kind][cell])))];
}

/** The most rows of a layer that have room. @param {StepLayer} layer */
const mostRows = (layer) => (layer.isLast ? MOST_OUTPUTS : hasMaps(layer) ? MOST_MAPS : MOST_ROWS);

/** Tell whether some neurons or maps have no row. @param {StepLayer} layer */
export const hidesRows = (layer) => channelsOf(layer) > mostRows(layer);

/**
 * @typedef {object} Rows of a layer in the diagram
 * @property {number[]} channels the neurons or maps that are shown, in their order
 * @property {number} step height of a row
 */

/**
 * Choose the rows of a layer: all neurons, or of many those with the largest |δ|.
 * @param {Step} step
 * @param {number} number of the layer, from 1
 * @param {number} chosen a neuron that must be among them
 * @returns {Rows}
 */
export function rowsOf(step, number, chosen) {
  const layer = step.layers[number - 1];
  const channels = channelsOf(layer);
  const most = mostRows(layer);
  const order = blame(layer, "exact")
    .map((value, channel) => ({ value: channel === chosen ? Infinity : value, channel }))
    .sort((one, other) => other.value - one.value || one.channel - other.channel);
  const shown = order.slice(0, most).map(({ channel }) => channel);
  const height = layer.isLast ? OUTPUT_ROWS : ROWS;
  const largest = hasMaps(layer) ? 50 : LARGEST_ROW;
  return {
    channels: shown.sort((one, other) => one - other),
    step: Math.min(largest, height / Math.min(channels, most)),
  };
}

/** The value at which a column ends. @param {number[][]} lists */
export const scaleOf = (...lists) => Math.max(...lists.map(largestMagnitude)) || 1;
