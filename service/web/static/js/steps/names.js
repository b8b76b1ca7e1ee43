// @ts-check
// What the ledger calls pixels, neurons, places of feature maps and weights. Needs no browser.
import { mapShape } from "../maps/shapes.js";
import { isVectors } from "../predict/input.js";
import { hasMaps } from "./layout.js";
import { cellOf } from "./links.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {import("./view.js").View} View */

/** Name an input: the row and the column of a pixel, or a column. @param {View} view
 * @param {number} index */
function inputName({ dataset }, index) {
  if (isVectors(dataset)) return dataset.columns?.[index] ?? `column ${index + 1}`;
  const { width, channels } = mapShape(dataset.shape);
  const pixel = Math.floor(index / channels);
  const color = channels > 1 ? `, ${["red", "green", "blue"][index % channels]}` : "";
  return `${Math.floor(pixel / width)}, ${pixel % width}${color}`;
}

/** Name an output of a layer. @param {StepLayer} layer @param {View} view @param {number} index */
export function outputName(layer, { classes }, index) {
  if (layer.isLast) return classes[index];
  if (!hasMaps(layer)) return String(index);
  const { row, column, channel } = cellOf(index, mapShape(layer.spec.output_shape));
  return `map ${channel}: ${row}, ${column}`;
}

/** Name an input of a layer. @param {Step} step @param {View} view @param {number} number
 * @param {number} index */
export const sourceName = (step, view, number, index) =>
  number === 1 ? inputName(view, index) : outputName(step.layers[number - 2], view, index);

/** The head of the column with the names of inputs. @param {Step} step @param {View} view
 * @param {number} number */
export function sourceHead(step, { dataset }, number) {
  if (number > 1) return hasMaps(step.layers[number - 2]) ? "cell" : "neuron";
  return dataset.kind === "vectors" ? "column" : "row, column";
}

/** Say where a weight of a layer leads from. @param {Step} step @param {View} view
 * @param {StepLayer} layer @param {number} i index among the weights of one neuron */
export function weightName(step, view, layer, i) {
  const { kernel, input_shape } = layer.spec;
  if (!kernel) return sourceName(step, view, layer.number, i);
  const { channels } = mapShape(input_shape);
  const [cell, channel] = [Math.floor(i / channels), i % channels];
  const place = `${Math.floor(cell / kernel)}, ${cell % kernel}`;
  return channels > 1 ? `map ${channel}: ${place}` : place;
}
