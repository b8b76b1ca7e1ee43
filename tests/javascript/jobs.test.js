// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { setDatasets, sizesOf } from "#pages/datasets.js";
import { finalFigures, lowestLossText } from "#pages/jobs/facts.js";
import { parseTags } from "#pages/tags.js";
import { estimate, resultText } from "#pages/jobs/earlier.js";
import { errorSummary, fault, fieldError, parseField } from "#pages/jobs/fields.js";
import { importName, otherName, trainingsOf } from "#pages/jobs/import.js";
import { sparkPath, sparkX, sparkY } from "#pages/jobs/spark.js";
import { layerWords, mistakesWords } from "#pages/jobs/learned-words.js";
import { bestText, differingField, labelled, spread } from "#pages/jobs/values.js";
import {
  addMark,
  hintText,
  lastEpoch,
  olderThan,
  samplesPerSecond,
  queueFacts,
  stateText,
} from "#pages/jobs/state.js";
import { changedFields, publishedFor, runName, valueText } from "#pages/recipes.js";

/** @param {object} members */
const job = (members) =>
  /** @type {any} */ ({
    kind: "train",
    progress: { epoch: 0, epochs: 5, fraction: 1 },
    history: [],
    recipe: { dataset: "mnist" },
    ...members,
  });

/** @param {string} name @param {string} title @param {object} [members] */
const dataset = (name, title, members) =>
  /** @type {any} */ ({
    id: name,
    name,
    title,
    kind: "images",
    shape: [28, 28],
    classes: Array(10).fill("one"),
    train: { samples: 60000, per_class: Array(10).fill(6000) },
    test: { samples: 10000, per_class: Array(10).fill(1000) },
    augmentations: ["none", "distort"],
    links: { delete: null },
    ...members,
  });

const flowers = {
  kind: "vectors",
  shape: [4],
  classes: ["a", "b", "c"],
  train: { samples: 25, per_class: [5, 15, 5] },
  augmentations: ["none"],
};

setDatasets([
  dataset("mnist", "MNIST"),
  dataset("fashion-mnist", "Fashion-MNIST"),
  dataset("flowers", "Flowers", flowers),
]);

test("the sizes of a training follow from its data set", () => {
  const recipe = { dataset: "flowers", validation: 0.1 };
  // 5 · 0.1 = 0.5 and 15 · 0.1 = 1.5 round to the even numbers 0 and 2, as in Python.
  assert.deepEqual(sizesOf(recipe), { inputs: 4, classes: 3, trained: 23 });
  assert.equal(sizesOf({ dataset: "mnist" })?.trained, 60000);
  assert.equal(sizesOf({ dataset: "d-deleted" }), null);
});

test("fields that do not fit a data set are no changes, unless someone changed them", () => {
  const plain = {
    dataset: "mnist",
    pixel_scale: "unit",
    standardize: false,
    augmentation: "distort",
  };
  const recipe = { name: "plain", dataset: "flowers", pixel_scale: "raw", standardize: true };
  const run = /** @type {any} */ ({ ...recipe, augmentation: "none" });
  assert.deepEqual(changedFields(run, { plain }), [["dataset", "flowers"]]);
  assert.deepEqual(changedFields({ ...run, pixel_scale: "unit" }, { plain }).at(-1), [
    "pixel_scale",
    "unit",
  ]);
  assert.equal(runName(run, { plain }), "plain, data set Flowers");
});

test("final figures are listed where they say more than the accuracy", () => {
  const last = { epoch: 1, test_balanced_accuracy: 0.5, test_macro_f1: 0.25 };
  /** @param {string} name */
  const figures = (name) => finalFigures(job({ recipe: { dataset: name }, history: [last] }));
  assert.deepEqual(figures("mnist"), []);
  assert.deepEqual(
    figures("flowers").map(([name]) => name),
    ["Balanced accuracy", "Macro F1"],
  );
});

test("a training that ended before its last epoch says so", () => {
  const progress = { epoch: 3, epochs: 9, fraction: 1 / 3 };
  const history = [{ epoch: 3, test_loss: 0.1 }];
  assert.equal(
    stateText(job({ status: "succeeded", progress, history })),
    "stopped early after epoch 3",
  );
});

