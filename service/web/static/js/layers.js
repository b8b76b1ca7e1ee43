// @ts-check
// The hidden layers of a recipe in words, and the arithmetic of their sizes. Needs no browser.
import { hiddenLayers, mapShape, outputShape, windowSize } from "./maps/shapes.js";
import { count, sum } from "./numbers.js";

/** @typedef {import("./types.d.ts").HiddenLayer} HiddenLayer */
/** @typedef {{ shape: number[], classes: string[] }} Ends parts of the description of a data set */

/**
 * @typedef {object} Step a layer in its network
 * @property {HiddenLayer} layer
 * @property {number[]} input the shape of its input
 * @property {number[] | null} output that of its output, or null if the layer is impossible
 * @property {number} parameters
 * @property {string | null} fault why it is impossible
 */

/** Write a shape, such as 24×24×16. @param {number[]} shape */
export const shapeText = (shape) => shape.join("×");

/** Write the options that a layer rarely has. @param {HiddenLayer} layer @param {number} usual */
const rareOptions = ({ stride, padding }, usual) =>
  ((stride ?? usual) === usual ? "" : ` stride ${stride}`) + (padding ? ` padding ${padding}` : "");

/** Write a layer as short as possible, such as 5×5×16. @param {HiddenLayer} layer */
export function layerText(layer) {
  if (layer.type === "dense") return String(layer.neurons);
  if (layer.type === "max-pool") return `pool ${layer.size}${rareOptions(layer, layer.size ?? 1)}`;
  return `${layer.kernel}×${layer.kernel}×${layer.channels}${rareOptions(layer, 1)}`;
}

/** Write hidden layers. @param {HiddenLayer[]} layers */
export const hiddenText = (layers) => layers.map(layerText).join(" · ") || "none";

/**
 * Write all layers of a network, from the inputs to the classes.
 * @param {import("./types.d.ts").Recipe} recipe
 * @param {Ends} ends
 */
export function networkText(recipe, { shape, classes }) {
  const inputs = recipe.layers ? shapeText(shape) : String(shape.reduce((a, b) => a * b));
  return [inputs, ...hiddenLayers(recipe).map(layerText), classes.length].join(" → ");
}

/**
 * Say why a layer is impossible, or return null.
 * @param {number[]} input the shape of its input
 * @param {HiddenLayer} layer
 */
function faultOf(input, layer) {
  if (layer.type === "dense") return null;
  if (input.length === 1) {
    const numbers = `${count(input[0])} numbers`;
    return `A ${layer.type} layer needs images, but its input is a list of ${numbers}.`;
  }
  const what = layer.type === "convolution" ? "kernel" : "window";
  const { height, width } = mapShape(input);
  const [size, padding] = [windowSize(layer), layer.padding ?? 0];
  if (size <= Math.min(height, width) + 2 * padding) return null;
  const padded = padding
    ? `, which the padding makes ${shapeText([height, width].map((n) => n + 2 * padding))}`
    : "";
  return `A ${what} of ${size}×${size} does not fit in an input of ${height}×${width}${padded}.`;
}

/** @param {number[]} input @param {HiddenLayer} layer */
function parametersOf(input, layer) {
  if (layer.type === "max-pool") return 0;
  const [inputs, outputs] =
    layer.type === "dense"
      ? [input.reduce((a, b) => a * b), layer.neurons ?? 0]
      : [windowSize(layer) ** 2 * mapShape(input).channels, layer.channels ?? 0];
  return (inputs + 1) * outputs;
}

/**
 * Work out the sizes of a network, layer by layer, up to the first one that is impossible.
 * @param {HiddenLayer[]} layers the hidden layers
 * @param {Ends} ends
 * @returns {Step[]} also that of the dense layer for the classes, if all others are possible
 */
export function steps(layers, { shape, classes }) {
  /** @type {Step[]} */
  const all = [];
  let input = shape;
  for (const layer of [
    ...layers,
    /** @type {HiddenLayer} */ ({ type: "dense", neurons: classes.length }),
  ]) {
    const fault = faultOf(input, layer);
    if (fault) return [...all, { layer, input, output: null, parameters: 0, fault }];
    const output = outputShape(input, layer);
    all.push({ layer, input, output, parameters: parametersOf(input, layer), fault });
    input = output;
  }
  return all;
}

/** Count the parameters of a network. @param {Step[]} all */
export const parameterCount = (all) => sum(all.map(({ parameters }) => parameters));
