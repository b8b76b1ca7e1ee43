// @ts-check
// Which parts of an image a prediction depends on: the gradient map and the occlusion map, drawn
// over the image.
import { h } from "../dom.js";
import { drawHeatmap, drawPicture } from "../pixels.js";
import { isDark, perPixel } from "../predict/input.js";
import { outlineSegments } from "../predict/outline.js";
import { dropOfPixels } from "./shapes.js";

/** @typedef {import("../predict/input.js").Picture} Picture */
/** @typedef {import("../types.d.ts").Occlusion} Occlusion */

const STRONGEST = 0.995; // quantile of the gradient that gets the strongest color
const ZOOM = 8; // canvas pixels for each pixel of the network
const SHADE = 0.25; // how much of an image that is not light on dark is seen, in grey levels

/**
 * Draw a heat map over an image: over the outline of its ink, or over a shade of it.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} values of the heat map, one for each pixel
 * @param {number} scale
 * @param {number[]} seen the image that the network sees; empty if there is none
 * @param {Picture} picture
 */
function drawOver(canvas, values, scale, seen, picture) {
  const width = picture.shape[1];
  const small = drawHeatmap(h("canvas"), values, scale, width);
  canvas.width = small.width * ZOOM;
  canvas.height = small.height * ZOOM;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (!seen.length) return;
  if (!isDark(picture)) {
    const [height, , channels = 1] = picture.shape;
    const grey = perPixel(seen, picture).map((total) => total / channels);
    context.globalAlpha = SHADE;
    drawPicture(small, grey, { shape: [height, width] });
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    return;
  }
  context.strokeStyle = getComputedStyle(document.body).color;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const [x1, y1, x2, y2] of outlineSegments(seen, width)) {
    context.moveTo(x1 * ZOOM, y1 * ZOOM);
    context.lineTo(x2 * ZOOM, y2 * ZOOM);
  }
  context.stroke();
}

/**
 * Outline the pixel that people picked, or the cell that it is in.
 * @param {HTMLCanvasElement} canvas
 * @param {{ row: number, column: number }} pixel
 * @param {number} [side] of cells, in pixels
 */
export function outlinePixel(canvas, { row, column }, side = 1) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const [top, left] = [row, column].map((at) => ZOOM * side * Math.floor(at / side));
  context.globalAlpha = 1;
  context.lineWidth = 2.5;
  context.strokeStyle = getComputedStyle(document.body).color;
  context.strokeRect(left, top, ZOOM * side, ZOOM * side);
}

/**
 * Draw the gradient of a logit by the pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} derivatives empty if there are none
 * @param {number[]} seen
 * @param {Picture} picture
 */
export function drawGradient(canvas, derivatives, seen, picture) {
  const [height, width] = picture.shape;
  const gradient = derivatives.length
    ? perPixel(derivatives, picture)
    : Array(height * width).fill(0);
  const magnitudes = gradient.map(Math.abs).sort((a, b) => a - b);
  const scale = magnitudes[Math.floor(STRONGEST * magnitudes.length)] || 1;
  drawOver(canvas, gradient, scale, seen, picture);
}

/**
 * Draw how much each part of the image adds to the probability of a class.
 * @param {HTMLCanvasElement} canvas
 * @param {Occlusion} occlusion
 * @param {number[]} seen
 * @param {Picture} picture
 */
export function drawOcclusion(canvas, occlusion, seen, picture) {
  const scale = Math.max(...occlusion.drops.flat().map(Math.abs)) || 1;
  drawOver(canvas, dropOfPixels(occlusion, picture), scale, seen, picture);
}
