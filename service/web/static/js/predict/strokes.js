// @ts-check
// Strokes of a pen. Coordinates are in pixels of the network, whatever the size of the canvas.

import { SIDE } from "../sizes.js";

/** @typedef {[x: number, y: number]} Point */
/** @typedef {{ pen: number, points: Point[] }} Stroke with the width of its pen */

const SENT_SIDE = 140; // five for each pixel of the network; twice as many are twice the bytes
/** The size of a drawing that is sent, in pixels. */
export const SENT_SIZE = { width: SENT_SIDE, height: SENT_SIDE };

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
 * @param {number} scale canvas pixels for each pixel of the network
 */
function drawStroke(context, { pen, points }, scale) {
  const scaled = points.map(([x, y]) => /** @type {Point} */ ([x * scale, y * scale]));
  const end = scaled[scaled.length - 1];
  context.lineWidth = pen * scale;
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
 * @param {string} color
 */
export function drawStrokes(context, strokes, scale, color) {
  context.lineCap = "round";
  context.lineJoin = "round";
  context.strokeStyle = color;
  for (const stroke of strokes) drawStroke(context, stroke, scale);
}

/**
 * Make a PNG of strokes: light ink on a dark background, as in the data sets.
 * @param {Stroke[]} strokes
 */
export function strokesPng(strokes) {
  const canvas = Object.assign(document.createElement("canvas"), SENT_SIZE);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillRect(0, 0, SENT_SIDE, SENT_SIDE);
  drawStrokes(context, strokes, SENT_SIDE / SIDE, "#fff");
  // toBlob would wait for an idle moment, which takes seconds on a busy machine.
  const base64 = canvas.toDataURL("image/png").split(",")[1];
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
