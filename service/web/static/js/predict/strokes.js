// @ts-check
// Strokes of a pen. The board is 28 units wide, whatever the size of the canvas.

import { SIDE } from "../sizes.js";
import { isColor, isDark } from "./input.js";

/** @typedef {[x: number, y: number]} Point */
/**
 * @typedef {object} Stroke with the width of its pen
 * @property {number} pen
 * @property {Point[]} points
 * @property {number} [color] its place in `PALETTE`; the first if missing
 */

const LEAST_SIDE = 140; // of a drawing that is sent, in pixels; twice as many are twice the bytes
const FOR_EACH_PIXEL = 5; // of the network

/** The colors of strokes for color images. A white stroke erases on the white board. */
export const PALETTE = /** @type {const} */ ([
  ["black", "#000000"],
  ["grey", "#808080"],
  ["white", "#ffffff"],
  ["red", "#d32f2f"],
  ["orange", "#f57c00"],
  ["yellow", "#fbd038"],
  ["green", "#388e3c"],
  ["blue", "#1976d2"],
  ["brown", "#795548"],
]);

/**
 * Return the size of a drawing that is sent, in pixels.
 * @param {import("./input.js").Picture} picture
 */
export function sentSize({ shape: [height, width] }) {
  const side = Math.max(LEAST_SIDE, FOR_EACH_PIXEL * Math.max(height, width));
  return { width: side, height: side };
}

/** The 7 that the page shows at first, a little off center on purpose. @type {Stroke} */
export const SEVEN = {
  pen: 2.25,
  points: [
    [8.2, 7.6],
    [10, 7.1],
    [13, 6.9],
    [16.5, 6.8],
    [19.4, 6.9],
    [19.6, 7.6],
    [18.6, 10],
    [17.2, 13],
    [15.6, 16.6],
    [14.4, 20],
    [13.9, 22.4],
  ],
};

/**
 * Draw a stroke as a smooth curve through the midpoints between its points.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {number} scale canvas pixels for each unit
 * @param {string | null} ink null for the stroke's own color
 */
function drawStroke(context, { pen, points, color = 0 }, scale, ink) {
  const scaled = points.map(([x, y]) => /** @type {Point} */ ([x * scale, y * scale]));
  const end = scaled[scaled.length - 1];
  context.lineWidth = pen * scale;
  context.strokeStyle = ink ?? (PALETTE[color] ?? PALETTE[0])[1];
  context.beginPath();
  context.moveTo(...scaled[0]);
  for (let i = 1; i < scaled.length - 1; i++) {
    const [[x1, y1], [x2, y2]] = [scaled[i], scaled[i + 1]];
    context.quadraticCurveTo(x1, y1, (x1 + x2) / 2, (y1 + y2) / 2);
  }
  context.lineTo(end[0] + 0.1, end[1]); // a stroke of one point is a dot
  context.stroke();
}

/**
 * Draw strokes into a canvas.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 * @param {number} scale
 * @param {string | null} ink null for their own colors
 */
export function drawStrokes(context, strokes, scale, ink) {
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of strokes) drawStroke(context, stroke, scale, ink);
}

/**
 * Make a PNG of strokes: white on black for data sets that are light on dark, else on white.
 * @param {Stroke[]} strokes
 * @param {import("./input.js").Picture} picture
 */
export function strokesPng(strokes, picture) {
  const size = sentSize(picture);
  const canvas = Object.assign(document.createElement("canvas"), size);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const ink = isDark(picture) ? "#fff" : isColor(picture) ? null : "#000";
  context.fillStyle = isDark(picture) ? "#000" : "#fff";
  context.fillRect(0, 0, size.width, size.height);
  drawStrokes(context, strokes, size.width / SIDE, ink);
  // toBlob would wait for an idle moment, which takes seconds on a busy machine.
  const base64 = canvas.toDataURL("image/png").split(",")[1];
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
