// @ts-check
// Calculations with colors. Needs no browser.
import { clamp, sum } from "./numbers.js";

/** @typedef {number[]} Color red, green and blue, 0 to 255 */

/** Read a color such as #0a62a9. @param {string} text @returns {Color} */
export const parseColor = (text) => (text.match(/\w\w/g) ?? []).map((hex) => parseInt(hex, 16));

/** Write a color for CSS. @param {Color} color */
export const cssColor = (color) => `rgb(${color})`;

/**
 * Mix two colors.
 * @param {Color} from
 * @param {Color} to
 * @param {number} share 0 gives `from`, 1 gives `to`
 */
export const mix = (from, to, share) => from.map((value, k) => value + share * (to[k] - value));

/**
 * Find the color at a position on a scale of evenly spaced colors.
 * @param {Color[]} stops
 * @param {number} t −1 for the first stop, 1 for the last one; NaN counts as 0
 */
export function colorAt(stops, t) {
  const position = ((stops.length - 1) / 2) * (1 + clamp(t || 0, -1, 1));
  const i = Math.min(stops.length - 2, Math.floor(position));
  return mix(stops[i], stops[i + 1], position - i).map(Math.round);
}

/** Relative luminance as WCAG 2 defines it, 0 to 1. @param {Color} color */
function luminance(color) {
  const linear = color.map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return sum(linear.map((value, i) => value * [0.2126, 0.7152, 0.0722][i]));
}

/** Contrast of two colors as WCAG 2 defines it, 1 to 21. @param {Color} a @param {Color} b */
export function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * Choose black or white for text on a background. On every color, one of the two has a contrast of
 * at least 4.5.
 * @param {Color} background
 */
export const textOn = (background) => (luminance(background) > 0.179 ? "#000" : "#fff");

const VALUE_COLORS = 8; // in style.css

/**
 * Choose the color of a curve by the place of its value among all values.
 * @param {number} share 0 for the first value, 1 for the last one
 */
export const valueColor = (share) => `var(--value-${1 + Math.round((VALUE_COLORS - 1) * share)})`;
