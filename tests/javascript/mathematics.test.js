// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { boxesOf, errorText, imageRows, powersOfTen, tickText } from "#pages/maths/box-sums.js";
import { balanceBars, parseLogits, parseTarget } from "#pages/maths/logits.js";
import { unitsText } from "#pages/maths/units.js";
import {
  OUTLIER,
  defaultPoints,
  parsePoints,
  pointsText,
  regressionRequest,
  snap,
} from "#pages/maths/points.js";
import { proofText } from "#pages/maths/proof.js";
import { bodyText, curlCommand } from "#pages/curl.js";

test("parseLogits accepts 2 to 30 numbers", () => {
  assert.deepEqual(parseLogits("2,1,-0.5"), [2, 1, -0.5]);
  for (const text of [null, "", "1", "1,x", "1,,2", "1, ", Array(31).fill(0).join()]) {
    assert.equal(parseLogits(text), null);
  }
});

test("parseTarget accepts the index of a logit", () => {
  assert.equal(parseTarget("2", 3), 2);
  for (const text of [null, "", "3", "-1", "0.5", "x"]) assert.equal(parseTarget(text, 3), 0);
});

test("the bars of a row are equally long on both sides, apart from the gaps", () => {
  const row = [-0.1, 0.25, -0.15, 0];
  const { left, right } = balanceBars(row, 1, 0.25, 132);
  assert.deepEqual(right, { x: 66, width: 64 });
  assert.equal(left.length, 2);
  assert.ok(Math.abs(left[1].x - 2) < 1e-9);
  assert.ok(Math.abs(left[0].x - (left[1].x + left[1].width + 0.75)) < 1e-9);
});

test("the boxes of a network are between its steps", () => {
  const network = {
    weights: [1, 1, 1],
    biases: [1, 0, -1], // steps at −1, 0 and 1
    output_weights: [2, -3, 1],
    output_bias: 0.5,
  };
  assert.deepEqual(
    boxesOf(network, 2).map(({ x1, x2, y }) => [x1 + 0, x2 + 0, y]),
    [
      [-1, 0, 2.5],
      [0, 1, -0.5],
      [1, 2, 0.5],
    ],
  );
  assert.equal(boxesOf(network, 1).length, 2);
});

test("ticks of a logarithmic axis are powers of ten", () => {
  assert.deepEqual(powersOfTen(0.05, 20), [0.1, 1, 10]);
  assert.deepEqual([1e-6, 0.001, 10].map(tickText), ["1e-6", "0.001", "10"]);
});

test("a grid of values becomes an image whose last row is the lowest y", () => {
  const values = [
    ["x0y0", "x0y1"],
    ["x1y0", "x1y1"],
  ];
  assert.deepEqual(imageRows(/** @type {any} */ (values)), ["x0y1", "x1y1", "x0y0", "x1y0"]);
});

test("errorText describes the error of an approximation", () => {
  const answer = { neurons_two_per_box: 32, max_error: 0.55, mean_square_error: 0.04 };
  assert.equal(
    errorText({ ...answer, rate: { order: null } }),
    " if neighboring boxes share an edge, 32 otherwise. " +
      "Maximum error 0.55, root mean square error 0.200.",
  );
  assert.match(errorText({ ...answer, rate: { order: 1 } }), /n to the power of −1\.00\.$/);
});

test("points are read from the address as they were written", () => {
  const points = defaultPoints();
  assert.deepEqual(parsePoints(pointsText(points)), points);
  assert.equal(points.length, OUTLIER + 1);
  for (const text of [null, "", "1,2", "1,2;3", "1,2;3,x", Array(11).fill("1,2").join(";")]) {
    assert.equal(parsePoints(text), null);
  }
});

test("each call of defaultPoints returns new points", () => {
  defaultPoints()[0][0] = 99;
  assert.equal(defaultPoints()[0][0], 0.6);
});

test("snap moves points into the plot and onto its grid", () => {
  assert.deepEqual(snap(3.14159, 2.71828), [3.15, 2.7]);
  assert.deepEqual(snap(-1, 9), [0, 8]);
});

test("the proof says whether other lines have the same loss", () => {
  const certificate = { optimal: true };
  assert.equal(
    proofText({ unique: true, ranges: null, certificate }),
    "Proven in exact fractions: no line has a smaller L1 loss, and no other line has the same.",
  );
  const ranges = /** @type {[number | null, number | null][]} */ ([
    [1, 2.5],
    [null, null],
  ]);
  assert.equal(
    proofText({ unique: false, ranges, certificate }),
    "Proven in exact fractions: no line has a smaller L1 loss. Other lines have the same: " +
      "the intercept can be from 1.00 to 2.50, the slope any number.",
  );
  assert.equal(proofText({ unique: true, ranges: null, certificate: { optimal: false } }), "");
});

test("the request for a regression has a column of ones", () => {
  const points = /** @type {[number, number][]} */ ([
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(regressionRequest(points).X, [
    [1, 1],
    [1, 3],
  ]);
});

test("a request is shown as a curl command, its body as JSON with spaces", () => {
  const url = "http://localhost:8000/train";
  const body = { recipe: "mnist-numpy", hidden_sizes: [64, 32] };
  assert.equal(
    curlCommand(url, body),
    `curl -s '${url}' -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`,
  );
  assert.equal(curlCommand(url, null), `curl -s '${url}'`);
  assert.equal(curlCommand(url, "--data-binary @x.png"), `curl -s '${url}' --data-binary @x.png`);
  assert.equal(bodyText(body), '{"recipe": "mnist-numpy", "hidden_sizes": [64, 32]}');
  assert.equal(bodyText(null), "");
});

test("the first units are listed after their number", () => {
  assert.equal(unitsText([], 0), "0");
  assert.equal(unitsText([3, 5], 2), "2: 3, 5");
  assert.equal(unitsText([0, 1, 2, 3, 4, 5, 6], 1200), "1,200: 0, 1, 2, 3, 4, …");
});
