// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { arrange, nextTile, placeMaps } from "#pages/maps/arrange.js";
import {
  dropOfPixels,
  hiddenLayers,
  largestCell,
  mapShape,
  networkLayers,
  perChannel,
  valuesOf,
  windowOf,
} from "#pages/maps/shapes.js";
import { cellText, layerTitle, mapText, occlusionText } from "#pages/maps/words.js";
import {
  allLayers,
  filterChoices,
  mapRows,
  readLayers,
  weightLayers,
} from "#pages/model/network.js";
import { kernelGrid } from "#pages/model/values.js";
import { insideRows } from "#pages/predict/inside-rows.js";
import { pushesOf } from "#pages/predict/pushes.js";

const LAYERS = /** @type {import("#pages/types.d.ts").HiddenLayer[]} */ ([
  { type: "convolution", channels: 8, kernel: 5, stride: 1, padding: 0 },
  { type: "max-pool", size: 2, stride: 2 },
  { type: "convolution", channels: 16, kernel: 3, stride: 2, padding: 1 },
  { type: "dense", neurons: 32 },
]);

/** @param {Record<string, any>} recipe @param {number[]} [shape] @returns {any} */
const model = (recipe, shape = [28, 28]) => ({
  recipe: { hidden_sizes: null, layers: null, ...recipe },
  dataset: { kind: shape.length > 1 ? "images" : "vectors", shape, columns: null },
  classes: [..."0123456789"],
});
const convolutional = model({ layers: LAYERS });
const [first, pool, second, dense] = networkLayers(convolutional);

test("the shapes of the layers follow from their options", () => {
  const shapes = networkLayers(convolutional).map(({ output_shape }) => output_shape);
  assert.deepEqual(shapes, [[24, 24, 8], [12, 12, 8], [6, 6, 16], [32]]);
  assert.deepEqual(second.input_shape, [12, 12, 8]);
  const last = allLayers(convolutional).at(-1);
  assert.deepEqual([last?.input_shape, last?.output_shape], [[32], [10]]);
  const rest = networkLayers(model({ layers: LAYERS.slice(0, 1) }, [9, 7, 3])); // rows left over
  assert.deepEqual(rest[0].output_shape, [5, 3, 8]);
  assert.deepEqual(hiddenLayers(model({ hidden_sizes: [32, 16] }).recipe), [
    { type: "dense", neurons: 32 },
    { type: "dense", neurons: 16 },
  ]);
  assert.deepEqual(allLayers(model({ hidden_sizes: [] })).length, 1);
});

test("the layers with weights are named by their sizes", () => {
  const names = weightLayers(convolutional).map(({ index, name }) => [index, name]);
  assert.deepEqual(names, [
    [0, "1 → 8, 5 × 5"],
    [2, "8 → 16, 3 × 3"],
    [3, "576 → 32"],
    [4, "32 → 10"],
  ]);
});

test("the filters of all convolutions are shown, or else the first layer with weights", () => {
  const [one, two, ...others] = filterChoices(convolutional);
  assert.deepEqual([one.index, one.noun, one.shape], [0, "filter", [5, 5]]);
  assert.deepEqual(one.dataset?.shape, [5, 5]);
  assert.deepEqual([two.index, two.shape, two.dataset], [2, [3, 3, 8], null]);
  assert.equal(others.length, 0);
  const [color] = filterChoices(model({ layers: LAYERS }, [32, 32, 3]));
  assert.deepEqual(color.dataset?.shape, [5, 5, 3]);
  const [neuron] = filterChoices(model({ hidden_sizes: [32] }));
  assert.deepEqual([neuron.index, neuron.noun, neuron.shape], [0, "neuron", [28, 28]]);
  const [pooled] = filterChoices(model({ layers: LAYERS.slice(1, 2) }));
  assert.deepEqual([pooled.index, pooled.shape, pooled.dataset], [1, [14, 14, 1], null]);
});

test("a cell comes from a window of the input, which may have padding", () => {
  assert.deepEqual(windowOf(first, 2, 3), {
    ...{ top: 2, left: 3, bottom: 7, right: 8 },
    isPadded: false,
  });
  assert.deepEqual(windowOf(second, 0, 5), {
    ...{ top: 0, left: 9, bottom: 2, right: 12 },
    isPadded: true,
  });
  assert.deepEqual(windowOf(pool, 11, 0).top, 22);
});

test("maps are taken out of values with the channels last", () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8];
  const shape = mapShape([2, 2, 2]);
  assert.deepEqual(valuesOf(values, shape, 1), [2, 4, 6, 8]);
  assert.deepEqual(perChannel(values, 2), [16, 20]);
  assert.deepEqual(perChannel(values, 8), values);
  assert.deepEqual(largestCell([0, 5, 2, 5], 2), { row: 0, column: 1 }); // the first of equal ones
  assert.deepEqual(mapShape([3]), { height: 1, width: 1, channels: 3 });
});

test("the pushes of the cells of a map are added; neurons and inputs push on their own", () => {
  const row = [1, 2, 3, 4, 5, 6, 7, 8];
  const maps = /** @type {any} */ ([{ type: "max-pool", output_shape: [2, 2, 2] }]);
  assert.deepEqual(pushesOf(row, maps), [16, 20]);
  assert.deepEqual(pushesOf(row, /** @type {any} */ ([{ output_shape: [8] }])), row);
  assert.deepEqual(pushesOf(row, []), row);
});

