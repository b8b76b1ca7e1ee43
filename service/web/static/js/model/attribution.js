// @ts-check
// What a prediction depends on: a test image, its gradient map and its occlusion map, side by side.
// The pointer, a finger or the arrow keys pick a pixel, and its values are said.
import { h } from "../dom.js";
import { drawGradient, drawOcclusion, outlinePixel } from "../maps/attribution.js";
import { createPicker } from "../maps/picker.js";
import { dropOfPixels } from "../maps/shapes.js";
import { cellName, occlusionText } from "../maps/words.js";
import { fixed } from "../numbers.js";
import { drawPicture } from "../pixels.js";
import { isDark, perPixel } from "../predict/input.js";
import { signed } from "../predict/pushes.js";

/** @typedef {import("../types.d.ts").Dataset} Dataset */

/**
 * @typedef {object} Attribution
 * @property {number} class
 * @property {number} probability
 * @property {any[]} gradient in the shape of the image
 * @property {import("../types.d.ts").Occlusion} occlusion
 */

/**
 * Build the pictures.
 * @param {HTMLElement} host
 * @param {Dataset} dataset
 */
export function createAttribution(host, dataset) {
  const [height, width] = dataset.shape;
  const image = h("canvas", { role: "img", "aria-label": "The test image" });
  const gradientMap = createPicker("Gradient map", pick);
  const occlusionMap = createPicker("Occlusion map", pick);
  const meanings = [h("p", { class: "small" }), h("p", { class: "small" })];
  const words = h("p", { class: "small", role: "status" }, "Pick a pixel to read its values.");
  /** @type {number[]} */
  let seen = [];
  /** @type {Attribution | null} */
  let found = null;
  let label = "";
  let isPicked = false;
  host.append(
    h("div", null, h("h3", null, "Image"), image),
    h("div", null, h("h3", null, "Gradient map"), gradientMap.element, meanings[0]),
    h("div", null, h("h3", null, "Occlusion map"), occlusionMap.element, meanings[1]),
    words,
  );

  const gradients = () => found?.gradient.flat(Infinity) ?? [];

  /** @param {{ row: number, column: number }} pixel */
  function pick(pixel) {
    for (const one of [gradientMap, occlusionMap]) one.move(pixel);
    isPicked = true;
    draw();
    sayPixel();
  }

  function sayPixel() {
    if (!found || !isPicked) return;
    const pixel = occlusionMap.cell();
    const at = width * pixel.row + pixel.column;
    const drop = dropOfPixels(found.occlusion, dataset)[at];
    const change = signed(-100 * drop, 1);
    words.textContent =
      `Pixel at ${cellName(pixel)}: gradient ${fixed(perPixel(gradients(), dataset)[at], 4)}; ` +
      `covering it changes the probability of ${label} by ${change} percentage points.`;
  }

  function draw() {
    if (!found) return;
    drawPicture(image, seen, dataset);
    drawGradient(gradientMap.canvas, gradients(), seen, dataset);
    drawOcclusion(occlusionMap.canvas, found.occlusion, seen, dataset);
    for (const { canvas } of [gradientMap, occlusionMap]) {
      canvas.style.aspectRatio = `${width} / ${height}`;
    }
    image.style.aspectRatio = `${width} / ${height}`;
    if (!isPicked) return;
    outlinePixel(gradientMap.canvas, gradientMap.cell());
    outlinePixel(occlusionMap.canvas, occlusionMap.cell(), found.occlusion.stride);
  }

  return {
    draw,
    /** @param {number[]} newSeen @param {Attribution} newFound @param {string} newLabel */
    show(newSeen, newFound, newLabel) {
      [seen, found, label] = [newSeen, newFound, newLabel];
      const [blue, orange] = [
        h("b", { class: "blue" }, "blue"),
        h("b", { class: "orange" }, "orange"),
      ];
      const more = isDark(dataset) ? "more ink" : "more light";
      meanings[0].replaceChildren(
        `Where ${more} would raise (`,
        blue,
        `) or lower (`,
        orange,
        `) the logit of ${label}.`,
      );
      meanings[1].replaceChildren(
        "Which parts speak for (",
        blue.cloneNode(true),
        ") or against (",
        orange.cloneNode(true),
        `) ${label}: how its probability changes while a part is covered.`,
      );
      const pixel = { row: height >> 1, column: width >> 1 };
      const start = isPicked ? occlusionMap.cell() : pixel;
      const keys = "Arrow keys pick a pixel.";
      gradientMap.reset(height, width, start, `Gradient map of ${label}. ${keys}`);
      const words = occlusionText(found.occlusion, label);
      occlusionMap.reset(height, width, start, `Occlusion map of ${label}. ${words} ${keys}`);
      sayPixel();
    },
    rows() {
      if (!found) return [];
      const [gradient, drops] = [gradients(), dropOfPixels(found.occlusion, dataset)];
      return perPixel(gradient, dataset).map((derivative, i) => ({
        row: Math.floor(i / width),
        column: i % width,
        [`gradient of the logit of ${label}`]: derivative,
        [`drop of the probability of ${label} while covered`]: drops[i],
      }));
    },
  };
}
