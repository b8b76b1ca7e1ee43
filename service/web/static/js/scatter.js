// @ts-check
// Points of a scatter plot. Needs no browser.
import { clamp } from "./numbers.js";

/** @typedef {[x: number, y: number]} Point */

const MARGIN = 14; // pixels, so that the marks at the edge stay whole

/**
 * Scale points to a square. Both axes have the same scale, and y points up.
 * @param {Point[]} points
 * @param {number} size of the square, in pixels
 * @returns {Point[]}
 */
export function scaleToFit(points, size) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [bottom, top] = [Math.min(...ys), Math.max(...ys)];
  const scale = (size - 2 * MARGIN) / (Math.max(right - left, top - bottom) || 1);
  return points.map(([x, y]) => [
    clamp(size / 2 + scale * (x - (left + right) / 2), 0, size),
    clamp(size / 2 - scale * (y - (bottom + top) / 2), 0, size),
  ]);
}

/**
 * Find the point that is nearest to a place.
 * @param {Point[]} points
 * @param {Point} place
 * @param {number} most the largest distance
 * @returns {number | null} its index; null if no point is so near
 */
export function nearestPoint(points, [x, y], most) {
  let nearest = null;
  let least = most;
  points.forEach((point, i) => {
    const distance = Math.hypot(point[0] - x, point[1] - y);
    if (distance > least) return;
    nearest = i;
    least = distance;
  });
  return nearest;
}
