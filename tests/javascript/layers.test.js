// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { fieldError } from "#pages/jobs/fields.js";
import { completed, newLayer } from "#pages/jobs/new-layers.js";
import { hiddenText, networkText, parameterCount, steps } from "#pages/layers.js";
import { changedFields, changesText, valueText } from "#pages/recipes.js";

/** @typedef {import("../../service/web/static/js/types.d.ts").HiddenLayer} HiddenLayer */

const DIGITS = { shape: [28, 28], classes: [..."0123456789"] };
/** @type {HiddenLayer[]} */
const LAYERS = [
  { type: "convolution", channels: 16, kernel: 5, stride: 1, padding: 0 },
  { type: "max-pool", size: 2, stride: 2 },
  { type: "convolution", channels: 8, kernel: 3, stride: 2, padding: 1 },
  { type: "dense", neurons: 32 },
];

test("layers are written from the inputs to the classes", () => {
  const recipe = { name: "a", engine: "numpy", epochs: 1 };
  assert.equal(networkText({ ...recipe, hidden_sizes: [32, 16] }, DIGITS), "784 → 32 → 16 → 10");
  assert.equal(
    networkText({ ...recipe, hidden_sizes: null, layers: LAYERS }, DIGITS),
    "28×28 → 5×5×16 → pool 2 → 3×3×8 stride 2 padding 1 → 32 → 10",
  );
  assert.equal(hiddenText(LAYERS.slice(0, 2)), "5×5×16 · pool 2");
  assert.equal(hiddenText([]), "none");
  assert.equal(hiddenText([{ type: "max-pool", size: 3, stride: 1 }]), "pool 3 stride 1");
});

test("the sizes of layers follow from each other, and their parameters are counted", () => {
  const all = steps(LAYERS, DIGITS);
  assert.deepEqual(
    all.map(({ output }) => output),
    [[24, 24, 16], [12, 12, 16], [6, 6, 8], [32], [10]],
  );
  assert.deepEqual(
    all.map(({ parameters }) => parameters),
    [26 * 16, 0, 145 * 8, (6 * 6 * 8 + 1) * 32, 33 * 10],
  );
  assert.equal(parameterCount(all), 26 * 16 + 145 * 8 + 289 * 32 + 330);
});

test("a layer that does not fit its input is explained, and ends the list", () => {
  const large = /** @type {HiddenLayer} */ ({ ...LAYERS[0], kernel: 13, padding: 0 });
  const pools = [LAYERS[1], LAYERS[1]];
  const [, , last] = steps([...pools, large, LAYERS[0]], DIGITS);
  assert.equal(last.fault, "A kernel of 13×13 does not fit in an input of 7×7.");
  assert.equal(last.output, null);
  assert.equal(
    steps([...pools, { ...large, padding: 2 }], DIGITS).at(-1)?.fault,
    "A kernel of 13×13 does not fit in an input of 7×7, which the padding makes 11×11.",
  );
  const vector = steps([LAYERS[3], LAYERS[1]], DIGITS).at(-1)?.fault;
  assert.equal(vector, "A max-pool layer needs images, but its input is a list of 32 numbers.");
});

test("layers and hidden sizes replace each other, so only one of them is a change", () => {
  const recipes = { a: { epochs: 3, hidden_sizes: [32], layers: null } };
  const recipe = { name: "a", engine: "numpy", epochs: 3, hidden_sizes: null, layers: LAYERS };
  assert.deepEqual(changedFields(recipe, recipes), [["layers", LAYERS]]);
  assert.equal(
    changesText({ ...recipe, layers: LAYERS.slice(0, 2) }, recipes),
    "layers 5×5×16 · pool 2",
  );
  assert.deepEqual(JSON.parse(valueText(LAYERS)), LAYERS);
});

test("an error of a layer names the layer and its option", () => {
  assert.deepEqual(fieldError({ pointer: "/layers/2/kernel", detail: "Too large" }), {
    field: "layers",
    index: 2,
    option: "kernel",
    words: "kernel: Too large",
  });
  const whole = { field: "layers", index: 2, words: "Too large" };
  assert.deepEqual(fieldError({ pointer: "/layers/2", detail: "Too large" }), whole);
});

test("options that are left out get their defaults, in the order of the API", () => {
  /** @param {(number | null)[]} defaults */
  const options = (defaults) => defaults.map((one) => ({ default: one }));
  const [channels, kernel, stride, padding] = options([null, null, 1, 0]);
  const [size, poolStride, neurons] = options([null, null, null]);
  const types = /** @type {any} */ ({
    convolution: { channels, kernel, stride, padding },
    "max-pool": { size, stride: poolStride },
    dense: { neurons },
  });
  const given = { padding: 2, kernel: 5, type: /** @type {const} */ ("convolution"), channels: 4 };
  assert.equal(
    JSON.stringify(completed(given, types)),
    '{"type":"convolution","channels":4,"kernel":5,"stride":1,"padding":2}',
  );
  assert.deepEqual(completed({ type: "max-pool", size: 3 }, types), {
    type: "max-pool",
    size: 3,
    stride: 3,
  });
  assert.deepEqual(completed({ type: "dense" }, types), { type: "dense" }); // it stays incomplete
  assert.deepEqual(newLayer("max-pool", types), { type: "max-pool", size: 2, stride: 2 });
});
