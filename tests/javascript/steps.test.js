// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { nearestOpenable, networkInput, nextOpenable, unpack } from "#pages/steps/data.js";
import { actionOf } from "#pages/steps/keys.js";
import { linksFrom, linksInto, maximumOf } from "#pages/steps/links.js";
import { columnsOf, isForward, phasesOf } from "#pages/steps/phases.js";
import { backwardTerms, byChannel, forwardTerms, largestTerms } from "#pages/steps/terms.js";
import { readChoices } from "#pages/steps/view.js";

/** @typedef {import("../../service/web/static/js/types.d.ts").NetworkLayer} NetworkLayer */

const query = (/** @type {string} */ text) => new URLSearchParams(text);
const NETWORK = { layers: 3, batchSize: 1, trainedWith: "exact", hasPublished: true };

test("a step has two phases for each layer, and five more", () => {
  const phases = phasesOf(3);
  assert.equal(phases.length, 11);
  assert.deepEqual(
    phases.filter(isForward).map(({ key }) => key),
    ["input", "forward-1", "forward-2", "forward-3", "softmax", "loss"],
  );
  assert.deepEqual(
    phases.filter((phase) => !isForward(phase)).map(({ key }) => key),
    ["delta-3", "delta-2", "delta-1", "gradients", "update"],
  );
});

test("a column appears in the phase that computes it, and then stays", () => {
  const phases = phasesOf(2);
  const at = (/** @type {string} */ key) => phases.findIndex((phase) => phase.key === key);
  const before = columnsOf(phases, at("forward-1"), 1, 1);
  assert.deepEqual(before.seen, { z: true, a: true, delta: false });
  assert.deepEqual(before.fresh, { z: true, a: true, delta: false });
  const later = columnsOf(phases, at("delta-2"), 1, 1);
  assert.deepEqual(later.seen, { z: true, a: true, delta: false });
  assert.deepEqual(later.fresh, { z: false, a: false, delta: false });
  const output = columnsOf(phases, at("forward-2"), 2, 1);
  assert.deepEqual(output.seen, { z: true, a: false, delta: false });
});

/** @type {Record<string, NetworkLayer>} */
const LAYERS = {
  dense: { type: "dense", neurons: 4, input_shape: [2, 3, 2], output_shape: [4] },
  convolution: {
    type: "convolution",
    kernel: 3,
    stride: 2,
    padding: 1,
    channels: 3,
    input_shape: [5, 6, 2],
    output_shape: [3, 3, 3],
  },
  "max-pool": {
    type: "max-pool",
    size: 2,
    stride: 2,
    input_shape: [5, 4, 3],
    output_shape: [2, 2, 3],
  },
};

const sizeOf = (/** @type {number[]} */ shape) =>
  shape.reduce((product, side) => product * side, 1);
const counted = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => i);

for (const [name, layer] of Object.entries(LAYERS)) {
  test(`the links of a ${name} are the same from both of its sides`, () => {
    const into = counted(sizeOf(layer.output_shape)).flatMap((i) => linksInto(layer, i));
    const from = counted(sizeOf(layer.input_shape)).flatMap((i) => linksFrom(layer, i));
    const key = (/** @type {import("#pages/steps/links.js").Link} */ link) =>
      `${link.input} ${link.output} ${link.weight}`;
    assert.deepEqual(from.map(key).sort(), into.map(key).sort());
    assert.ok(into.length > 10);
  });
}

test("a convolution of known numbers has the sum of its terms", () => {
  // One 2×2 filter over a 3×3 image: at row 1, column 0 it covers the pixels 3, 4, 6 and 7.
  const layer = { type: "convolution", kernel: 2, stride: 1, padding: 0, channels: 1 };
  const spec = { ...layer, input_shape: [3, 3], output_shape: [2, 2, 1] };
  const step = { x: [0, 1, 2, 3, 4, 5, 6, 7, 8], layers: [{ spec }] };
  const weights = { weight: [10, 20, 30, 40], gradient: [] };
  const terms = forwardTerms(/** @type {any} */ (step), 1, 2, /** @type {any} */ (weights));
  assert.deepEqual(
    terms.map(({ from, value }) => [from, value]),
    [
      [3, 30],
      [4, 80],
      [6, 180],
      [7, 280],
    ],
  );
});

