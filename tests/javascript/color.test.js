// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { colorAt, cssColor, mix, parseColor, textOn } from "#pages/color.js";

const SCALE = ["#7c2d05", "#d2691e", "#f3b98f", "#fcfcfa", "#9cc3e8", "#2f7fc4", "#0a3f70"];
const STOPS = SCALE.map(parseColor);

test("colors are read from hexadecimal digits and written for CSS", () => {
  assert.deepEqual(parseColor("#0a62a9"), [10, 98, 169]);
  assert.equal(cssColor([10, 98, 169]), "rgb(10,98,169)");
});

test("two colors mix in proportion", () => {
  assert.deepEqual(mix([0, 100, 200], [100, 100, 0], 0.25), [25, 100, 150]);
});

test("a scale has its first color at −1, its middle one at 0 and its last one at 1", () => {
  assert.deepEqual(
    [-2, -1, 0, NaN, 1, 2].map((t) => colorAt(STOPS, t)),
    [0, 0, 3, 3, 6, 6].map((i) => STOPS[i]),
  );
});

test("text is readable on every color of a scale", () => {
  for (let t = -1; t <= 1; t += 0.01) {
    const background = colorAt(STOPS, t);
    const text = textOn(background) === "#000" ? [0, 0, 0] : [255, 255, 255];
    assert.ok(contrast(background, text) >= 4.5, `at ${t}`);
  }
});

/** The contrast of WCAG 2. @param {number[]} a @param {number[]} b */
function contrast(a, b) {
  const [low, high] = [a, b].map(luminance).sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** @param {number[]} color */
function luminance(color) {
  const [r, g, b] = color.map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