test("an empty field that may be empty is null", () => {
  assert.equal(parseField("string", " ", true), null);
  assert.equal(parseField("string", "latest", true), "latest");
  assert.equal(parseField("numbers", "")?.toString(), "");
});

/** @param {object} members */
const importJob = (members) =>
  /** @type {any} */ ({ kind: "import", recipe: null, history: [], losses: [], ...members });

test("stateText describes the state of an import", () => {
  const progress = { stage: "converting", samples: 1200, samples_total: 3000 };
  const open = { ...progress, samples_total: null };
  assert.equal(stateText(importJob({ status: "queued", queue_position: 0 })), "queued, next");
  assert.equal(
    stateText(importJob({ status: "running", progress })),
    "converting, 1,200 of 3,000 samples",
  );
  assert.equal(
    stateText(importJob({ status: "running", progress: open })),
    "converting, 1,200 samples",
  );
  assert.equal(
    stateText(importJob({ status: "running", progress: { samples: 0, stage: "reading" } })),
    "reading",
  );
  for (const status of ["succeeded", "failed", "cancelled"]) {
    assert.equal(stateText(importJob({ status })), status);
  }
});

test("an import has a name, and is no training", () => {
  const upload = { name: "leaves", bytes: 1 };
  assert.equal(importName(importJob({ upload, title: null })), "Import of leaves");
  assert.equal(importName(importJob({ upload, title: "My leaves" })), "My leaves");
  const training = job({});
  const trial = job({ trial: 0 });
  assert.deepEqual(trainingsOf([importJob({ upload }), training, trial]), [training]);
});

test("a sweep has a name, and counts its trials", () => {
  const progress = { trials_ended: 3, trials: 1000, fraction: 0.003, eta_seconds: null };
  const sweep = job({
    kind: "sweep",
    status: "running",
    recipe: { name: "mnist-numpy" },
    progress,
  });
  assert.equal(otherName(sweep), "Sweep of mnist-numpy");
  assert.equal(otherName({ ...sweep, title: "Rates" }), "Rates");
  assert.equal(stateText(sweep), "3 of 1,000 trials");
  assert.deepEqual(trainingsOf([sweep]), []);
});

test("a trial that ended early is pruned, and has no test figures", () => {
  const history = [
    { epoch: 0, test_loss: null },
    { epoch: 1, test_loss: null },
  ];
  const trial = job({ status: "cancelled", pruned: true, trial: 1, history });
  assert.equal(stateText(trial), "pruned after epoch 1");
  assert.equal(lowestLossText(trial), "—");
});

test("stateText says what a queued job waits for, if not only for its turn", () => {
  const waits = (/** @type {string} */ code) =>
    stateText(
      job({ status: "queued", queue_position: 2, waiting_for: { code, detail: "no worker" } }),
    );
  assert.equal(waits("no-worker"), "queued, 2 before it: no worker");
  assert.equal(waits("workers-busy"), "queued, 2 before it");
});

test("queueFacts list what decides when and where a job runs", () => {
  const nothing = { device: null, memory: null };
  const plain = { submitted_by: null, priority: 0, requires: nothing };
  assert.deepEqual(queueFacts(job(plain)), []);
  const requires = { device: "cuda", memory: 3 * 2 ** 30 };
  assert.deepEqual(queueFacts(job({ submitted_by: "alice", priority: -5, requires })), [
    ["Submitted by", "alice"],
    ["Priority", "-5"],
    ["Requires", "cuda, 3,072 MiB of memory"],
  ]);
});

