// @ts-check
// One test sample: an image in its own colors, or the numbers of a row.
import { h } from "../dom.js";
import { sampleWord } from "../models/card.js";
import { drawPicture } from "../pixels.js";
import { isVectors } from "../predict/input.js";
import { valuesText } from "./values.js";

/** @typedef {import("../types.d.ts").Dataset} Dataset */
/** @typedef {{ index: number, pixels?: any[], values?: number[] }} Shown */
/** @typedef {Shown & { label: number, predicted: number, probability: number }} Misread */

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

/**
 * Build the item of a gallery: a sample with lines of words below it.
 * @param {ReturnType<typeof sampleView>} view
 * @param {string[]} lines
 * @param {string} [href] what a click on it opens
 */
export function sampleTile({ element }, lines, href) {
  const caption = lines.map((line) => h("span", null, line));
  return h("li", null, h(href ? "a" : "div", { href }, element, ...caption));
}

/** Say which class a sample has, and which was predicted. @param {Misread} one
 * @param {string[]} classes */
export const misreadText = ({ label, predicted }, classes) =>
  `${classes[label]} read as ${classes[predicted]}`;

/** Make a row of a table. @param {Misread} one @param {Dataset} dataset */
export const misreadRow = ({ index, label, predicted, probability }, dataset) => ({
  [`test ${sampleWord(dataset, 1)}`]: index,
  "true class": dataset.classes[label],
  "predicted class": dataset.classes[predicted],
  probability,
});
