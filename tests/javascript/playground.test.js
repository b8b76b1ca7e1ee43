// @ts-check
// The playground: its networks, its points, its settings and the places of its neurons.
import assert from "node:assert/strict";
import test from "node:test";
import { frameAt } from "#pages/playground/course.js";
import {
  graphOf,
  pointsAround,
  valueFromLeft,
  wrongShare,
} from "#pages/playground/function-points.js";
import { edgePath, edgesOf, placeNetwork } from "#pages/playground/geometry.js";
import {
  answers,
  decisions,
  decodeParameters,
  gridPoints,
  networkOf,
  parameterRows,
  probabilitiesAt,
  zeroLine,
} from "#pages/playground/network.js";
import {
  classesOf,
  divide,
  missingText,
  parsePoints,
  pointAt,
  pointsText,
  reachOf,
  together,
} from "#pages/playground/points.js";
import {
  DATA,
  allowedText,
  changed,
  isTrainedSo,
  parseHidden,
  parseNumber,
  readSettings,
  settingsState,
  stepsOf,
  trainBody,
  usualSettings,
} from "#pages/playground/settings.js";
import { neuronName, probeText } from "#pages/playground/words.js";

const FRAME = {
  ...{ step: 0, parameters: "", train_loss: 1, train_accuracy: 0.5 },
  ...{ test_loss: 1, test_accuracy: 0.5 },
};
const SIZES = [2, 2, 3];
// W¹ = [[1, −1], [0.5, 2]], b¹ = [0.25, −0.5], W² = 3×2, b² = [0, 1, −1]
const PARAMETERS = Float32Array.of(1, -1, 0.5, 2, 0.25, -0.5, 1, 0, 0, 1, -1, 2, 0, 1, -1);

/** @param {number} a @param {number} b */
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

/** @typedef {import("#pages/playground/points.js").Point} Point */
/** @typedef {import("#pages/playground/network.js").Activation} Activation */

/** @param {Activation} activation @param {number[]} hidden what it makes of the sums of layer 1 */
function checkNetwork(activation, hidden) {
  const columns = answers(networkOf(SIZES, PARAMETERS, activation), [
    Float64Array.of(9, 0.5),
    Float64Array.of(9, -0.25),
  ]);
  assert.deepEqual(
    columns.map((column) => column.length),
    SIZES,
  );
  hidden.forEach((value, i) => near(columns[1][i][1], value));
  const [a, b] = hidden;
  const exponentials = [a, b + 1, -a + 2 * b - 1].map(Math.exp);
  const total = exponentials.reduce((sum, value) => sum + value);
  exponentials.forEach((value, i) => near(columns[2][i][1], value / total));
}

test("a network answers as its formula says", () => {
  const sums = [1, -0.75]; // of the point (0.5, −0.25)
  checkNetwork("tanh", sums.map(Math.tanh));
  checkNetwork("relu", [1, 0]);
  checkNetwork(
    "sigmoid",
    sums.map((z) => 1 / (1 + Math.exp(-z))),
  );
});

test("large logits make no overflow", () => {
  const network = networkOf([2, 2], Float32Array.of(1e4, 0, -1e4, 0, 0, 0), "tanh");
  assert.deepEqual(probabilitiesAt(network, 1, 0), [1, 0]);
});

test("parameters are decoded as little-endian float32, and must fit the layers", () => {
  const bytes = Buffer.from(PARAMETERS.buffer);
  assert.deepEqual(decodeParameters(bytes.toString("base64")), PARAMETERS);
  assert.throws(() => networkOf([2, 3, 3], PARAMETERS, "tanh"), RangeError);
  assert.throws(() => networkOf([2, 1, 3], PARAMETERS, "tanh"), RangeError);
  const rows = parameterRows(networkOf(SIZES, PARAMETERS, "tanh"));
  assert.deepEqual(rows[1], { layer: 1, neuron: 1, bias: -0.5, "weight 0": 0.5, "weight 1": 2 });
  assert.equal(rows.length, 5);
  assert.deepEqual(parameterRows(null), []);
});

test("a grid has the centres of pixels, from the top left", () => {
  const [xs, ys] = gridPoints(2, 1);
  assert.deepEqual([...xs], [-0.5, 0.5, -0.5, 0.5]);
  assert.deepEqual([...ys], [0.5, 0.5, -0.5, -0.5]);
});

test("a decision is the most probable class, and how sure it is", () => {
  const { best, sure } = decisions([
    Float64Array.of(0.5, 0.2, 0),
    Float64Array.of(0.5, 0.8, 0),
    Float64Array.of(0, 0, 1),
  ]);
  assert.deepEqual([...best], [0, 1, 2]);
  near(sure[1], (0.8 - 1 / 3) / (2 / 3));
  near(sure[2], 1);
});