test("stateText describes the state of a job", () => {
  const history = [{ epoch: 0 }, { epoch: 1 }, { epoch: 2 }];
  assert.equal(stateText(job({ status: "queued", queue_position: 0 })), "queued, next");
  assert.equal(stateText(job({ status: "queued", queue_position: 3 })), "queued, 3 before it");
  assert.equal(stateText(job({ status: "running" })), "epoch 1 of 5");
  assert.equal(stateText(job({ status: "succeeded", history })), "succeeded");
  const guessing = job({ status: "succeeded", better_than_guessing: false, history });
  assert.equal(stateText(guessing), "no better than guessing");
  const high = job({ status: "succeeded", history: [{ epoch: 1, test_loss: 2.304 }] });
  assert.match(stateText(high), /loss is no lower than guessing/);
  assert.match(hintText(high), /smaller learning rate/);
  assert.equal(hintText(job({ status: "succeeded", history })), "");
  assert.equal(stateText(job({ status: "failed" })), "failed before the first epoch");
  assert.equal(stateText(job({ status: "failed", history })), "failed after epoch 2");
  assert.equal(stateText(job({ status: "cancelled" })), "cancelled");
  assert.equal(stateText(job({ status: "cancelled", history })), "cancelled after epoch 2");
});

test("the axis of epochs ends where a job ended", () => {
  const recipe = { dataset: "mnist", epochs: 9 };
  const history = [{ epoch: 0 }, { epoch: 1 }, { epoch: 2 }];
  const losses = [{ samples: 125000 }];
  assert.equal(lastEpoch(job({ status: "running", recipe, history })), 9);
  assert.equal(lastEpoch(job({ status: "cancelled", recipe, history, losses })), 3);
  assert.equal(lastEpoch(job({ status: "cancelled", recipe, history, losses: null })), 2);
  assert.equal(lastEpoch(job({ status: "failed", recipe })), 1);
});

test("the speed is measured over the last events", () => {
  /** @type {{ at: number, samples: number }[]} */
  let marks = [];
  assert.equal(samplesPerSecond(marks), null);
  for (let i = 0; i < 30; i++) marks = addMark(marks, { at: 500 * i, samples: 1000 * i });
  assert.equal(marks.length, 12);
  assert.equal(samplesPerSecond(marks), 2000);
});

test("events that arrive at the same time give no speed", () => {
  const marks = [0, 1, 2].reduce(
    (last, at) => addMark(last, { at, samples: 100 * at }),
    /** @type {{ at: number, samples: number }[]} */ ([]),
  );
  assert.equal(samplesPerSecond(marks), null);
});

test("older jobs are kept below a new first page, without gaps or duplicates", () => {
  const item = (/** @type {string} */ id) => ({ id, created_at: id });
  const shown = ["6", "5", "4", "3"].map(item);
  assert.deepEqual(olderThan(["7", "6", "5"].map(item), shown), ["4", "3"].map(item));
  assert.deepEqual(olderThan(["7", "5"].map(item), shown), ["4", "3"].map(item)); // 6 was deleted
  assert.deepEqual(olderThan(["9", "8"].map(item), shown), []); // 7 may be between
  assert.deepEqual(olderThan([], shown), []);
});

test("changedFields lists the fields that differ from the recipe", () => {
  const recipes = { digits: { epochs: 3, hidden_sizes: [32], seed: null } };
  const recipe = { name: "digits", engine: "numpy", epochs: 3, hidden_sizes: [64], seed: 1 };
  assert.deepEqual(changedFields(recipe, recipes), [
    ["hidden_sizes", [64]],
    ["seed", 1],
  ]);
  assert.deepEqual(changedFields({ ...recipe, name: "unknown" }, recipes), []);
});

test("tags are separated by commas, and each counts once", () => {
  assert.deepEqual(parseTags(" wide net, , lesson 3,wide net"), ["wide net", "lesson 3"]);
  assert.deepEqual(parseTags(" "), []);
});

