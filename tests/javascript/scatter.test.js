// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestPoint, scaleToFit } from "../../service/web/static/js/scatter.js";

test("points fill the square, with one scale for both axes and y upwards", () => {
  const points = scaleToFit(
    [
      [-1, 0],
      [3, 0],
      [1, 1],
    ],
    100,
  );
  assert.deepEqual(points, [
    [14, 59],
    [86, 59],
    [50, 41],
  ]);
});

test("equal points are in the middle", () => {
  assert.deepEqual(scaleToFit([[7, 7]], 100), [[50, 50]]);
});

test("the nearest point is found only within the largest distance", () => {
  const points = /** @type {[number, number][]} */ ([
    [0, 0],
    [10, 0],
    [12, 0],
  ]);
  assert.equal(nearestPoint(points, [11.5, 0], 5), 2);
  assert.equal(nearestPoint(points, [4, 0], 5), 0);
  assert.equal(nearestPoint(points, [4, 9], 5), null);
});