test("the sum of a neuron is 0 on its line", () => {
  const { layers } = networkOf(SIZES, PARAMETERS, "tanh");
  for (const [neuron, u, v, b] of [
    [0, 1, -1, 0.25],
    [1, 0.5, 2, -0.5],
  ]) {
    for (const [x, y] of zeroLine(layers[0], neuron, 1.15) ?? []) near(u * x + v * y + b, 0);
  }
  const none = networkOf([2, 1], Float32Array.of(0, 0, 1), "tanh");
  assert.equal(zeroLine(none.layers[0], 0, 1), null);
});

/** @type {Point[]} */
const OWN = [
  [0, 0, 0],
  [0.5, -1, 1],
  [1, 1, 1],
  [-0.125, 0.25, 2],
];

test("every third own point is a test point", () => {
  const points = divide(OWN);
  assert.deepEqual(points, { train: [OWN[0], OWN[1], OWN[3]], test: [OWN[2]] });
  for (let count = 0; count <= 9; count++) {
    /** @type {Point[]} */
    const own = Array.from({ length: count }, (_, k) => [k, k, 0]);
    assert.deepEqual(together(divide(own)), own);
  }
  assert.equal(classesOf(OWN), 3);
  assert.equal(classesOf([]), 2);
});

test("the page says what own points lack", () => {
  assert.equal(missingText(OWN), "");
  assert.match(missingText(OWN.slice(0, 2)), /at least three points/);
  const onlyTested = [OWN[0], OWN[0], OWN[1]];
  assert.match(missingText(onlyTested), /second class has only test points/);
  assert.equal(missingText([OWN[0], OWN[0], OWN[0]]), "Add a point of a second class.");
});

test("own points survive the address, and nothing else is taken for points", () => {
  assert.deepEqual(parsePoints(pointsText(OWN)), OWN);
  const text = pointsText(OWN);
  assert.equal(new URLSearchParams({ points: text }).toString(), `points=${text}`);
  for (const damaged of ["", null, "1*2", "a*b*c", "1*2*9", "1*2*0.5", "1*2*0*4", "1e9*2*0"]) {
    assert.deepEqual(parsePoints(damaged), []);
  }
  assert.deepEqual(pointAt(2, -0.00001, 1, 1.15), [1.15, 0, 1]);
  assert.equal(reachOf({ train: OWN, test: [] }), 1.15);
  assert.equal(reachOf({ train: [], test: [[0, -10, 0]] }), 10.5);
});

test("settings survive the address", () => {
  /** @type {import("#pages/playground/settings.js").Settings} */
  const settings = {
    ...usualSettings("own"),
    ...{ hidden: [3, 16, 1], activation: "relu", learning_rate: 0.03, epochs: 7 },
    points: OWN,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(settingsState(settings))) {
    if (value != null) query.set(name, String(value));
  }
  assert.deepEqual(readSettings(query), settings);
  assert.deepEqual(readSettings(new URLSearchParams()), usualSettings("spiral-3"));
});

test("what is not allowed in an address is as usual", () => {
  const query = new URLSearchParams({
    ...{ data: "constructor", hidden: "17", activation: "gelu", epochs: "0", noise: "x" },
    ...{ batch_size: "2.5", learning_rate: "0" },
  });
  assert.deepEqual(readSettings(query), usualSettings("spiral-3"));
});

test("another data set keeps what the user has changed", () => {
  const settings = changed(usualSettings("moons"), { activation: "relu", epochs: 7 });
  const { data, hidden, noise, ...kept } = changed(settings, { data: "blobs" });
  assert.deepEqual([data, hidden, noise], ["blobs", [4], 0.2]);
  assert.deepEqual([kept.activation, kept.epochs], ["relu", 7]);
});

test("the slider has the frames where the figure has them", () => {
  const frames = [0, 1, 2, 100, 1000].map((step) => ({ ...FRAME, step }));
  const positions = [0, 1, 2, 100, 1000].map((step) => 1000 * Math.log1p(step));
  assert.deepEqual(
    positions.map((position) => frameAt(frames, position)),
    [0, 1, 2, 3, 4],
  );
  assert.equal(frameAt(frames, 1000 * Math.log1p(20)), 3);
});

test("the published gradient has one sample per step", () => {
  const query = new URLSearchParams({ gradient: "published", batch_size: "7" });
  assert.equal(readSettings(query).batch_size, 1);
  assert.equal(changed(usualSettings("xor"), { gradient: "published" }).batch_size, 1);
});

test("hidden layers and numbers have limits", () => {
  assert.deepEqual(parseHidden("8, 8"), [8, 8]);
  assert.deepEqual(parseHidden(""), []);
  for (const text of ["17", "0", "-1", "8-8", "8, x", "1, 1, 1, 1, 1", "2.5"]) {
    assert.equal(parseHidden(text), null);
  }
  assert.equal(parseNumber("learning_rate", "0.5"), 0.5);
  assert.equal(parseNumber("epochs", "1000"), 1000);
  /** @type {[Parameters<typeof parseNumber>[0], string | null][]} */
  const wrong = [
    ["learning_rate", "0"],
    ["learning_rate", "11"],
    ["epochs", "1.5"],
    ["noise", ""],
    ["noise", null],
    ["batch_size", "0"],
  ];
  for (const [name, text] of wrong) assert.equal(parseNumber(name, text), null);
  assert.equal(allowedText("learning_rate"), "Enter a number above 0, up to 10.");
  assert.equal(allowedText("epochs"), "Enter a whole number from 1 to 1000.");
});

