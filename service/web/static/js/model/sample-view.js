// @ts-check
// One test sample: an image in its own colors, or the numbers of a row.
import { h } from "../dom.js";
import { drawPicture } from "../pixels.js";
import { isVectors } from "../predict/input.js";
import { valuesText } from "./values.js";

/** @typedef {import("../types.d.ts").Dataset} Dataset */
/** @typedef {{ index: number, pixels?: any[], values?: number[] }} Shown */

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
