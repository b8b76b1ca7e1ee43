// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { arrowStep } from "#pages/keys.js";
import { moveText, placeOnBoard } from "#pages/predict/fit.js";
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

test("placeOnBoard converts a fit to the coordinates of the board", () => {
  // An image of 56 × 28 pixels: the board shows it at half its size, with 7 empty rows above it.
  const fit = {
    box: /** @type {[number, number, number, number]} */ ([10, 4, 30, 24]),
    zoom: 1,
    offset: /** @type {[number, number]} */ ([-5.5, 0.5]),
    inverted: false,
  };
  assert.deepEqual(placeOnBoard(fit, { width: 56, height: 28 }), {
    box: { x: 5, y: 9, width: 10, height: 10 },
    center: { x: 15, y: 16 },
    zoom: 2,
  });
});

test("moveText says how far the center of mass is moved", () => {
  assert.equal(moveText({ x: 14.5, y: 14.2 }), "not moved");
  assert.equal(moveText({ x: 12.5, y: 15.4 }), "moved 2 pixels right and 1 pixel up");
  assert.equal(moveText({ x: 17.5, y: 14.5 }), "moved 3 pixels left");
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
