// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  shareText,
  clamp,
  count,
  fixed,
  indexOfLargest,
  largestMagnitude,
  percent,
  powerOfTen,
  speed,
  sum,
} from "#pages/numbers.js";

test("negative numbers have a minus sign, and 0 has none", () => {
  assert.equal(fixed(-1.256), "−1.26");
  assert.equal(fixed(-0.004), "0.00");
  assert.equal(fixed(-0.004, 3), "−0.004");
  assert.equal(fixed(2.5, 0), "3");
});

test("percent writes a fraction as a percentage", () => {
  assert.equal(percent(0.9586), "95.9\u202f%");
  assert.equal(percent(0.9586, 2), "95.86\u202f%");
});

test("large numbers have commas", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.equal(speed(12345.6), "12,300 images/s");
});

test("powerOfTen splits a number into a digit and a power of ten", () => {
  assert.deepEqual(powerOfTen(2.2e-16), { digit: "2", exponent: "−16" });
  assert.deepEqual(powerOfTen(1e5), { digit: "1", exponent: "5" });
});

test("lists have a sum, an index of the largest value and a largest magnitude", () => {
  assert.equal(sum([]), 0);
  assert.equal(sum([1, 2, 3.5]), 6.5);
  assert.equal(indexOfLargest([1, 3, 3, 2]), 1);
  assert.equal(largestMagnitude([1, -4, 3]), 4);
  assert.equal(largestMagnitude([]), 0);
});

test("clamp keeps a number between two others", () => {
  assert.deepEqual(
    [-1, 0.5, 2].map((x) => clamp(x, 0, 1)),
    [0, 0.5, 1],
  );
});

test("a probability is 0 or 100 % only if it is exactly that", () => {
  const texts = [0, 1e-9, 0.1234, 1 - 1e-9, 1].map((p) => shareText(p, 1));
  assert.deepEqual(texts, [
    "0.0\u202f%",
    "<0.1\u202f%",
    "12.3\u202f%",
    ">99.9\u202f%",
    "100.0\u202f%",
  ]);
});
