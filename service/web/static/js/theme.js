// @ts-check
// The colors of style.css, and repainting when the color scheme changes, also for printing.
import { colorAt, parseColor } from "./color.js";

const SCALE = ["--neg-3", "--neg-2", "--neg-1", "--paper", "--pos-1", "--pos-2", "--pos-3"];
const darkScheme = matchMedia("screen and (prefers-color-scheme: dark)"); // paper is white
/** @type {import("./color.js").Color[] | null} */
let stops = null;
const painters = new Map();

darkScheme.addEventListener("change", () => {
  stops = null;
  for (const paint of painters.values()) paint();
});

/** Read a color from the style sheet. @param {string} name such as --paper */
export const themeColor = (name) =>
  parseColor(getComputedStyle(document.documentElement).getPropertyValue(name).trim());

/** Find the color of a value in a heat map. @param {number} t −1: orange, 0: paper, 1: blue */
export function heatColor(t) {
  stops ??= SCALE.map(themeColor);
  return colorAt(stops, t);
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