test("of equal maxima in a window, the first one counts", () => {
  const pool = {
    type: "max-pool",
    size: 2,
    stride: 2,
    input_shape: [2, 2, 1],
    output_shape: [1, 1, 1],
  };
  assert.equal(maximumOf(/** @type {any} */ (pool), [1, 7, 7, 0], 0), 1);
});

test("the error passes through weights that were updated early, if as published", () => {
  const spec = { type: "dense", neurons: 1, input_shape: [2], output_shape: [1] };
  const above = { spec, delta: { exact: [2], published: [2] } };
  const step = /** @type {any} */ ({ learning_rate: 0.5, layers: [{}, above] });
  const weights = /** @type {any} */ ({ weight: [3, 4], gradient: [10, 20] });
  assert.equal(backwardTerms(step, 1, 1, "exact", weights)[0].value, 8);
  assert.equal(backwardTerms(step, 1, 1, "published", weights)[0].value, 2 * (4 - 0.5 * 20));
});

test("small terms are added up by their signs, so that a large sum that cancels is seen", () => {
  const terms = [5, -4, 1, 2, -3, 0].map((value, from) => ({
    from,
    weight: 1,
    factor: value,
    value,
  }));
  const { largest, above, below } = largestTerms(terms, 2);
  assert.deepEqual(
    largest.map(({ from }) => from),
    [0, 1],
  );
  assert.deepEqual(
    [above, below],
    [
      { count: 2, value: 3 },
      { count: 1, value: -3 },
    ],
  );
  assert.deepEqual(byChannel(terms, 2), [
    { channel: 0, value: 3 },
    { channel: 1, value: -2 },
  ]);
});

test("the slider stops only at steps that can be opened", () => {
  const index = { steps: 100, snapshots: [1, 41, 81], reach: 10 };
  assert.equal(nearestOpenable(index, 5), 5);
  assert.equal(nearestOpenable(index, 14), 10);
  assert.equal(nearestOpenable(index, 35), 41);
  assert.equal(nearestOpenable(index, 1000), 90);
  assert.equal(nearestOpenable(index, NaN), 1);
  assert.equal(nextOpenable(index, 5), 6);
  assert.equal(nextOpenable(index, 10), 41);
  assert.equal(nextOpenable(index, 90), null);
  assert.equal(nextOpenable(index, 100), null);
});

test("numbers are read from base64, and inputs calculated as in the training", () => {
  const data = Buffer.from(new Uint8Array([0, 51, 255])).toString("base64");
  const raw = unpack({ dtype: "uint8", shape: [3], data });
  const how = { pixel_scale: "unit", standardized_by: null };
  assert.deepEqual(networkInput(raw, how, true), [0, 0.2, 1]);
  const standardized_by = { mean: [0.2], deviation: [0.4] };
  const [, middle, last] = networkInput(raw, { ...how, standardized_by }, true);
  assert.equal(middle, 0);
  assert.ok(Math.abs(last - 2) < 1e-12);
});

test("an address chooses a step, and what is wrong in it is ignored", () => {
  const text = "step=57022&phase=delta-2&gradient=published&layer=2&neuron=16";
  assert.deepEqual(readChoices(query(text), NETWORK), {
    step: 57022,
    sample: 0,
    phase: "delta-2",
    gradient: "published",
    layer: 2,
    neurons: { 2: 16 },
  });
  const wrong = "step=-1&phase=constructor&gradient=none&layer=9&neuron=1&sample=3";
  assert.deepEqual(readChoices(query(wrong), NETWORK), {
    step: 1,
    sample: 0,
    phase: "input",
    gradient: "exact",
    layer: 1,
    neurons: {},
  });
  const batches = { ...NETWORK, hasPublished: false, batchSize: 10 };
  assert.equal(readChoices(query("gradient=published&sample=3"), batches).gradient, "exact");
  assert.equal(readChoices(query("sample=3"), batches).sample, 3);
});

test("keys turn the phases anywhere, and choose neurons only in the diagram", () => {
  assert.deepEqual(actionOf("ArrowLeft", false, 3), { action: "turn", way: -1 });
  assert.equal(actionOf("ArrowUp", false, 3), null);
  assert.deepEqual(actionOf("ArrowUp", true, 3), { action: "neuron", way: -1 });
  assert.deepEqual(actionOf("N", true, 3), { action: "next" });
  assert.deepEqual(actionOf("3", true, 3), { action: "layer", layer: 3 });
  assert.equal(actionOf("4", true, 3), null);
  assert.equal(actionOf("Tab", true, 3), null);
});