test("a run is named after its recipe and its changed fields", () => {
  const fields = { learning_rate: 0.5, hidden_sizes: [32, 32], shuffle: true, schedule: null };
  const recipe = { name: "plain", engine: "numpy", epochs: 3, ...fields };
  const recipes = { plain: fields };
  assert.equal(runName(recipe, recipes), "plain");
  assert.equal(runName({ ...recipe, learning_rate: 0.1 }, recipes), "plain, learning rate 0.1");
  assert.equal(
    runName({ ...recipe, hidden_sizes: [], shuffle: false }, recipes),
    "plain, no hidden layers, shuffle off",
  );
  assert.equal(runName({ ...recipe, hidden_sizes: [8] }, recipes), "plain, hidden layer of 8");
  const clothes = { ...recipe, hidden_sizes: [8, 4], dataset: "fashion-mnist" };
  assert.equal(
    runName(clothes, { plain: { ...fields, dataset: "mnist" } }),
    "plain, hidden layers 8-4, data set Fashion-MNIST",
  );
});

test("only a run that changed no field is compared with what was published", () => {
  const recipe = { name: "plain", engine: "numpy", epochs: 3, hidden_sizes: [4] };
  const recipes = { plain: { epochs: 3 }, other: { epochs: 3 } };
  assert.equal(publishedFor(recipe, recipes, { plain: "curve" }), "curve");
  assert.equal(publishedFor({ ...recipe, epochs: 4 }, recipes, { plain: "curve" }), null);
  assert.equal(publishedFor({ ...recipe, name: "other" }, recipes, { plain: "curve" }), null);
  assert.equal(publishedFor({ ...recipe, name: "gone" }, recipes, { gone: "curve" }), null);
});

test("the text of a field becomes a JSON value, and a value becomes text", () => {
  assert.equal(parseField("number", " 0.5 "), 0.5);
  assert.equal(parseField("number", ""), null);
  assert.equal(parseField("number", "many"), "many");
  assert.deepEqual(parseField("numbers", "64, 32,"), [64, 32]);
  assert.deepEqual(parseField("numbers", ""), []);
  assert.deepEqual(parseField("numbers", "64, x"), [64, "x"]);
  assert.equal(parseField("boolean", "true"), true);
  assert.equal(parseField("string", "sgd"), "sgd");
  assert.equal(valueText([64, 32]), "64, 32");
  assert.equal(valueText(false), "false");
});

test("an error names its field, and the entry of a list", () => {
  const detail = "Enter 1 to 9";
  assert.deepEqual(fieldError({ pointer: "/epochs", detail }), { field: "epochs", words: detail });
  assert.deepEqual(fieldError({ pointer: "/hidden_sizes/1", detail }), {
    field: "hidden_sizes",
    words: "Number 2: enter 1 to 9",
  });
  assert.deepEqual([0, 1, 2].map(errorSummary), [
    "",
    "One field needs a change.",
    "2 fields need a change.",
  ]);
});

test("a number outside its range is a fault, also in a list", () => {
  const rate = { low: 0, high: 10, above: true, whole: false, instruction: "Enter a number" };
  const sizes = { low: 1, high: 1024, above: false, whole: true, instruction: "Enter a size" };
  for (const value of [0.1, 10]) assert.equal(fault(value, rate), null);
  for (const value of [0, 11, "many", null]) assert.equal(fault(value, rate), "Enter a number");
  for (const value of [[], [1, 1024]]) assert.equal(fault(value, sizes), null);
  for (const value of [
    [4, 0],
    [4, 1.5],
    [4, "x"],
  ]) {
    assert.equal(fault(value, sizes), "Number 2: enter a size");
  }
  assert.equal(fault("sgd", null), null);
});

test("earlier runs say how long a training takes, and what the same one reached", () => {
  const recipe = { name: "a", engine: "numpy", epochs: 2, hidden_sizes: [4], learning_rate: 1 };
  const history = [0, 9, 1, 2].map((seconds, epoch) => ({ epoch, seconds, test_accuracy: 0.9 }));
  const run = (/** @type {object} */ fields, /** @type {object} */ members = {}) =>
    job({ status: "succeeded", history, recipe: { ...recipe, ...fields }, ...members });
  assert.equal(estimate(recipe, [run({ epochs: 3, learning_rate: 2, name: "b" })]), 4);
  assert.equal(estimate(recipe, [run({ hidden_sizes: [5] })]), null);
  assert.equal(estimate(recipe, [run({}, { status: "failed" })]), null);
  assert.equal(estimate(recipe, [run({}, { history: history.slice(0, 1) })]), null);
  assert.equal(resultText(recipe, [run({ name: "b" })]), "90.0\u202f%");
  assert.equal(resultText(recipe, [run({ epochs: 3 })]), "");
});

