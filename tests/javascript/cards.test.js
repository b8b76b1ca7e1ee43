// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { losesToGuessing } from "#pages/guessing.js";
import {
  datasetOf,
  guessingAccuracy,
  otherAccuracies,
  sizesText,
  titleOf,
  trainedSamples,
} from "#pages/models/card.js";
import { cellText, confusedPairs, worstMistake } from "#pages/model/confusion-matrix.js";
import { mapValues, placeOf, shownColumns, valuesText } from "#pages/model/values.js";

const COLOR = { kind: "images", shape: [1, 2, 3], columns: null };
const ROWS = { kind: "vectors", shape: [2], columns: ["height", "width"] };

/** @param {number[][]} matrix @param {object} [more] @returns {any} */
const model = (matrix, more = {}) => ({
  classes: matrix.map((_, i) => `class ${i}`),
  recipe: { hidden_sizes: [5], validation: 0 },
  dataset: {
    ...ROWS,
    id: "d-0",
    name: "plants",
    title: "Plants",
    checksums: {},
    train: { samples: 30, per_class: [25, 5] },
  },
  evaluation: {
    confusion_matrix: matrix,
    balanced_accuracy: 0.6,
    macro_f1: 0.5,
    top5_accuracy: 0.9,
  },
  ...more,
});

test("a loss is compared with that of guessing among the classes of the model", () => {
  assert.equal(losesToGuessing(0.69, 2), false);
  assert.equal(losesToGuessing(0.7, 2), true);
  assert.equal(losesToGuessing(2.3, 1000), false);
  assert.equal(losesToGuessing(undefined, 10), false);
});

test("guessing reaches the share of the most frequent class", () => {
  assert.equal(
    guessingAccuracy(
      model([
        [6, 2],
        [1, 1],
      ]),
    ),
    0.8,
  );
});

test("other accuracies are shown where classes are unbalanced or many", () => {
  const balanced = [
    [4, 1],
    [1, 4],
  ];
  const unbalanced = [
    [9, 0],
    [1, 4],
  ];
  assert.deepEqual(otherAccuracies(model(balanced)), []);
  assert.deepEqual(otherAccuracies(model(unbalanced)), [
    ["Balanced accuracy", 0.6],
    ["Macro F1", 0.5],
  ]);
  const many = Array.from({ length: 21 }, (_, i) =>
    Array.from({ length: 21 }, (__, j) => Number(i === j)),
  );
  assert.deepEqual(otherAccuracies(model(many)), [["Top-5 accuracy", 0.9]]);
});

test("the layers, the data set and the samples of an epoch come from the card", () => {
  const one = model([
    [1, 0],
    [0, 1],
  ]);
  assert.equal(sizesText(one), "2 → 5 → 2");
  assert.equal(titleOf(one.dataset), "Plants");
  assert.equal(datasetOf(one), "d-0");
  assert.equal(trainedSamples(one), 30);
  one.recipe.validation = 0.1; // 2.5 of 25 and 0.5 of 5 round to even: 2 and 0
  assert.equal(trainedSamples(one), 28);
});

test("a large confusion matrix is searched for its most confused pairs", () => {
  const size = 1000;
  const matrix = Array.from({ length: size }, () => Array(size).fill(0));
  matrix[3][999] = 7;
  matrix[999][3] = 2;
  matrix[5][5] = 50;
  assert.deepEqual(worstMistake(matrix), { label: 3, predicted: 999, count: 7 });
  assert.deepEqual(
    confusedPairs(matrix).map(({ count }) => count),
    [7, 2],
  );
});

test("names that people chose are quoted", () => {
  const names = ["an apple pie", "X"];
  assert.equal(cellText(names, 0, 1, 2, "row"), "2 rows of “an apple pie”, taken for “X”");
  assert.equal(cellText(names, 1, 1, 1, "image"), "1 image of “X”, recognized");
});

test("the weights of color images are shown by channel, with their places", () => {
  const dataset = /** @type {any} */ (COLOR);
  assert.deepEqual(mapValues(dataset, [1, 2, 3, 4, 5, 6]), [1, 4, 2, 5, 3, 6]);
  assert.deepEqual(placeOf(dataset, 4), { row: 1, column: 2, color: "green" });
  assert.deepEqual(placeOf(/** @type {any} */ (ROWS), 1), { column: "width" });
});

test("of many columns, those with the largest weights are shown", () => {
  assert.deepEqual(shownColumns([1, -3, 2]), [0, 1, 2]);
  const many = Array.from({ length: 100 }, (_, i) => (i % 2 ? -i : i));
  assert.deepEqual(shownColumns(many).slice(0, 3), [99, 98, 97]);
  assert.equal(shownColumns(many).length, 40);
});

test("a row is written with the names of its first columns", () => {
  const wide = /** @type {any} */ ({ kind: "vectors", shape: [8], columns: null });
  assert.equal(valuesText(/** @type {any} */ (ROWS), [1.5, -2]), "height 1.5, width −2");
  assert.match(valuesText(wide, Array(8).fill(0)), /column 6 0, and 2 more$/);
});
