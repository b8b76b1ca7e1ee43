// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { spreadLabels } from "#pages/label-layout.js";
import { accuracyRange, lossRange } from "#pages/ranges.js";

test("labels that overlap are pushed apart, and others stay where they are", () => {
  const labels = [{ y: 100 }, { y: 0 }, { y: 5 }];
  const [first, second, third] = spreadLabels(labels, 15);
  assert.deepEqual([first.y, second.y, third.y], [-5, 10, 100]);
  assert.deepEqual(labels, [{ y: 100 }, { y: 0 }, { y: 5 }]);
});

test("several labels in one place get the full gap", () => {
  const ys = spreadLabels([{ y: 7 }, { y: 7 }, { y: 7 }], 15).map(({ y }) => y);
  assert.deepEqual(ys, [-8, 7, 22]);
});

test("labels stay within a range that has room for them", () => {
  const range = { top: 0, bottom: 100 };
  /** @param {number[]} ys */
  const spread = (ys) =>
    spreadLabels(
      ys.map((y) => ({ y })),
      15,
      range,
    ).map(({ y }) => y);
  assert.deepEqual(spread([99, 100, 40]), [40, 85, 100]);
  assert.deepEqual(spread([1, 2, 3]), [0, 15, 30]);
});

test("eight labels in one place get the full gap", () => {
  const ys = spreadLabels(Array(8).fill({ y: 50 }), 10).map(({ y }) => y);
  assert.deepEqual(ys, [15, 25, 35, 45, 55, 65, 75, 85]);
});

test("a label without a position is left out", () => {
  assert.deepEqual(spreadLabels([{ y: NaN }, { y: 1 }], 15), [{ y: 1 }]);
});

test("a loss axis contains all losses, 1, and the given highest value", () => {
  assert.deepEqual(lossRange([], 2.45), [0.9, 2.45]);
  assert.deepEqual(lossRange([0.5, 3], 2.45), [0.45, 3]);
});

test("an accuracy axis ignores the first epochs", () => {
  const history = [0.1, 0.6, 0.85, 0.95].map((test_accuracy, epoch) => ({ epoch, test_accuracy }));
  assert.deepEqual(accuracyRange(history, []), [70, 100]);
  assert.deepEqual(accuracyRange(history, [58]), [50, 100]);
  assert.deepEqual(accuracyRange(history.slice(0, 1), []), [10, 30]);
  assert.deepEqual(accuracyRange([], []), [70, 90]);
});
