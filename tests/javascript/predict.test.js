// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { arrowStep } from "#pages/keys.js";
import { fitText, placeOnBoard } from "#pages/predict/fit.js";
import { outlineSegments } from "#pages/predict/outline.js";
import { certainty, certaintyText, summary } from "#pages/predict/words.js";

test("summary describes all predictions in a sentence", () => {
  assert.equal(summary(["7"]), "The model predicts a 7.");
  assert.equal(summary(["8", "8"]), "Both models predict an 8.");
  assert.equal(summary(["8", "8", "8"]), "All models predict an 8.");
  assert.equal(summary(["7", "Bag"]), "One model predicts a 7, the other a bag.");
  assert.equal(summary(["7", "1", "1"]), "The models predict a 7, a 1, a 1.");
});

test("certainty and certaintyText describe how certain a prediction is", () => {
  assert.deepEqual([0.96, 0.9, 0.6, 0.3].map(certainty), [
    "very certain",
    "fairly certain",
    "uncertain",
    "guessing",
  ]);
  const prediction = { probabilities: [0.2, 0.7, 0.1], index: 1, margin: 0.5, entropy: 0.8 };
  assert.equal(
    certaintyText(/** @type {any} */ (prediction), ["a", "b", "c"]),
    "70.0\u202f%, uncertain. 50 points ahead of a; entropy 0.80 of at most 1.10 nats.",
  );
});

/** @type {import("../../service/web/static/js/types.d.ts").Fit} */
const FIT = {
  box: [10, 4, 30, 24],
  zoom: 1,
  offset: [-5.5, 0.5],
  inverted: false,
  preparation: "mnist",
  stroke_width: null,
  lines_removed: 0,
  desk_cropped: false,
};

test("placeOnBoard converts a fit to the coordinates of the board", () => {
  // An image of 56 × 28 pixels: the board shows it at half its size, with 7 empty rows above it.
  assert.deepEqual(placeOnBoard(FIT, { width: 56, height: 28 }), {
    box: { x: 5, y: 9, width: 10, height: 10 },
    center: { x: 15, y: 16 },
  });
});

test("fitText says what was done to an image, and nothing else", () => {
  const placed = "scaled to 20 pixels (dashed box) and centered by mass (cross).";
  assert.equal(fitText(FIT), `Prepared as MNIST was made: ${placed}`);
  assert.equal(
    fitText({
      ...FIT,
      inverted: true,
      lines_removed: 14,
      desk_cropped: true,
      stroke_width: [1.2, 2.5],
    }),
    "Prepared as MNIST was made: light and dark exchanged, 14 ruled lines removed, " +
      `the desk around the paper cropped, strokes widened from 1.2 to 2.5 pixels, ${placed}`,
  );
  assert.equal(
    fitText({ ...FIT, lines_removed: 1, stroke_width: [4, 3] }),
    "Prepared as MNIST was made: 1 ruled line removed, " +
      `strokes narrowed from 4.0 to 3.0 pixels, ${placed}`,
  );
  assert.equal(
    fitText({ ...FIT, stroke_width: [2.51, 2.52] }),
    `Prepared as MNIST was made: ${placed}`,
  );
  assert.equal(
    fitText({ ...FIT, preparation: "fashion-mnist" }),
    "Prepared as Fashion-MNIST was made: scaled to 28 pixels (dashed box) and centered.",
  );
});

test("fitText says when the whole image was used", () => {
  const whole = { ...FIT, preparation: /** @type {const} */ ("none") };
  assert.equal(fitText(whole), "The whole image was used: unchanged.");
  assert.equal(
    fitText({ ...whole, inverted: true, zoom: 0.1 }),
    "The whole image was used: light and dark exchanged, scaled to 28 pixels.",
  );
});

test("the outline of one pixel is a square, and no line separates two neighbors", () => {
  const one = [0, 255, 0, 0];
  assert.deepEqual(outlineSegments(one, 2), [
    [1, 0, 1, 1],
    [2, 0, 2, 1],
    [1, 0, 2, 0],
    [1, 1, 2, 1],
  ]);
  assert.equal(outlineSegments([255, 255, 0, 0], 2).length, 6);
  assert.deepEqual(outlineSegments([127, 0, 0, 0], 2), []);
  assert.deepEqual(outlineSegments([]), []);
});

test("arrow keys have a direction", () => {
  assert.deepEqual(arrowStep("ArrowUp"), [0, -1]);
  assert.equal(arrowStep("a"), undefined);
});
