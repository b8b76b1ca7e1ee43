// @ts-check
// The large map: the points, the probe, and the line of a neuron, over the colors of the network.
import { s } from "../dom.js";
import { answers, decisions, zeroLine } from "./network.js";

/** @typedef {import("./points.js").Points} Points */
/** @typedef {import("./points.js").Point} Point */

export const VIEW = 404; // units of the drawing
/** One shape for each class. */
const SHAPES = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z",
  "M-3.6-3.6h7.2v7.2h-7.2Z",
  "M0-4.6L4.4 3.4H-4.4Z",
  "M0-5L5 0L0 5L-5 0Z",
];
const RING = 7.5; // radius
const PROBE = 9; // half the width of the cross

/** Convert coordinates to units of the drawing. @param {number} reach */
export const toView = (reach) => ({
  x: (/** @type {number} */ x) => (VIEW / 2) * (1 + x / reach),
  y: (/** @type {number} */ y) => (VIEW / 2) * (1 - y / reach),
});

/**
 * Draw a point.
 * @param {Point} point
 * @param {number} reach
 * @param {boolean} isTest
 * @param {number} [size] 1 for the usual size
 */
export function mark([x, y, label], reach, isTest, size = 1) {
  const at = toView(reach);
  const place = `translate(${at.x(x).toFixed(1)} ${at.y(y).toFixed(1)})`;
  const transform = size === 1 ? place : `${place} scale(${size})`;
  const look = `point of-class-${label}${isTest ? " test" : ""}`;
  return s("path", { d: SHAPES[label], transform, class: look });
}

/** Draw all points. @param {Points} points @param {number} reach */
export const marks = ({ train, test }, reach) => [
  ...train.map((point) => mark(point, reach, false)),
  ...test.map((point) => mark(point, reach, true)),
];

/**
 * Find the points that a network classifies wrongly.
 * @param {import("./network.js").Network} network
 * @param {Point[]} points
 */
export function wrongPoints(network, points) {
  if (!points.length) return [];
  const inputs = [0, 1].map((k) => Float64Array.from(points, (point) => point[k]));
  const { best } = decisions(answers(network, inputs).at(-1) ?? []);
  return points.filter(([, , label], k) => best[k] !== label);
}

/** Draw a ring around points. @param {Point[]} points @param {number} reach */
export function rings(points, reach) {
  const at = toView(reach);
  return points.map(([x, y]) =>
    s("circle", { cx: at.x(x).toFixed(1), cy: at.y(y).toFixed(1), r: RING, class: "ring" }),
  );
}

/** Draw the place that the reader points at. @param {[number, number]} place */
export function probeMark([x, y], /** @type {number} */ reach) {
  const at = toView(reach);
  const d = `M${at.x(x) - PROBE} ${at.y(y)}h${2 * PROBE}m${-PROBE} ${-PROBE}v${2 * PROBE}`;
  return s("path", { d, class: "probe" });
}

/** Draw a line through points. @param {[number, number][]} points @param {string} look */
export function polyline(points, /** @type {number} */ reach, look = "zero-line") {
  const at = toView(reach);
  const d = `M${points.map(([x, y]) => `${at.x(x).toFixed(2)} ${at.y(y).toFixed(2)}`).join("L")}`;
  return s("path", { d, class: look });
}

/**
 * Draw where the sum of a neuron is 0, if the neuron is in the first layer.
 * @param {import("./network.js").Network} network
 * @param {{ column: number, row: number } | null} chosen
 * @param {number} reach
 */
export function zeroLines({ layers }, chosen, reach) {
  const line = chosen?.column === 1 ? zeroLine(layers[0], chosen.row, reach) : null;
  return line ? [polyline(line, reach)] : [];
}
