// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { trainLossWords } from "#pages/curve-words.js";
import { spreadLabels } from "#pages/label-layout.js";
import { accuracyRange, accuracyTicks, logTicks, lossRange } from "#pages/ranges.js";

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
  assert.deepEqual(lossRange([], 2.45), [0.5, 3]);
  assert.deepEqual(lossRange([0.5, 3], 2.45), [0.5, 3]);
  assert.deepEqual(lossRange([0.49, 3.1], 2.45), [0.3, 5]);
  assert.deepEqual(lossRange([0, 1e-5, 70000], 2.45), [1e-5, 100000]);
});

test("a loss axis has ticks at both ends, and few between them", () => {
  assert.deepEqual(logTicks([0.3, 3]), [0.3, 0.5, 1, 2, 3]);
  assert.deepEqual(logTicks([0.03, 3]), [0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 3]);
  assert.deepEqual(logTicks([0.002, 3]), [0.002, 0.01, 0.1, 1, 3]);
  for (const low of [1e-6, 0.004, 0.06, 0.7]) {
    for (const high of [2.46, 4, 90, 1e5]) {
      const range = lossRange([low, high], 2.45);
      const ticks = logTicks(range);
      assert.deepEqual([ticks[0], ticks.at(-1)], range);
      assert.ok(range[0] <= low && high <= range[1]);
    }
  }
});

test("an accuracy axis contains all epochs but epoch 0", () => {
  const history = [0.1, 0.6, 0.85, 0.95].map((test_accuracy, epoch) => ({ epoch, test_accuracy }));
  assert.deepEqual(accuracyRange(history, []), [60, 100]);
  assert.deepEqual(accuracyRange(history, [58]), [50, 100]);
  assert.deepEqual(accuracyRange(history.slice(0, 3), []), [60, 90]);
  assert.deepEqual(accuracyRange(history.slice(0, 1), []), [0, 40]);
  assert.deepEqual(accuracyRange([], []), [80, 90]);
  const one = [0.1, 0.94].map((test_accuracy, epoch) => ({ epoch, test_accuracy }));
  assert.deepEqual(accuracyRange(one, [], 3), [80, 100]); // more epochs follow
  assert.deepEqual(accuracyRange(one, [], 1), [0, 100]); // the whole line is visible
});

test("an accuracy axis has ticks at both ends", () => {
  assert.deepEqual(accuracyTicks([80, 100]), [80, 85, 90, 95, 100]);
  for (let low = 0; low < 100; low += 7) {
    for (let high = low; high <= 100; high += 9) {
      const history = [low, high].map((value, i) => ({ epoch: i + 5, test_accuracy: value / 100 }));
      const range = accuracyRange(history, []);
      const ticks = accuracyTicks(range);
      assert.deepEqual([ticks[0], ticks.at(-1)], range);
      assert.ok(range[0] <= low && high <= range[1] && range[1] <= 100, `${low}, ${high}`);
    }
  }
});

test("the words about the train loss say how far apart its points are", () => {
  const losses = [3072, 6144].map((samples) => ({ samples, train_loss: 1 }));
  assert.match(trainLossWords([], 3), /every 1,000 images .* \(dots\)/);
  assert.match(trainLossWords(losses, 30), /every 3,000 images .* \(thick line\)/);
});