test("layers and maps are described in words", () => {
  assert.deepEqual(
    [first, pool, second, dense].map((layer, i) => layerTitle(i + 1, layer)),
    [
      "Hidden layer 1, convolution 5 × 5: 8 feature maps of 24 × 24",
      "Hidden layer 2, max-pool 2 × 2: 8 feature maps of 12 × 12",
      "Hidden layer 3, convolution 3 × 3, stride 2, padding 1: 16 feature maps of 6 × 6",
      "Hidden layer 4: 32 neurons",
    ],
  );
  assert.equal(mapText([0, 1.5, 0, 0], 2), "its largest value is 1.500, at row 0, column 1");
});

test("a cell says what it was computed from, and of a max-pool where the maximum was", () => {
  const cell = { row: 2, column: 3 };
  assert.equal(
    cellText(first, cell, 0.5, { map: 4, isImage: true, winner: null }),
    "Row 2, column 3: 0.500, computed with filter 4 from rows 2 to 6, columns 3 to 7 of the image.",
  );
  assert.equal(
    cellText(pool, cell, 0.5, { map: 4, isImage: false, winner: { row: 5, column: 6 } }),
    "Row 2, column 3: 0.500, the maximum of rows 4 to 5, columns 6 to 7 of the map before. " +
      "It came from row 5, column 6.",
  );
  assert.equal(
    cellText(pool, cell, 0, { map: 4, isImage: false, isOff: true, winner: { row: 5, column: 6 } }),
    "Row 2, column 3: 0.000, because the map is switched off.",
  );
  assert.match(
    cellText(second, { row: 0, column: 1 }, 0, { map: 4, isImage: false, winner: null }),
    /from rows 0 to 1, columns 1 to 3 of all 8 maps before and the padding beside them\.$/,
  );
});

test("many maps are small, few are large, and all fit the width", () => {
  assert.deepEqual(arrange(mapShape([32]), 744).columns, 32);
  assert.deepEqual(arrange(mapShape([32]), 330), {
    ...{ size: [21, 21], gap: 1, step: [22, 22] },
    ...{ columns: 15, rows: 3 },
  });
  assert.deepEqual(arrange(mapShape([32]), 330, "finger").columns, 10);
  assert.deepEqual(arrange(mapShape([2048]), 744).rows, 28);
  assert.deepEqual(arrange(mapShape([5]), 0).columns, 1);
  assert.deepEqual(arrange(mapShape([24, 24, 8]), 744).size, [72, 72]); // 3 pixels for each cell
  assert.deepEqual(arrange(mapShape([24, 24, 64]), 340), {
    ...{ size: [48, 48], gap: 5, step: [53, 53] },
    ...{ columns: 6, rows: 11 },
  });
  assert.deepEqual(arrange(mapShape([2, 2, 256]), 340).size, [24, 24]); // at most 12 pixels
  assert.deepEqual(arrange(mapShape([128, 64, 8]), 744).size, [42, 84]); // drawn smaller
  const grid = { count: 32, columns: 15 };
  assert.deepEqual(
    [nextTile(0, [-1, 0], grid), nextTile(0, [0, 1], grid), nextTile(20, [0, 1], grid)],
    [0, 15, 20],
  );
});

test("maps stand side by side in about a square, with gaps between them", () => {
  assert.deepEqual(placeMaps(1, 5, 5), { width: 5, height: 5, places: [{ x: 0, y: 0 }] });
  const { width, height, places } = placeMaps(6, 5, 5);
  assert.deepEqual([width, height], [17, 11]);
  assert.deepEqual(places[4], { x: 6, y: 6 });
});

test("the weights of a filter are a square for each map that it reads", () => {
  const { values, width, height } = kernelGrid([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
  assert.deepEqual([width, height], [5, 2]);
  assert.deepEqual(values, [1, 3, NaN, 2, 4, 5, 7, NaN, 6, 8]);
});

test("an occlusion map is spread over the pixels, and said in words", () => {
  const occlusion = {
    ...{ size: 6, stride: 2, fill: 0 },
    drops: [
      [0.25, 0],
      [-0.1, 0],
    ],
  };
  assert.deepEqual(dropOfPixels(occlusion, { shape: [3, 3] }), [
    ...[0.25, 0.25, 0],
    ...[0.25, 0.25, 0],
    ...[-0.1, -0.1, 0],
  ]);
  assert.equal(
    occlusionText(occlusion, "7"),
    "The probability of 7 falls by up to 25.0 percentage points: when a square of 6 × 6 pixels " +
      "around row 1, column 1 is covered.",
  );
  assert.match(occlusionText({ ...occlusion, drops: [[-1, 0]] }, "7"), /^No covered square/);
});

test("feature maps are rows of a table, with the map, row and column of each number", () => {
  const row = [
    [1, 2],
    [3, 4],
  ];
  const layers = readLayers({
    layers: [
      { shape: [1, 2, 2], maps: [row], winners: [[row, row]] },
      { shape: [1], maps: [5] },
    ],
  });
  assert.deepEqual(layers[0].activations, [1, 2, 3, 4]);
  assert.deepEqual(layers[0].winners, [[row, row]]);
  assert.deepEqual(mapRows(layers)[3], {
    ...{ layer: 1, index: 3, map: 1, row: 0, column: 1 },
    activation: 4,
  });
  assert.deepEqual(mapRows(layers)[4], { layer: 2, index: 0, activation: 5 });
  const prediction = /** @type {any} */ ({
    probabilities: [1],
    layers: [layers[0], { activations: [5], contributions: [[1, 2, 3, 4]], biases: [0] }],
  });
  assert.deepEqual(insideRows(prediction, ["a"], new Set(["1.1"]))[1], {
    layer: "hidden 1",
    ...{ index: 1, map: 1, row: 0, column: 0 },
    activation: 2,
    "switched off": true,
    "push on a": 2,
  });
});
