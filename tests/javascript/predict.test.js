// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { arrowStep } from "#pages/keys.js";
import { areEnough, findAsked, firstModels, inOrder, references } from "#pages/predict/asked.js";
import {
  decodeDrawing,
  decodePixels,
  encodeDrawing,
  encodePixels,
  extend,
  snap,
} from "#pages/predict/drawing.js";
import { fitText, placeOnBoard } from "#pages/predict/fit.js";
import { createHistory } from "#pages/predict/history.js";
import { shownClasses } from "#pages/predict/bars.js";
import { influences } from "#pages/predict/influences.js";
import { areAlike, nest, perPixel } from "#pages/predict/input.js";
import { insideRows } from "#pages/predict/inside-rows.js";
import { readContent, writeContent, writeValues } from "#pages/predict/link.js";
import { outlineSegments } from "#pages/predict/outline.js";
import { inputName, neuronText, offText, signed, strongestPushes } from "#pages/predict/pushes.js";
import { readNumber, readRow } from "#pages/predict/row.js";
import { fitOf, needsSample, predictionPath, requestContent } from "#pages/predict/request.js";
import { SEVEN } from "#pages/predict/strokes.js";
import {
  certainty,
  certaintyText,
  fileFault,
  knowledge,
  probabilityText,
  matches,
  summary,
} from "#pages/predict/words.js";

const TEN = Array.from({ length: 10 }, (_, i) => String(i));
const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

/** @param {string} name @param {Record<string, any>} [fields] @returns {any} */
const dataset = (name, fields) => ({
  id: `d-${name}`,
  name,
  title: name,
  kind: "images",
  shape: [28, 28],
  classes: TEN,
  columns: null,
  background: "dark",
  checksums: {},
  ...fields,
});
const mnist = dataset("mnist", { checksums: { file: "md5" } });
const fashion = dataset("fashion-mnist", { checksums: { file: "md5" } });
const photos = dataset("photos", {
  shape: [32, 24, 3],
  classes: ["cat", "dog", "T-rex"],
  background: null,
});
const iris = dataset("iris", {
  kind: "vectors",
  shape: [3],
  classes: ["setosa", "virginica"],
  columns: ["length", "width", "color"],
  background: null,
});

/** @param {[label: string, probability: number, dataset?: any][]} answers */
const summaryOf = (...answers) =>
  summary(answers.map(([label, probability, of = mnist]) => ({ label, probability, dataset: of })));

