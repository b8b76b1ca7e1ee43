// @ts-check
// Draw arrays of numbers into canvases, one pixel for each number.
import { mix } from "./color.js";
import { isDark } from "./predict/input.js";
import { SIDE } from "./sizes.js";
import { heatColor, themeColor } from "./theme.js";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values row by row; a pixel that is NaN stays transparent
 * @param {number} width
 * @param {(value: number) => import("./color.js").Color} color
 */
function draw(canvas, values, width, color) {
  canvas.width = width;
  canvas.height = values.length / width;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isNaN(values[i])) image.data.set([...color(values[i]), 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Draw signed values as a heat map.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values row by row
 * @param {number} scale the value that gets the strongest color
 */
export const drawHeatmap = (canvas, values, scale, width = SIDE) =>
  draw(canvas, values, width, (value) => heatColor(value / scale));

/**
 * Draw an image of a data set as ink on paper.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values row by row, 0 to 255
 */
export function drawImage(canvas, values) {
  const paper = themeColor("--paper");
  const ink = themeColor("--ink");
  return draw(canvas, values, SIDE, (value) => mix(paper, ink, value / 255));
}

/**
 * Draw an image in its own colors. Images that are light on dark are drawn as ink on paper.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values row by row, 0 to 255; color images have three for each pixel
 * @param {import("./predict/input.js").Picture} picture
 */
export function drawPicture(canvas, values, picture) {
  const [, width, channels = 1] = picture.shape;
  if (isDark(picture)) {
    const [paper, ink] = [themeColor("--paper"), themeColor("--ink")];
    return draw(canvas, values, width, (value) => mix(paper, ink, value / 255));
  }
  const pixels = Array.from({ length: values.length / channels }, (_, i) => i * channels);
  return draw(canvas, pixels, width, (at) =>
    channels === 3 ? [0, 1, 2].map((k) => values[at + k]) : Array(3).fill(values[at]),
  );
}