test("the small curve leaves out missing losses, and epochs after the last", () => {
  const history = [
    { epoch: 0, test_loss: 3 },
    { epoch: 1, test_loss: null },
    { epoch: 2, test_loss: 0.02 },
    { epoch: 3, test_loss: 0.1 },
  ];
  assert.equal(sparkPath(history, 2), "M0.0 2.0L118.0 30.0");
  assert.equal(sparkPath([], 2), "");
  assert.equal(sparkX(1, 4), 29.5);
  assert.equal(sparkY(0.001), sparkY(0.02)); // inside the picture, whatever the loss
  assert.equal(sparkY(100), sparkY(3));
});

test("values are suggested around a value, within the allowed range", () => {
  const rate = { low: 0, high: 10, whole: false };
  assert.deepEqual(spread(0.03, rate), [0.0033, 0.01, 0.03, 0.09, 0.27]);
  assert.deepEqual(spread(5, rate), [0.56, 1.7, 5, 10]);
  assert.deepEqual(spread(3, { low: 1, high: 1000, whole: true }), [1, 3, 9, 27]);
  assert.deepEqual(spread(0, rate), [0]);
});

test("the most accurate of several values is named, or all of them", () => {
  const curve = (/** @type {string} */ label, test_accuracy = 0.9, status = "succeeded") => ({
    label,
    job: job({ status, history: [{ epoch: 1, test_accuracy }] }),
  });
  const text = "Highest test accuracy: 90.0\u202f%, with ";
  assert.equal(bestText([curve("1"), curve("2", 0.5), curve("3", 1, "failed")]), `${text}1. `);
  assert.equal(bestText([curve("1"), curve("2")]), `${text}1 and 2. `);
  assert.equal(bestText([curve("1", 0.5, "cancelled")]), "");
});

test("jobs that differ in one number are sorted by it, and labeled with it", () => {
  const recipes = { digits: { epochs: 3, learning_rate: 0.1 } };
  const run = (/** @type {object} */ fields, /** @type {object} */ members = {}) =>
    job({ recipe: { name: "digits", ...recipes.digits, ...fields }, ...members });
  const rates = [0.5, 0.1, 0.02].map((learning_rate) => run({ learning_rate }));
  assert.equal(differingField(rates), "learning_rate");
  assert.deepEqual(
    labelled(rates, recipes).map(({ label, share }) => [label, share]),
    [
      ["0.02", 0],
      ["0.1", 0.5],
      ["0.5", 1],
    ],
  );
  const mixed = [run({ learning_rate: 0.5, epochs: 1 }), run({}, { title: "Mine" })];
  assert.equal(differingField(mixed), null);
  assert.deepEqual(
    labelled(mixed, recipes).map(({ label }) => label),
    ["digits, epochs 1, learning rate 0.5", "Mine"],
  );
});

test("what a training has learned is counted, with the time to which it belongs", () => {
  const layer = { epochs: 0, samples: 0, count: 8, neurons: Array(8) };
  assert.equal(layerWords(layer, "filter", "images"), "All 8 filters, before the training.");
  const later = { ...layer, epochs: 1200 };
  assert.equal(layerWords(later, "filter", "images"), "All 8 filters, after epoch 1,200.");
  const within = { epochs: 2, samples: 12000, count: 2048, neurons: Array(64) };
  const text = "The first 64 of 2,048 neurons, in epoch 3, after 12,000 rows.";
  assert.equal(layerWords(within, "neuron", "rows"), text);
  const none = "Before the training, the network misreads 9,014 of 10,000 test images.";
  assert.equal(mistakesWords({ epoch: 0, count: 9014, total: 10000 }, "images"), none);
  const some = "After epoch 3, the network misreads 1 of 60 test rows.";
  assert.equal(mistakesWords({ epoch: 3, count: 1, total: 60 }, "rows"), some);
});
