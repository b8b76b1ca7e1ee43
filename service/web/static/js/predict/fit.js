// @ts-check
// How the API fits an image to the pixels of the network. Needs no browser.
import { SIDE } from "../sizes.js";

const CENTER = 14.5; // pixels from the edge: the center of mass of MNIST's images

/**
 * Compute where the box around the ink and the center of mass are on the board. It shows the
 * whole image as large as possible.
 * @param {import("../types.d.ts").Fit} fit as the API reports it, in pixels of the image
 * @param {{ width: number, height: number }} size of the image
 */
export function placeOnBoard({ box: [left, top, right, bottom], zoom, offset }, { width, height }) {
  const scale = SIDE / Math.max(width, height);
  /** @param {number} x */
  const boardX = (x) => (SIDE - width * scale) / 2 + x * scale;
  /** @param {number} y */
  const boardY = (y) => (SIDE - height * scale) / 2 + y * scale;
  return {
    box: {
      x: boardX(left),
      y: boardY(top),
      width: (right - left) * scale,
      height: (bottom - top) * scale,
    },
    center: {
      x: boardX(left + (CENTER - offset[0]) / zoom),
      y: boardY(top + (CENTER - offset[1]) / zoom),
    },
    zoom: zoom / scale,
  };
}

/** @param {number} distance @param {string} forward @param {string} backward */
function shiftText(distance, forward, backward) {
  const pixels = Math.round(Math.abs(distance));
  if (Math.abs(distance) < 0.5) return [];
  return [`${pixels} ${pixels === 1 ? "pixel" : "pixels"} ${distance > 0 ? forward : backward}`];
}

/** Say how far the center of mass is moved. @param {{ x: number, y: number }} center */
export function moveText({ x, y }) {
  const shifts = [
    ...shiftText(CENTER - x, "right", "left"),
    ...shiftText(CENTER - y, "down", "up"),
  ];
  return shifts.length ? `moved ${shifts.join(" and ")}` : "not moved";
}
