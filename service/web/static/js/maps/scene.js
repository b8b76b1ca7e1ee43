// @ts-check
// Draw enlarged maps into a canvas, with outlines around some of their cells.
import { h } from "../dom.js";

/** @typedef {{ x: number, y: number, width: number, height: number }} Box in cells */
/** @typedef {Box & { draw: (canvas: HTMLCanvasElement) => unknown }} Tile `draw` draws a pixel for
 * each cell */
/** @typedef {Box & { isStrong?: boolean }} Outline */
/** @typedef {{ width: number, height: number, tiles: Tile[], outlines: Outline[] }} Scene */

const FIRST_SIZE = 240; // pixels, of a canvas that has no layout yet
const SMALL = 4; // pixels: with smaller cells, lines are thinner

/**
 * Draw a scene in the width that the canvas has in the page.
 * @param {HTMLCanvasElement} canvas
 * @param {Scene} scene
 */
export function drawScene(canvas, { width, height, tiles, outlines }) {
  canvas.style.aspectRatio = `${width} / ${height}`;
  const shown = canvas.clientWidth || FIRST_SIZE;
  canvas.width = Math.round(shown * devicePixelRatio);
  canvas.height = Math.round((canvas.width * height) / width);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const scale = canvas.width / width;
  const small = h("canvas");
  context.imageSmoothingEnabled = scale < 1;
  for (const { x, y, width: across, height: down, draw } of tiles) {
    draw(small);
    context.drawImage(small, scale * x, scale * y, scale * across, scale * down);
  }
  const { color, backgroundColor } = getComputedStyle(document.body);
  const line = devicePixelRatio * (scale < SMALL * devicePixelRatio ? 1 : 1.5);
  for (const { x, y, width: across, height: down, isStrong } of outlines) {
    const [inner, outer] = isStrong ? [2 * line, 4 * line] : [line, 3 * line];
    for (const [style, lineWidth] of /** @type {const} */ ([
      [backgroundColor, outer], // so that the line is seen on any color
      [color, inner],
    ])) {
      context.strokeStyle = style;
      context.lineWidth = lineWidth;
      context.strokeRect(scale * x, scale * y, scale * across, scale * down);
    }
  }
}
