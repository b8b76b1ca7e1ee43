// @ts-check
// The layers of a model: all of them, those with weights, and what they put out. Needs no browser.
import { mapShape, networkLayers } from "../maps/shapes.js";
import { featureCount } from "../predict/input.js";
import { placeInLayer } from "../predict/inside-rows.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {Pick<Model, "recipe" | "dataset" | "classes">} Described also of a running job */
/** @typedef {import("../types.d.ts").Dataset} Dataset */
/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {import("../types.d.ts").LayerActivations} LayerActivations */

/**
 * @typedef {object} Choice a layer whose weights can be shown
 * @property {number} index of the layer, from 0
 * @property {NetworkLayer} layer
 * @property {string} noun what has the weights
 * @property {number[]} shape of the weights of one
 * @property {Dataset | null} dataset with the shape of the weights, if they are for samples
 */

/**
 * List all layers of a network, with the dense one for the classes.
 * @param {Described} model
 * @returns {NetworkLayer[]}
 */
export function allLayers(model) {
  const hidden = networkLayers(model);
  const input_shape = hidden.at(-1)?.output_shape ?? model.dataset.shape;
  const neurons = model.classes.length;
  return [...hidden, { type: "dense", neurons, input_shape, output_shape: [neurons] }];
}

/**
 * List the layers that have weights, with a name that tells their sizes.
 * @param {Described} model
 * @returns {{ index: number, layer: NetworkLayer, name: string }[]} `index` counts from 0
 */
export const weightLayers = (model) =>
  allLayers(model)
    .map((layer, index) => ({ index, layer, name: sizesName(layer) }))
    .filter(({ layer }) => layer.type !== "max-pool");

/** @param {NetworkLayer} layer */
function sizesName(layer) {
  const { input_shape: input, output_shape: output, kernel } = layer;
  if (layer.type === "dense") return `${featureCount({ shape: input })} → ${output[0]}`;
  const [before, after] = [input, output].map((shape) => mapShape(shape).channels);
  return `${before} → ${after}, ${kernel} × ${kernel}`;
}

/**
 * List the layers whose weights are images: all convolutions, or else the first layer with weights.
 * @param {Described} model
 * @returns {Choice[]}
 */
export function filterChoices(model) {
  const all = weightLayers(model);
  const convolutions = all.filter(({ layer }) => layer.type === "convolution");
  return (convolutions.length ? convolutions : all.slice(0, 1)).map(({ index, layer }) => {
    const { kernel, input_shape } = layer;
    const inner = input_shape.slice(2); // the channels, if any
    const shape = kernel ? [kernel, kernel, ...inner] : input_shape;
    const dataset = index ? null : { ...model.dataset, shape };
    return { index, layer, noun: kernel ? "filter" : "neuron", shape, dataset };
  });
}

/**
 * Read the feature maps of an answer.
 * @param {{ layers: { shape: number[], maps: any[], winners?: any[] }[] }} answer
 * @returns {LayerActivations[]}
 */
export const readLayers = ({ layers }) =>
  layers.map(({ shape, maps, winners }) => ({
    shape,
    activations: maps.flat(Infinity),
    ...(winners && { winners }),
  }));

/** Make a row for each number of the layers. @param {LayerActivations[]} layers */
export const mapRows = (layers) =>
  layers.flatMap(({ activations, shape }, i) =>
    activations.map((activation, index) => ({
      layer: i + 1,
      ...placeInLayer(shape, index).place,
      activation,
    })),
  );
