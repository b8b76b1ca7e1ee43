// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { csv, curveRows, fromColumns, fromGrid, fromPixels } from "#pages/save/csv.js";

test("csv has one column for each key, and quotes what needs it", () => {
  assert.equal(
    csv([
      { epoch: 0, loss: null },
      { epoch: 1, loss: 2.5, note: 'a "b", c' },
    ]),
    'epoch,loss,note\r\n0,,\r\n1,2.5,"a ""b"", c"\r\n',
  );
  assert.equal(csv([]), "\r\n");
});

test("rows are made from columns and from matrices", () => {
  assert.deepEqual(fromColumns({ x: [1, 2], y: [3, 4] }), [
    { x: 1, y: 3 },
    { x: 2, y: 4 },
  ]);
  assert.deepEqual(fromColumns({}), []);
  assert.deepEqual(
    fromGrid({
      x: [0, 1],
      y: [5, 6],
      f: [
        [1, 2],
        [3, 4],
      ],
    }),
    [
      { x: 0, y: 5, f: 1 },
      { x: 0, y: 6, f: 2 },
      { x: 1, y: 5, f: 3 },
      { x: 1, y: 6, f: 4 },
    ],
  );
});

test("rows are made from the pixels of an image", () => {
  assert.deepEqual(fromPixels([0, 1, 2, 3], [2, 2]), [
    { row: 0, column: 0, value: 0 },
    { row: 0, column: 1, value: 1 },
    { row: 1, column: 0, value: 2 },
    { row: 1, column: 1, value: 3 },
  ]);
  assert.deepEqual(fromPixels([1, 2, 3, 4, 5, 6], [1, 2, 3]), [
    { row: 0, column: 0, red: 1, green: 2, blue: 3 },
    { row: 0, column: 1, red: 4, green: 5, blue: 6 },
  ]);
});

test("the rows of curves say what was measured when, in epochs and in images", () => {
  const history = [{ epoch: 1, test_loss: 0.5 }];
  const published = [{ epoch: 1, test_accuracy: 0.9 }];
  const after = {
    measured: "after the epoch",
    epoch: 1,
    "samples so far": 60000,
    "test loss, nats": 0.5,
  };
  assert.deepEqual(curveRows(history), [after]);
  assert.deepEqual(curveRows(history, { losses: null, published: null }), [after]);
  assert.deepEqual(
    curveRows(history, { losses: [{ samples: 15000, train_loss: 0.7 }], published }),
    [
      after,
      {
        measured: "after the epoch, published run",
        epoch: 1,
        "samples so far": 60000,
        "test accuracy, 0 to 1": 0.9,
      },
      {
        measured: "within an epoch",
        epoch: 0.25,
        "samples so far": 15000,
        "train loss, nats": 0.7,
      },
    ],
  );
});
