// @ts-check
// The colors of style.css, and repainting when the color scheme changes, also for printing.
import { colorAt, parseColor } from "./color.js";
import { clamp } from "./numbers.js";

const SCALE = ["--neg-3", "--neg-2", "--neg-1", "--paper", "--pos-1", "--pos-2", "--pos-3"];
const darkScheme = matchMedia("screen and (prefers-color-scheme: dark)"); // paper is white
const STEPS = 256; // of the heat colors, between paper and the strongest blue or orange
/** @type {import("./color.js").Color[] | null} */
let heatColors = null; // computed once, because feature maps have 100,000 cells
const painters = new Map();

darkScheme.addEventListener("change", () => {
  heatColors = null;
  for (const paint of painters.values()) paint();
});

/** Read a color from the style sheet. @param {string} name such as --paper */
export const themeColor = (name) =>
  parseColor(getComputedStyle(document.documentElement).getPropertyValue(name).trim());

/** Find the color of a value in a heat map. @param {number} t −1: orange, 0: paper, 1: blue */
export function heatColor(t) {
  if (!heatColors) {
    const stops = SCALE.map(themeColor);
    heatColors = Array.from({ length: 2 * STEPS + 1 }, (_, i) => colorAt(stops, i / STEPS - 1));
  }
  return heatColors[Math.round(STEPS * (1 + clamp(t || 0, -1, 1)))];
}

/**
 * Paint now, and again whenever the color scheme changes.
 * @param {() => void} paint
 * @param {unknown} [name] replaces the painter that was registered under the same name
 */
export function paintInTheme(paint, name = paint) {
  painters.set(name, paint);
  paint();
}