test("summary describes all predictions with their probabilities", () => {
  assert.equal(summaryOf(["7", 0.998]), "The model predicts a 7 (99.8\u202f%).");
  const both = summaryOf(["8", 1], ["8", 0.5]);
  assert.equal(both, "Both models predict an 8 (>99.9\u202f%, 50.0\u202f%).");
  assert.match(summaryOf(["8", 1], ["8", 0.5], ["8", 0.4]), /^All models predict an 8 \(>99/);
  const two = summaryOf(["7", 0.6], ["1", 0.5]);
  assert.equal(two, "One model predicts a 7 (60.0\u202f%), the other a 1 (50.0\u202f%).");
  const three = summaryOf(["7", 0.6], ["1", 0.5], ["1", 0.25]);
  const list = "a 7 (60.0\u202f%), a 1 (50.0\u202f%), a 1 (25.0\u202f%)";
  assert.equal(three, `The models predict ${list}.`);
});

test("models of different data sets are told apart, and it is said what they know", () => {
  const mixed = summaryOf(["6", 0.9], ["Shirt", 0.5, fashion], ["6", 0.8]);
  assert.equal(
    mixed,
    "Trained only on digits: a 6 (90.0\u202f%), a 6 (80.0\u202f%). " +
      "Trained only on clothes, shoes and bags: a shirt (50.0\u202f%).",
  );
  const known = " The models know only clothes, shoes and bags.";
  assert.equal(knowledge([fashion, fashion], null), known);
  assert.equal(knowledge([mnist], fashion), " The model knows only digits.");
  assert.equal(knowledge([mnist], null), ""); // the page asks for a digit
  assert.equal(knowledge([mnist, fashion], mnist), ""); // the summary says it
  assert.equal(knowledge([mnist, mnist], mnist), "");
  assert.equal(knowledge([photos], null), " The model knows only cat, dog and T-rex.");
  const many = dataset("many", { classes: NAMES });
  assert.equal(knowledge([many], mnist), " The model knows only the 9 classes of many.");
});

test("certainty and certaintyText describe how certain a prediction is", () => {
  assert.deepEqual([0.96, 0.9, 0.6, 0.3].map(certainty), [
    "very certain",
    "fairly certain",
    "uncertain",
    "very uncertain",
  ]);
  const prediction = { probabilities: [0.2, 0.7, 0.1], index: 1, margin: 0.5, entropy: 0.8 };
  assert.equal(
    certaintyText(/** @type {any} */ (prediction), ["a", "b", "c"]),
    "70.0\u202f%, uncertain, 50 percentage points ahead of a; " +
      "uncertainty 0.80 (guessing: 1.10 nats)",
  );
  const sure = { probabilities: [0, 1, 0], index: 1, margin: 1, entropy: 1e-4 };
  assert.match(
    certaintyText(/** @type {any} */ (sure), ["a", "b", "c"]),
    /uncertainty under 0.01 \(guess/,
  );
});

test("no probability is said to be exactly 0 or 1, and no lead 100 points", () => {
  assert.deepEqual([0, 1e-5, 0.5, 0.99999, 1].map(probabilityText), [
    "<0.1\u202f%",
    "<0.1\u202f%",
    "50.0\u202f%",
    ">99.9\u202f%",
    ">99.9\u202f%",
  ]);
  const lead = (/** @type {number} */ margin) =>
    certaintyText(/** @type {any} */ ({ probabilities: [0, 1], index: 1, margin, entropy: 1 }), [
      "a",
      "b",
    ]);
  assert.match(lead(1), /over 99\.9 percentage points ahead of a/);
  assert.match(lead(1e-5), /under 0\.1 percentage points/);
  assert.match(lead(0.01), / 1 percentage point ahead/);
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
    "The whole image was used: light and dark exchanged, scaled to 28×28 pixels.",
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
  assert.deepEqual(outlineSegments([], 2), []);
  assert.equal(outlineSegments([0, 0, 255, 0, 0, 255], 3).length, 6); // wider than high
});

test("arrow keys have a direction", () => {
  assert.deepEqual(arrowStep("ArrowUp"), [0, -1]);
  assert.equal(arrowStep("a"), undefined);
});

/** @typedef {import("#pages/predict/strokes.js").Stroke} Stroke */

test("a drawing in a link is restored exactly as drawn", () => {
  /** @type {Stroke[]} */
  const strokes = [
    { pen: 2.25, points: [snap([3.3333, 27.99])] },
    { pen: 4, points: [snap([0, 0]), snap([-3.71, 12.5]), snap([31, 5.05])] },
  ];
  const text = encodeDrawing(strokes);
  assert.match(text ?? "", /^[\w-]+$/);
  assert.deepEqual(decodeDrawing(text ?? ""), strokes);
  assert.equal(encodeDrawing([]), "");
  assert.deepEqual(decodeDrawing(""), []);
});

test("a drawing that is too long for a link is not cut", () => {
  /** @type {Stroke} */
  const zigzag = { pen: 1, points: [[0, 0]] };
  for (let i = 0; i < 2000; i++) extend(zigzag, [(i % 2) * 20, i / 100]);
  assert.equal(encodeDrawing([zigzag]), null);
  const { state, note } = writeContent({ strokes: [zigzag] }, null);
  assert.deepEqual(state, { sample: null, drawing: null, pixels: null, values: null });
  assert.match(note, /too long/);
});

test("points that are too close to be seen are left out", () => {
  /** @type {Stroke} */
  const stroke = { pen: 1, points: [[5, 5]] };
  for (const x of [5.0625, 5.125, 5.25, 5.3125]) extend(stroke, [x, 5]);
  assert.deepEqual(stroke.points, [
    [5, 5],
    [5.25, 5],
  ]);
});

test("damaged drawings are rejected", () => {
  const good = encodeDrawing([{ pen: 2, points: [[1, 1]] }]) ?? "";
  for (const text of ["!", "A", good.slice(0, -2), `${good}AA`, "AAAA", "a".repeat(4001), "é"]) {
    assert.equal(decodeDrawing(text), null, text);
  }
  // Points must be near the board, and pens have the widths of the slider.
  for (const bytes of [
    [8, 1, 0xff, 0xff, 3, 0],
    [99, 1, 0, 0],
    [8, 0],
    [8, 1, 0xff],
  ]) {
    assert.equal(decodeDrawing(Buffer.from(bytes).toString("base64url")), null, String(bytes));
  }
});

test("pixels in a link are restored exactly", () => {
  const pixels = Array.from({ length: 784 }, (_, i) => i % 256);
  assert.deepEqual(decodePixels(encodePixels(pixels) ?? ""), pixels);
  assert.equal(encodePixels(pixels.slice(1)), null); // of no square image
  const color = Array.from({ length: 3 * 16 * 16 }, (_, i) => i % 256);
  assert.deepEqual(decodePixels(encodePixels(color) ?? ""), color);
  assert.equal(encodePixels(new Array(3 * 64 * 64).fill(0)), null); // too long for a link
  assert.equal(decodePixels("a".repeat(9999)), null);
});

test("a link restores what the board shows", () => {
  /** @param {import("#pages/predict/history.js").Content} content */
  const restored = (content, seen = null) => {
    const parameters = Object.entries(writeContent(content, seen).state).filter(
      ([, value]) => value != null,
    );
    return readContent(new URLSearchParams(/** @type {string[][]} */ (parameters)));
  };
  assert.equal(restored({ strokes: [SEVEN], isExample: true }).content.isExample, true);
  assert.deepEqual(restored({ strokes: [] }).content, { strokes: [] });
  const drawn = { strokes: [{ pen: 1, points: [/** @type {const} */ ([2, 3])] }] };
  assert.deepEqual(restored(/** @type {any} */ (drawn)).content, drawn);
  const test = { pixels: [], index: 7, label: 9, dataset: mnist };
  assert.deepEqual(restored({ strokes: [], image: test }).sample, ["mnist", "7"]);
  const uploaded = { ...test, dataset: photos };
  assert.deepEqual(restored({ strokes: [], image: uploaded }).sample, ["d-photos", "7"]);
  const file = { file: /** @type {any} */ ({}), bitmap: null };
  const seen = /** @type {any} */ (new Array(784).fill(9));
  const fromFile = restored({ strokes: [], image: file }, seen).content;
  assert.deepEqual(fromFile, { strokes: [], image: { pixels: seen } });
  assert.deepEqual(restored(fromFile).content, fromFile);
  assert.match(writeContent({ strokes: [], image: file }, seen).note, /contains the pixels/);
});

test("a link that cannot be read is reported, and the example is shown", () => {
  for (const [query, words] of [
    ["drawing=!", "damaged"],
    ["pixels=AAA", "damaged"],
    ["sample=../x-1", "no test image “../x-1”"],
  ]) {
    const { content, fault } = readContent(new URLSearchParams(query));
    assert.equal(content.isExample, true);
    assert.ok(fault.includes(words), fault);
  }
  assert.equal(readContent(new URLSearchParams("")).fault, "");
});

test("the first stroke replaces the example or an image, and Undo brings it back", () => {
  /** @type {Stroke} */
  const stroke = { pen: 1, points: [[1, 1]] };
  const history = createHistory({ strokes: [SEVEN], isExample: true });
  history.undo(); // there is nothing before the example
  history.begin(stroke);
  assert.deepEqual(history.current().strokes, [stroke]);
  history.begin(stroke);
  assert.equal(history.current().strokes.length, 2);
  history.show({ pixels: [] });
  history.begin(stroke);
  assert.deepEqual(history.current(), { strokes: [stroke] });
  history.clear();
  history.clear(); // changes nothing, so it needs no Undo
  assert.ok(history.isEmpty());
  history.undo();
  assert.deepEqual(history.current(), { strokes: [stroke] });
  history.undo();
  assert.deepEqual(history.current().image, { pixels: [] });
  for (let i = 0; i < 3; i++) history.undo();
  assert.equal(history.current().isExample, true);
});

/** @param {string} id @param {object} [fields] @returns {any} */
const model = (id, fields) => ({
  id,
  dataset: mnist,
  recipe: { name: "mnist-numpy" },
  evaluation: { accuracy: 0.95, better_than_guessing: true },
  created_at: "2026-01-31T12:30:00Z",
  ...fields,
});

test("the models of an address are found by id and alias, and unknown ones are named", () => {
  const models = ["m-1", "m-2", "m-3"].map((id) => model(id));
  const asked = references(" m-2, best,,none,nil");
  const { found, fault } = findAsked(asked, models, { best: "m-3", stale: "m-9" });
  assert.deepEqual(
    found.map(({ id }) => id),
    ["m-2", "m-3"],
  );
  assert.equal(fault, "There is no model or alias “none”, “nil”.");
  assert.equal(findAsked(["stale"], models, { stale: "m-9" }).fault.includes("“stale”"), true);
  const many = findAsked(references("m-1,m-2,m-3,m-1,m-2"), models, {});
  assert.deepEqual([many.found.length, many.fault], [3, ""]);
  assert.deepEqual(findAsked(references(null), models, {}), { found: [], fault: "" });
});

test("the page first shows two models on digits that learned something", () => {
  const clothes = model("m-1", { dataset: fashion });
  const guessing = model("m-2", { evaluation: { accuracy: 0.1, better_than_guessing: false } });
  const digits = [model("m-3"), model("m-4"), model("m-5")];
  assert.deepEqual(firstModels([clothes, guessing, ...digits]), digits.slice(0, 2));
  const worst = model("m-6", { evaluation: { accuracy: 0.24, better_than_guessing: true } });
  assert.deepEqual(firstModels([worst, ...digits]), digits.slice(0, 2));
  assert.deepEqual(firstModels([clothes]), [clothes]);
  assert.deepEqual(firstModels([guessing]), [guessing]);
});

test("a search finds models by all its words", () => {
  const named = { model: model("m-abc", { tags: ["class-7b"] }), name: "Slow learner" };
  for (const text of ["", "slow", "mnist slow", "95.00", "2026-01-31", "abc", "7b"]) {
    assert.ok(matches(named, text), text);
  }
  assert.ok(!matches(named, "slow fashion"));
});

test("rejected files are explained in plain words", () => {
  /** @param {string} details */
  const fault = (details, status = 422) => fileFault({ status, title: "T", details });
  assert.equal(fault("is not an image: PNG").title, "This file is not an image");
  assert.equal(
    fault("looks like text/csv, but is sent as 'image/png'").title,
    fault("", 400).title,
  );
  assert.equal(fault("has 9×9 pixels: too many").detail, "It has 9×9 pixels: too many.");
  assert.deepEqual(fault("d", 503), { title: "T", detail: "d" });
});

test("the strongest pushes of each direction are found", () => {
  const { up, down } = strongestPushes([0.5, -1, 0, 3, -4, 1, 2, 0.1, 0.2]);
  assert.deepEqual(
    up.map(({ index }) => index),
    [3, 6, 5, 0, 8],
  );
  assert.deepEqual(down, [
    { index: 4, value: -4 },
    { index: 1, value: -1 },
  ]);
  assert.deepEqual(strongestPushes([0, 0]), { up: [], down: [] });
  assert.deepEqual(strongestPushes([2, -0.004]).down, []); // written as 0.00
  assert.equal(strongestPushes([0.05, -0.004]).down.length, 1); // written as −0.0040
});

test("pushes and neurons are described in words", () => {
  assert.deepEqual(
    [1.234, -1, 0, 0.001].map((x) => signed(x)),
    ["+1.23", "−1.00", "0.00", "0.00"],
  );
  assert.equal(inputName(30, mnist), "row 1, column 2");
  assert.equal(inputName(3 * 24 + 4, photos), "row 1, column 1, green");
  assert.equal(inputName(1, iris), "width");
  assert.equal(inputName(1, { ...iris, columns: null }), "column 2");
  const state = {
    layer: 2,
    name: "neuron 17",
    isOff: false,
    value: "activation 0.500",
    classes: ["a", "b"],
  };
  assert.equal(
    neuronText({ ...state, pushes: [1, -2] }),
    "Hidden layer 2, neuron 17: activation 0.500. It adds to the logits: a: +1.00, b: −2.00.",
  );
  assert.match(neuronText({ ...state, pushes: [0.01, -0.002] }), /a: \+0.0100, b: −0.0020/);
  assert.match(neuronText({ ...state, pushes: null }), /activation 0.500.$/);
  assert.match(neuronText({ ...state, pushes: null, isOff: true }), /switched off/);
  assert.match(neuronText({ ...state, pushes: null, value: null }), /not known yet/);
});

test("what is switched off is counted", () => {
  const areMaps = [true, false];
  assert.equal(offText(["2.1"], areMaps), "1 neuron off");
  assert.equal(offText(["2.1", "2.11"], areMaps), "2 neurons off");
  assert.equal(offText(["1.1"], areMaps), "1 feature map off");
  assert.equal(offText(["1.1", "2.1", "1.0"], areMaps), "2 feature maps and 1 neuron off");
});

test("the path of a prediction depends on what the board shows", () => {
  const tail = (/** @type {any} */ image, /** @type {"auto" | "none"} */ fit) =>
    predictionPath("m-1", image, fit).replace("/predict?model=m-1&explain=true&", "");
  assert.equal(tail(null, "auto"), "fit=auto&invert=never");
  assert.equal(tail({ file: {}, bitmap: null }, "auto"), "fit=auto&invert=auto");
  assert.equal(tail({ pixels: [], index: 3, dataset: mnist }, "auto"), "fit=auto&invert=never");
  assert.equal(tail({ pixels: [] }, "auto"), "fit=none&invert=never"); // what a network saw
  assert.equal(fitOf(new URLSearchParams("fit=none")), "none");
  assert.equal(fitOf(new URLSearchParams("fit=x")), "auto");
});

test("the inside of a network becomes rows of neurons and classes", () => {
  const layers = [
    { activations: [0.5, 0.25] },
    { activations: [0.75] },
    { activations: [1, -1], contributions: [[2], [-3]], biases: [0.1, 0.2] },
  ];
  const prediction = /** @type {any} */ ({ probabilities: [0.9, 0.1], layers });
  const rows = insideRows(prediction, ["a", "b"], new Set(["1.1"]));
  assert.deepEqual(rows[1], {
    layer: "hidden 1",
    index: 1,
    activation: 0.25,
    "switched off": true,
  });
  assert.deepEqual(rows[2], {
    layer: "hidden 2",
    index: 0,
    activation: 0.75,
    "switched off": false,
    "push on a": 2,
    "push on b": -3,
  });
  assert.deepEqual(rows[4], {
    layer: "logits",
    index: 1,
    activation: -1,
    class: "b",
    bias: 0.2,
    probability: 0.1,
  });
  const bare = insideRows({ ...prediction, layers: layers.slice(2) }, ["a", "b"], new Set());
  assert.deepEqual(bare[0], { layer: "pixels", index: 0, "push on a": 2, "push on b": -3 });
  assert.deepEqual(insideRows(null, [], new Set()), []);
});

test("the newest models are enough if those to show are among them", () => {
  const digits = (/** @type {string} */ id, learned = true) =>
    /** @type {any} */ ({
      id,
      dataset: mnist,
      evaluation: { better_than_guessing: learned },
    });
  assert.ok(areEnough([digits("m-1"), digits("m-2")], []));
  assert.ok(!areEnough([digits("m-1")], []));
  assert.ok(!areEnough([digits("m-1", false), digits("m-2", false)], []));
  assert.ok(areEnough([digits("m-1")], ["m-1"]));
  assert.ok(!areEnough([digits("m-1")], ["m-1", "best"]));
});

test("the newest model of each data set is listed first, then all others by name", () => {
  /** @param {string} id @param {any} of @param {string} name */
  const named = (id, of, name) => ({ model: model(id, { dataset: of }), name });
  const models = [
    named("m-5", iris, "a"),
    named("m-4", mnist, "b"),
    named("m-3", iris, "z"),
    named("m-2", mnist, "y"),
    named("m-1", photos, "c"),
  ];
  assert.deepEqual(
    inOrder(models).map((one) => one.model.id),
    ["m-5", "m-4", "m-1", "m-2", "m-3"],
  );
});

test("the first models are of one data set: MNIST, or that of the newest", () => {
  const [newest, other, older] = [
    model("m-3", { dataset: iris }),
    model("m-2", { dataset: photos }),
    model("m-1", { dataset: iris }),
  ];
  assert.deepEqual(firstModels([newest, other, older]), [newest, older]);
});

test("models can be compared that take the same", () => {
  assert.ok(areAlike(mnist, photos));
  assert.ok(!areAlike(mnist, iris));
  assert.ok(areAlike(iris, { ...iris, id: "d-other", classes: ["x"] }));
  assert.ok(!areAlike(iris, { ...iris, columns: ["length", "width", "height"] }));
});

test("the pixels of an image are sent in its shape", () => {
  assert.deepEqual(nest([1, 2, 3, 4, 5, 6], [3, 2]), [
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const pixels = [1, 2, 3, 4, 5, 6];
  const small = dataset("small", { shape: [1, 2, 3] });
  const image = { pixels, index: 0, label: 0, dataset: small };
  const { body } = requestContent(image, () => new Uint8Array());
  assert.deepEqual(JSON.parse(String(body)).images, [
    [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
  ]);
  assert.deepEqual(perPixel(pixels, small), [6, 15]);
  assert.deepEqual(perPixel(pixels, mnist), pixels);
});

test("the strokes of a link keep their colors and widths", () => {
  const strokes = [
    { pen: 8, color: 8, points: [/** @type {[number, number]} */ ([2, 3])] },
    { pen: 1, points: [/** @type {[number, number]} */ ([2, 3])] },
  ];
  assert.deepEqual(decodeDrawing(encodeDrawing(strokes) ?? ""), strokes);
  const [first] = strokes;
  assert.equal(decodeDrawing(encodeDrawing([{ ...first, color: 9 }]) ?? ""), null);
});

test("of more than twelve classes, the most probable are shown first", () => {
  const logits = Array.from({ length: 20 }, (_, i) => (7 * i) % 20);
  const outputs = { index: 0, probabilities: logits, logits };
  assert.deepEqual(shownClasses(3, { ...outputs, logits: [1, 3, 2] }, false), [0, 1, 2]);
  const shown = shownClasses(20, outputs, false);
  assert.deepEqual(
    shown.map((i) => logits[i]),
    [19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8],
  );
  assert.equal(shownClasses(20, outputs, true).length, 20);
  assert.equal(shownClasses(20, null, false).length, 12);
});

test("numbers are read as people write them", () => {
  const texts = ["1.5", " -2 ", "\u22123", ".5", "1e3", "+4."];
  assert.deepEqual(texts.map(readNumber), [1.5, -2, -3, 0.5, 1000, 4]);
  for (const wrong of ["", "1,5", "0x10", "Infinity", "NaN", "1e999", "a"]) {
    assert.equal(readNumber(wrong), null, wrong);
  }
});

test("a row of numbers is read with or without a header", () => {
  const columns = ["length", "width", "color"];
  for (const text of ["1,2,3", "1; 2; 3", "1\t2\t3\n", " 1 2  3 ", "length,width,color\n1,2,3"]) {
    assert.deepEqual(readRow(text, columns), { values: [1, 2, 3], fault: "" }, text);
  }
  const exchanged = readRow('label,"color",width,length\nsetosa,3,2,1', columns);
  assert.deepEqual(exchanged.values, [1, 2, 3]);
  for (const [text, words] of [
    ["", "There are no numbers."],
    ["1,2", "There are 2 numbers: the model takes 3."],
    ["1", "There is 1 number: the model takes 3."],
    ["1,x,3", "width: “x” is not a number."],
    ["1,2,3\n4,5,6", "There are 2 rows of numbers: enter only one."],
    ["length,width,color\n1,2,3\n4,5,6", "There are 2 rows of numbers: enter only one."],
    ["length,height,color\n1,2,3", "The first line does not name all columns of this data set."],
  ]) {
    assert.deepEqual(readRow(text, columns), { values: null, fault: words });
  }
});

test("a link contains a row of numbers, or the test sample that it is", () => {
  assert.equal(writeValues([1, -2.5], null).state.values, "1,-2.5");
  const sample = writeValues([1, 2], "d-iris-3").state;
  assert.deepEqual([sample.sample, sample.values], ["d-iris-3", null]);
  assert.equal(writeValues(null, null).state.values, null);
  const long = writeValues(new Array(5000).fill(1), null);
  assert.equal(long.state.values, null);
  assert.match(long.note, /too long/);
});

test("the columns with the most influence are those that vary and matter", () => {
  assert.deepEqual(influences([1, -4, 9, 2], [2, 1, 0, null]), [
    { index: 1, value: -4 },
    { index: 0, value: 2 },
  ]);
});

test("a network that did not learn digits is first shown one of its own images", () => {
  const example = { strokes: [SEVEN], isExample: true };
  assert.ok(needsSample(example, photos));
  assert.ok(!needsSample(example, mnist));
  assert.ok(!needsSample({ strokes: [SEVEN] }, photos));
  assert.ok(!needsSample(example, iris));
});
