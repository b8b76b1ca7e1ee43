// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  readClass,
  sampleText,
  stepAddress,
  taughtPath,
  taughtRows,
} from "#pages/predict/taught-words.js";

const step = {
  step: 54003,
  epoch: 1,
  batch_size: 2,
  samples: [17, 4],
  labels: [5, 3],
  loss_before: 2,
  loss_after: 1.5,
  change: -0.5,
};
const taught = {
  label: 5,
  predicted: 6,
  loss: 0.9,
  steps: 180000,
  steps_looked_at: 960,
  snapshots: [1, 3001],
  lowered: [step],
  raised: [],
};
const DIGITS = [..."0123456789"];

test("the steps are called a sample", () => {
  assert.equal(
    sampleText(taught),
    "Looked at 960 of 180,000 steps: those next to 2 stored snapshots. This is a sample: " +
      "other steps may have changed the loss more.",
  );
  assert.match(sampleText({ ...taught, snapshots: [1] }), /next to a stored snapshot\. /);
});

test("the request is that of the prediction, with the class", () => {
  const path = "/predict?model=m-1&explain=true&fit=none&invert=never";
  assert.equal(taughtPath(path, ""), "/predict/taught?model=m-1&fit=none&invert=never");
  assert.equal(taughtPath(path, "7"), "/predict/taught?model=m-1&label=7&fit=none&invert=never");
});

test("the address names a class of the model, or the predicted one", () => {
  assert.equal(readClass("predicted", DIGITS), "");
  assert.equal(readClass("7", DIGITS), "7");
  for (const text of [null, "", "10", "-1", "seven"]) assert.equal(readClass(text, DIGITS), null);
});

test("each step is a row of a table", () => {
  assert.deepEqual(taughtRows(null, DIGITS), []);
  assert.deepEqual(taughtRows(taught, DIGITS), [
    {
      step: 54003,
      epoch: 1,
      "training samples": "17 4",
      "their classes": "5, 3",
      "loss of 5 before, nats": 2,
      "loss of 5 after, nats": 1.5,
      "change, nats": -0.5,
    },
  ]);
});

test("a step links to its page", () => {
  assert.equal(stepAddress("m-1", 54003), "/ui/models/m-1/steps?step=54003");
});
