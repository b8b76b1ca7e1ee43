// @ts-check
// Drawings and images as text, for links. Needs no browser.
import { clamp } from "../numbers.js";
import { SIDE } from "../sizes.js";
import { squareShape } from "./input.js";
import { PALETTE } from "./strokes.js";

/** @typedef {import("./strokes.js").Point} Point */
/** @typedef {import("./strokes.js").Stroke} Stroke */

const GRID = 16; // steps for each pixel of the network: about one screen pixel each
const LEAST_DISTANCE = 0.2; // pixels of the network between the points of a stroke
const PEN_STEPS = 4; // for each pixel of a pen's width
const PENS = { min: 1, max: 8 }; // the widest ones are for color images, as board.js sets them
const COLOR_STEP = 64; // above all pens: what precedes a stroke is its pen plus its color
const MOST_LETTERS = 4000; // of a drawing; with other parameters, less than servers accept
const RANGE = { low: -SIDE, high: 2 * SIDE }; // strokes may leave the board

/** Move a point to the grid, so that links restore drawings exactly. @param {Point} point */
export const snap = ([x, y]) =>
  /** @type {Point} */ (
    [x, y].map((value) => Math.round(clamp(value, RANGE.low, RANGE.high) * GRID) / GRID)
  );

/**
 * Add a point to a stroke, unless it is too close to the last one to be seen.
 * @param {Stroke} stroke
 * @param {Point} point on the grid
 */
export function extend({ points }, [x, y]) {
  const [lastX, lastY] = points[points.length - 1];
  if (Math.hypot(x - lastX, y - lastY) >= LEAST_DISTANCE) points.push([x, y]);
}

/** Write bytes as base64 for addresses. @param {ArrayLike<number>} bytes */
function base64(bytes) {
  const letters = btoa(String.fromCharCode(...Array.from(bytes)));
  return letters.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Read base64; null if the text is something else. @param {string} text */
function fromBase64(text) {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Array.from(letters, (letter) => letter.charCodeAt(0));
}

/**
 * Append a number, seven bits to a byte.
 * @param {number[]} bytes
 * @param {number} n not negative
 */
function write(bytes, n) {
  for (; n > 127; n >>= 7) bytes.push((n & 127) | 128);
  bytes.push(n);
}

/**
 * Write a drawing as text. Each stroke is its pen, its number of points, and the steps to them.
 * @param {Stroke[]} strokes with points on the grid
 * @returns {string | null} null if it would be too long
 */
export function encodeDrawing(strokes) {
  /** @type {number[]} */
  const bytes = [];
  for (const { pen, points, color = 0 } of strokes) {
    write(bytes, Math.round(pen * PEN_STEPS) + COLOR_STEP * color);
    write(bytes, points.length);
    let last = [0, 0];
    for (const point of points) {
      point.forEach((value, axis) => {
        const step = Math.round((value - last[axis]) * GRID);
        write(bytes, step < 0 ? -2 * step - 1 : 2 * step);
      });
      last = point;
    }
  }
  const text = base64(bytes);
  return text.length > MOST_LETTERS ? null : text;
}

/**
 * Read a drawing.
 * @param {string} text as `encodeDrawing` writes it
 * @returns {Stroke[] | null} null if the text is not a drawing
 */
export function decodeDrawing(text) {
  const bytes = text.length > MOST_LETTERS ? null : fromBase64(text);
  if (!bytes) return null;
  let at = 0;
  const read = () => {
    let n = 0;
    for (let shift = 0; shift <= 14; shift += 7) {
      const byte = bytes[at++] ?? NaN; // not a number after the end
      n += (byte & 127) << shift;
      if (Number.isNaN(byte)) return NaN;
      if (byte < 128) return n;
    }
    return NaN;
  };
  const readStep = () => {
    const n = read();
    return n % 2 ? -(n + 1) / 2 : n / 2;
  };
  /** @type {Stroke[]} */
  const strokes = [];
  while (at < bytes.length) {
    const tool = read();
    const pen = (tool % COLOR_STEP) / PEN_STEPS;
    const color = Math.floor(tool / COLOR_STEP);
    const count = read();
    const isPen = pen >= PENS.min && pen <= PENS.max && color < PALETTE.length;
    if (!(isPen && count >= 1)) return null;
    let [x, y] = [0, 0];
    /** @type {Point[]} */
    const points = [];
    for (let i = 0; i < count; i++) {
      x += readStep();
      y += readStep();
      const inside = [x, y].every((n) => n >= RANGE.low * GRID && n <= RANGE.high * GRID);
      if (!inside) return null;
      points.push([x / GRID, y / GRID]);
    }
    strokes.push(color ? { pen, points, color } : { pen, points });
  }
  return strokes;
}

/**
 * Write the pixels of a square image as text.
 * @param {number[]} pixels row by row, 0 to 255
 * @returns {string | null} null if it is not square, or would be too long
 */
export function encodePixels(pixels) {
  if (!squareShape(pixels.length)) return null;
  const text = base64(pixels.map(Math.round));
  return text.length > MOST_LETTERS ? null : text;
}

/** Read the pixels of a square image; null if the text is something else. @param {string} text */
export function decodePixels(text) {
  const pixels = text.length > MOST_LETTERS ? null : fromBase64(text);
  return pixels?.length && squareShape(pixels.length) ? pixels : null;
}
