// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { withArticle } from "#pages/class-names.js";
import {
  cellScale,
  cellText,
  correctCount,
  confusedPairs,
  onlyPrediction,
  totalCount,
  worstMistake,
} from "#pages/model/confusion-matrix.js";
import {
  calibration,
  calibrationWords,
  classQuality,
  qualityAxisStart,
} from "#pages/model/measures.js";

const MATRIX = [
  [8, 1, 0],
  [0, 4, 3],
  [2, 0, 6],
];

test("withArticle adds the right article to a class", () => {
  assert.deepEqual(["7", "8", "Ankle boot", "T-shirt/top", "Sneaker"].map(withArticle), [
    "a 7",
    "an 8",
    "an ankle boot",
    "a T-shirt or top",
    "a sneaker",
  ]);
});

test("a confusion matrix gives the number of images, of correct ones and of mistakes", () => {
  assert.equal(totalCount(MATRIX), 24);
  assert.equal(correctCount(MATRIX), 18);
  assert.deepEqual(confusedPairs(MATRIX), [
    { label: 1, predicted: 2, count: 3 },
    { label: 2, predicted: 0, count: 2 },
    { label: 0, predicted: 1, count: 1 },
  ]);
  assert.deepEqual(worstMistake(MATRIX), { label: 1, predicted: 2, count: 3 });
});

test("without mistakes, the worst mistake has 0 images", () => {
  const perfect = [
    [5, 0],
    [0, 5],
  ];
  assert.equal(worstMistake(perfect).count, 0);
  assert.equal(cellScale(perfect)(0, 1), -0);
});

test("a cell is described as people would say it", () => {
  const digits = [..."0123456789"];
  const clothes = ["T-shirt/top", "Ankle boot"];
  assert.deepEqual(
    [
      cellText(digits, 4, 9, 7),
      cellText(digits, 8, 3, 1),
      cellText(digits, 1, 1, 1119),
      cellText(digits, 0, 1, 0),
      cellText(clothes, 0, 1, 2),
      cellText(clothes, 1, 1, 929),
    ],
    [
      "7 images of a 4, read as 9",
      "1 image of an 8, read as 3",
      "1,119 images of a 1, read as 1",
      "No images of a 0, read as 1",
      "2 images of a T-shirt or top, taken for an ankle boot",
      "929 images of an ankle boot, recognized",
    ],
  );
});

test("a model that predicts one class for all images is recognized", () => {
  assert.equal(onlyPrediction(MATRIX), null);
  const diverged = [
    [0, 5],
    [0, 4],
  ];
  assert.equal(onlyPrediction(diverged), 1);
});

test("words for the calibration depend on the size of its error", () => {
  assert.match(calibrationWords(0.6, true), /well calibrated/);
  assert.equal(calibrationWords(2.1, false), "The model is somewhat underconfident.");
  assert.equal(calibrationWords(90.2, true), "The model is very overconfident.");
});

test("cells on the diagonal are positive and mistakes negative, each on their own scale", () => {
  const scale = cellScale(MATRIX);
  assert.equal(scale(0, 0), 0.75);
  assert.equal(scale(1, 2), -0.8);
  assert.equal(scale(1, 1), 0.75 / 8);
});

test("the best class comes first, and an undefined measure is left out", () => {
  const rows = classQuality(["a", "b"], { recall: [0.5, 0.9], precision: [null, 0.8] });
  assert.deepEqual(rows, [
    { name: "b", recall: 90, precision: 80 },
    { name: "a", recall: 50, precision: null },
  ]);
  assert.equal(qualityAxisStart(rows), 40);
  assert.equal(qualityAxisStart(rows.slice(0, 1)), 70);
});

test("a model is overconfident if the confidence of most predictions exceeds the accuracy", () => {
  const bins = [
    { count: 0, confidence: 0, accuracy: 0 },
    { count: 3, confidence: 0.5, accuracy: 0.25 },
    { count: 2, confidence: 0.5, accuracy: 0.75 },
  ];
  const found = calibration(bins);
  assert.equal(found.bins.length, 2);
  assert.equal(found.total, 5);
  assert.equal(found.overconfident, true);
  assert.equal(calibration(bins.slice(2)).overconfident, false);
});
