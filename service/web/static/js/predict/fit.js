// @ts-check
// How the API fits an image to the pixels of the network. Needs no browser.
import { fixed } from "../numbers.js";
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
  };
}

/**
 * List the changes of an image that are not made to each image.
 * @param {import("../types.d.ts").Fit} fit
 */
function changes({ inverted, lines_removed: lines, desk_cropped, stroke_width }) {
  const [before, after] = (stroke_width ?? [0, 0]).map((width) => fixed(width, 1));
  const verb = Number(after) > Number(before) ? "widened" : "narrowed";
  return [
    inverted && "light and dark exchanged",
    lines && `${lines} ruled ${lines === 1 ? "line" : "lines"} removed`,
    desk_cropped && "the desk around the paper cropped",
    before !== after && `strokes ${verb} from ${before} to ${after} pixels`,
  ].filter(Boolean);
}

/**
 * Say what was done to an image.
 * @param {import("../types.d.ts").Fit} fit
 * @param {string} [size] of the images that the network sees, such as 28×28
 */
export function fitText(fit, size = `${SIDE}×${SIDE}`) {
  const list = changes(fit);
  if (fit.preparation === "mnist") {
    list.push("scaled to 20 pixels (dashed box) and centered by mass (cross)");
    return `Prepared as MNIST was made: ${list.join(", ")}.`;
  }
  if (fit.preparation === "fashion-mnist") {
    list.push(`scaled to ${SIDE} pixels (dashed box) and centered`);
    return `Prepared as Fashion-MNIST was made: ${list.join(", ")}.`;
  }
  if (fit.zoom !== 1) list.push(`scaled to ${size} pixels`);
  return `The whole image was used: ${list.join(", ") || "unchanged"}.`;
}