test("the request describes the data set", () => {
  for (const [data, { generate }] of Object.entries(DATA)) {
    const body = trainBody(usualSettings(data), OWN);
    assert.equal(body.recipe, "playground");
    if (generate) assert.equal("generate" in body.dataset && body.dataset.generate, generate);
    else assert.deepEqual(body.dataset, { points: OWN });
  }
  const settings = usualSettings("spiral-2");
  const { dataset, ...recipe } = trainBody(settings, []);
  assert.deepEqual(dataset, {
    ...{ generate: "spiral", classes: 2, samples: 300, noise: 0.05, seed: 0 },
  });
  assert.ok(isTrainedSo(settings, { ...recipe, name: "playground", dataset: "d-1" }));
  assert.ok(!isTrainedSo(settings, { ...recipe, hidden_sizes: [8, 9] }));
  assert.ok(!isTrainedSo(settings, { ...recipe, learning_rate: 0.2 }));
  assert.equal(stepsOf({ ...settings, epochs: 3, batch_size: 30 }, 200), 21);
});

test("neurons stay inside the figure, and do not overlap", () => {
  for (const isNarrow of [false, true]) {
    for (const sizes of [
      [2, 2],
      [2, 8, 8, 3],
      [2, 16, 16, 16, 16, 4],
    ]) {
      const { width, height, tile, neurons, map } = placeNetwork(sizes, isNarrow);
      neurons.flat().forEach(({ x, y }) => {
        assert.ok(x >= 0 && y >= 0);
        assert.ok(isNarrow ? y + tile <= map.y : x + tile <= map.x);
      });
      for (const column of neurons) {
        column.slice(1).forEach(({ y }, i) => assert.ok(y - column[i].y >= tile));
      }
      assert.ok(map.x + map.side <= width && map.y + map.side <= height);
    }
  }
});

test("the largest weights are drawn, and all of the chosen neuron", () => {
  const sizes = [2, 16, 16, 2];
  const count = 2 * 16 + 16 + 16 * 16 + 16 + 16 * 2 + 2;
  const parameters = Float32Array.from({ length: count }, (_, k) => (k % 7) - 3);
  const { layers } = networkOf(sizes, parameters, "tanh");
  const { edges, largest } = edgesOf(layers, () => false);
  assert.equal(edges.length, 70);
  assert.equal(largest, 3);
  assert.ok(edges.every(({ weight }) => Math.abs(weight) === 3));
  const own = edgesOf(layers, ({ column, to }) => column === 1 && to === 4).edges;
  assert.equal(own.filter(({ column, to }) => column === 1 && to === 4).length, 16);
  assert.match(edgePath(placeNetwork(sizes, false), edges[0]), /^M[\d.]+ [\d.]+C/);
});

const CURVE = { x: [-1, -0.5, 0, 0.5], function: [0, 0.5, -0.5, 2], approximation: [0, 0, 0, 0] };

test("points lie above or below a function", () => {
  assert.equal(valueFromLeft(CURVE, "function", -0.6), 0);
  assert.equal(valueFromLeft(CURVE, "function", 0), -0.5);
  const points = pointsAround(CURVE);
  assert.equal(points.length, 300);
  for (const [x, y, label] of points) {
    assert.ok(Math.abs(x) <= 1 && Math.abs(y) <= 1);
    assert.equal(label === 0, y > valueFromLeft(CURVE, "function", x));
  }
  const grid = gridPoints(100, 1);
  const wrong = (/** @type {(x: number, y: number) => boolean} */ isAbove) =>
    wrongShare(
      CURVE,
      grid,
      Uint8Array.from(grid[0], (x, k) => (isAbove(x, grid[1][k]) ? 0 : 1)),
    );
  assert.equal(
    wrong((x, y) => y > valueFromLeft(CURVE, "function", x)),
    0,
  );
  assert.equal(
    wrong((x, y) => y <= valueFromLeft(CURVE, "function", x)),
    1,
  );
  near(
    wrong((x, y) => y > 0),
    (0.25 + 0.25 + 0.5) / 4,
  );
  assert.deepEqual(graphOf(CURVE)[1], [-0.5, 0.5]);
});

test("neurons have names, and points have probabilities in words", () => {
  assert.equal(neuronName({ column: 0, row: 1 }, 3), "Input y");
  assert.equal(neuronName({ column: 2, row: 5 }, 3), "Layer 2, neuron 5");
  assert.match(neuronName({ column: 3, row: 1 }, 3), /class 1, orange squares/);
  assert.equal(
    probeText([0.5, -0.25], [0.25, 0.75]),
    "At (0.50, −0.25), the network predicts: blue circles 25.0\u202f%, orange squares 75.0\u202f%.",
  );
});
