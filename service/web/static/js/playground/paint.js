// @ts-check
// Paint the maps of neurons and of the whole network into canvases.
import { mix } from "../color.js";
import { heatColor, themeColor } from "../theme.js";
import { MOST_CLASSES } from "./points.js";

export const SIDE = 64; // pixels of the large map, and points at which the network is computed
export const TILE_SIDE = 32; // pixels of the map of a neuron
const STEPS = 256; // of each half of the heat colors
const SHADE = 0.55; // of the color of a class where the network is sure
const STRONGEST = 0.9; // of the heat colors, whose ends are too dark for large areas

/** @param {number[]} color @returns {number} the bytes of a pixel, as a canvas has them */
const pixel = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;

/** @type {{ heat: Uint32Array, classes: Uint32Array[] } | null} */
let colors = null;

/** Forget the colors, because the color scheme has changed. */
export function forgetColors() {
  colors = null;
}

function currentColors() {
  if (colors) return colors;
  const paper = themeColor("--paper");
  const heat = Uint32Array.from({ length: 2 * STEPS + 1 }, (_, i) =>
    pixel(heatColor(STRONGEST * (i / STEPS - 1))),
  );
  const classes = Array.from({ length: MOST_CLASSES }, (_, c) => {
    const color = themeColor(`--class-${c}`);
    return Uint32Array.from({ length: STEPS + 1 }, (_unused, i) =>
      pixel(mix(paper, color, (SHADE * i) / STEPS).map(Math.round)),
    );
  });
  return (colors = { heat, classes });
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} side
 * @param {(k: number) => number} colorOf the pixel for an index of the grid
 */
function paint(canvas, side, colorOf) {
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  const scale = SIDE / side;
  for (let row = 0; row < side; row++) {
    const start = SIDE * Math.floor((row + 0.5) * scale);
    for (let column = 0; column < side; column++) {
      pixels[row * side + column] = colorOf(start + Math.floor((column + 0.5) * scale));
    }
  }
  context.putImageData(image, 0, 0);
}

/**
 * Paint signed values: blue above 0, orange below.
 * @param {HTMLCanvasElement} canvas
 * @param {number} side
 * @param {Float64Array} values
 * @param {{ zero: number, scale: number }} range the value without color, and how far the others go
 */
export function paintValues(canvas, side, values, { zero, scale }) {
  const { heat } = currentColors();
  paint(canvas, side, (k) => {
    const t = (values[k] - zero) / scale;
    return heat[Math.round(STEPS * (1 + Math.max(-1, Math.min(1, t))))];
  });
}

/**
 * Paint how probable a class is.
 * @param {HTMLCanvasElement} canvas
 * @param {number} side
 * @param {Float64Array} probabilities
 * @param {number} label
 */
export function paintClass(canvas, side, probabilities, label) {
  const shades = currentColors().classes[label];
  paint(canvas, side, (k) => shades[Math.round(STEPS * probabilities[k])]);
}

/**
 * Paint the most probable class, with paper where the network is not sure.
 * @param {HTMLCanvasElement} canvas
 * @param {{ best: Uint8Array, sure: Float64Array }} decisions
 */
export function paintDecisions(canvas, { best, sure }) {
  const { classes } = currentColors();
  paint(canvas, SIDE, (k) => classes[best[k]][Math.round(STEPS * sure[k])]);
}

/** Paint nothing. @param {HTMLCanvasElement} canvas @param {number} side */
export const paintNothing = (canvas, side) => {
  const { heat } = currentColors();
  paint(canvas, side, () => heat[STEPS]);
};
