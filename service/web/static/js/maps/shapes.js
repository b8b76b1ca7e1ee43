// @ts-check
// The layers of a network, the shapes of their outputs, and where a cell of a feature map comes
// from. Needs no browser.

/** @typedef {import("../types.d.ts").HiddenLayer} HiddenLayer */
/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {{ height: number, width: number, channels: number }} MapShape */
/** @typedef {{ top: number, left: number, bottom: number, right: number }} Window of cells; the
 * last two are the first row and column after it */

/**
 * Read the shape of an output as that of feature maps. Neurons are maps of one cell.
 * @param {number[]} shape (height, width, channels), (height, width), or (neurons)
 * @returns {MapShape}
 */
export function mapShape(shape) {
  if (shape.length === 1) return { height: 1, width: 1, channels: shape[0] };
  const [height, width, channels = 1] = shape;
  return { height, width, channels };
}

/** Tell whether an output has feature maps, and not single neurons. @param {number[]} shape */
export const areMaps = (shape) => shape.length > 1;

/**
 * List the hidden layers of a recipe.
 * @param {import("../types.d.ts").Recipe} recipe
 * @returns {HiddenLayer[]}
 */
export const hiddenLayers = ({ layers, hidden_sizes }) =>
  layers ?? (hidden_sizes ?? []).map((neurons) => ({ type: "dense", neurons }));

/** Rows and columns of the window that a layer moves over its input. @param {HiddenLayer} layer */
export const windowSize = ({ kernel, size }) => kernel ?? size ?? 1;

/**
 * Work out the shape of a layer's output, as the API does.
 * @param {number[]} input the shape of the input
 * @param {HiddenLayer} layer
 */
export function outputShape(input, layer) {
  if (layer.type === "dense") return [layer.neurons ?? 0];
  const { stride = 1, padding = 0 } = layer;
  const [height, width] = input.map(
    (length) => Math.floor((length + 2 * padding - windowSize(layer)) / stride) + 1,
  );
  return [height, width, layer.channels ?? mapShape(input).channels];
}

/**
 * List the hidden layers of a model, with their shapes.
 * @param {Pick<import("../types.d.ts").Model, "recipe" | "dataset">} model
 * @returns {NetworkLayer[]}
 */
export function networkLayers({ recipe, dataset }) {
  let input = dataset.shape;
  return hiddenLayers(recipe).map((layer) => {
    const output = outputShape(input, layer);
    const described = { ...layer, input_shape: input, output_shape: output };
    input = output;
    return described;
  });
}

/**
 * Find the window of the input from which a cell is computed, as far as it is in the input.
 * @param {NetworkLayer} layer
 * @param {number} row
 * @param {number} column
 * @returns {Window & { isPadded: boolean }} `isPadded` if the window also has cells of the padding
 */
export function windowOf(layer, row, column) {
  const { stride = 1, padding = 0 } = layer;
  const size = windowSize(layer);
  const { height, width } = mapShape(layer.input_shape);
  const [top, left] = [row, column].map((at) => at * stride - padding);
  const [bottom, right] = [top + size, left + size];
  return {
    top: Math.max(0, top),
    left: Math.max(0, left),
    bottom: Math.min(height, bottom),
    right: Math.min(width, right),
    isPadded: top < 0 || left < 0 || bottom > height || right > width,
  };
}

/**
 * Get the values of one map, row by row.
 * @param {ArrayLike<number>} values of all maps, with the channels last
 * @param {MapShape} shape
 * @param {number} channel
 */
export const valuesOf = (values, { height, width, channels }, channel) =>
  Array.from({ length: height * width }, (_, cell) => values[cell * channels + channel]);

/**
 * Add up the values of each map.
 * @param {number[]} values of all maps, with the channels last
 * @param {number} channels
 */
export function perChannel(values, channels) {
  const totals = Array(Math.min(channels, values.length)).fill(0);
  values.forEach((value, i) => (totals[i % channels] += value));
  return totals;
}

/**
 * Find the cell of a map with the largest value.
 * @param {number[]} values of one map, row by row
 * @param {number} width
 */
export function largestCell(values, width) {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[at]) at = i;
  return { row: Math.floor(at / width), column: at % width };
}

/**
 * Spread the drops of an occlusion map over the pixels of the image.
 * @param {import("../types.d.ts").Occlusion} occlusion
 * @param {{ shape: number[] }} picture
 */
export function dropOfPixels({ drops, stride }, { shape: [height, width] }) {
  return Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return drops[Math.floor(row / stride)][Math.floor(column / stride)];
  });
}
