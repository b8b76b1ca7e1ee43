// @ts-check
// One test sample: an image in its own colors, or the numbers of a row.
import { valueText } from "../data/values.js";
import { h } from "../dom.js";
import { drawPicture } from "../pixels.js";
import { columnNames, isVectors } from "../predict/input.js";

/** @typedef {import("../types.d.ts").Dataset} Dataset */
/** @typedef {{ index: number, pixels?: any[], values?: number[] }} Shown */

const MOST_VALUES = 6; // of a row, in a small space

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

/**
 * Build the view of a sample, and a function that paints it in the colors of the theme.
 * @param {Dataset} dataset
 * @param {Shown} sample
 */
export function sampleView(dataset, sample) {
  if (isVectors(dataset)) {
    const text = valuesText(dataset, sample.values ?? []);
    return { element: h("span", { class: "values" }, text), paint: () => {} };
  }
  const canvas = h("canvas", { "aria-hidden": "true" });
  const pixels = (sample.pixels ?? []).flat(2);
  return { element: canvas, paint: () => drawPicture(canvas, pixels, dataset) };
}
