// @ts-check
// The outline of the ink in an image. Needs no browser.

/** @typedef {[x1: number, y1: number, x2: number, y2: number]} Segment */
const INK = 127; // pixels above it are ink

/**
 * Find the borders between pixels with ink and pixels without ink.
 * @param {ArrayLike<number>} values an image row by row, 0 to 255
 * @param {number} width
 */
export function outlineSegments(values, width) {
  const height = values.length / width;
  /** @param {number} x @param {number} y */
  const isInk = (x, y) =>
    x >= 0 && y >= 0 && x < width && y < height && values[width * y + x] > INK;
  /** @type {Segment[]} */
  const segments = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isInk(x, y)) continue;
      if (!isInk(x - 1, y)) segments.push([x, y, x, y + 1]);
      if (!isInk(x + 1, y)) segments.push([x + 1, y, x + 1, y + 1]);
      if (!isInk(x, y - 1)) segments.push([x, y, x + 1, y]);
      if (!isInk(x, y + 1)) segments.push([x, y + 1, x + 1, y + 1]);
    }
  }
  return segments;
}
