// @ts-check
// The figure "Inside the network" as rows of a table. Needs no browser.
import { areMaps, mapShape } from "../maps/shapes.js";

/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("../save/csv.js").Row} Row */

/**
 * Say where a number of a layer is: which neuron it is, or the map, row and column.
 * @param {number[] | undefined} shape
 * @param {number} index
 * @returns {{ channel: number, place: Row }}
 */
export function placeInLayer(shape, index) {
  if (!shape || !areMaps(shape)) return { channel: index, place: { index } };
  const { width, channels } = mapShape(shape);
  const [cell, map] = [Math.floor(index / channels), index % channels];
  const place = { index, map, row: Math.floor(cell / width), column: cell % width };
  return { channel: map, place };
}

/**
 * Make a row for each number of the hidden layers, then one for each class. The rows of the inputs
 * of the last layer also tell what each adds to the logits. Without hidden layers, the inputs are
 * those of the network.
 * @param {Prediction | null} prediction with `layers`
 * @param {string[]} classes
 * @param {Set<string>} off the neurons and maps that are switched off, such as 1.17
 * @param {string} [inputs] what the inputs of the network are called
 * @returns {Row[]}
 */
export function insideRows(prediction, classes, off, inputs = "pixels") {
  const layers = prediction?.layers;
  const last = layers?.at(-1);
  if (!prediction || !layers || !last) return [];
  const pushes = last.contributions ?? [];
  /** @param {number} index of an input of the last layer */
  const pushesOf = (index) =>
    Object.fromEntries(classes.map((name, i) => [`push on ${name}`, pushes[i]?.[index]]));
  const hidden = layers.slice(0, -1);
  /** @type {Row[]} */
  const first = hidden.length
    ? hidden.flatMap(({ activations, shape }, i) =>
        activations.map((activation, index) => {
          const { channel, place } = placeInLayer(shape, index);
          return {
            layer: `hidden ${i + 1}`,
            ...place,
            activation,
            "switched off": off.has(`${i + 1}.${channel}`),
            ...(i === hidden.length - 1 && pushesOf(index)),
          };
        }),
      )
    : (pushes[0] ?? []).map((_, pixel) => ({ layer: inputs, index: pixel, ...pushesOf(pixel) }));
  const outputs = classes.map((name, i) => ({
    layer: "logits",
    index: i,
    activation: last.activations[i],
    class: name,
    bias: last.biases?.[i],
    probability: prediction.probabilities[i],
  }));
  return [...first, ...outputs];
}
