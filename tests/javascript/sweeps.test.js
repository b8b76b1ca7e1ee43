// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { groupText, grouped } from "#pages/jobs/trials.js";
import { readView, sortedBy, sortedTrials, writeView } from "#pages/sweeps/listing.js";
import {
  axisOf,
  differing,
  metricAxis,
  paramText,
  paramWords,
  parametersOf,
  place,
  tickText,
  ticksOf,
} from "#pages/sweeps/parameters.js";
import { domainFrom, inputsOf, placeOf, waysOf } from "#pages/sweeps/space.js";
import {
  mostEpochs,
  noImportance,
  progressText,
  shares,
  valueText,
  withAnswer,
  withTrial,
  withValue,
} from "#pages/sweeps/state.js";

const rate = { low: 0.001, high: 0.1, log: true, step: null };
const layers = {
  count: { low: 1, high: 2, log: false, step: 1 },
  size: { low: 4, high: 64, log: true, step: 1 },
};
const space = {
  learning_rate: rate,
  hidden_sizes: layers,
  activation: { choices: ["tanh", "relu"] },
};

/** @param {number} number @param {object} [members] @returns {any} */
const trial = (number, members) => {
  const made = { number, job: `j${number}`, params: {}, state: "complete", values: [], ...members };
  return { final: false, value: made.state === "complete" ? made.values.at(-1) : null, ...made };
};

/** @param {any[]} trials @param {object} [search] @returns {any} */
const sweep = (trials, search) => ({
  status: "running",
  recipe: { epochs: 3 },
  search: { space, metric: "validation_loss", ...search },
  progress: { trials_ended: 0, trials: 9 },
  trials,
  best: null,
  winner: null,
});

test("events add trials in the order of their numbers, and old events change nothing", () => {
  let now = sweep([trial(1, { state: "running", values: [0.5] })]);
  now = withTrial(now, trial(0, { state: "queued" }));
  assert.deepEqual(
    now.trials.map((/** @type {any} */ { number }) => number),
    [0, 1],
  );
  assert.equal(withTrial(now, trial(1, { state: "queued" })), now);
  now = withTrial(now, trial(1, { values: [0.5, 0.4] }));
  assert.deepEqual([now.trials[1].state, now.best?.number], ["complete", 1]);
  assert.equal(withTrial(now, trial(1, { state: "queued" })), now);
  const final = trial(2, { final: true, state: "queued" });
  assert.equal(withTrial(now, final).winner, final);
});

test("a value continues the curve of a trial, once", () => {
  let now = sweep([trial(0, { state: "queued" })]);
  for (const epoch of [1, 2, 2, 1]) now = withValue(now, { number: 0, epoch, value: epoch / 10 });
  assert.deepEqual([now.trials[0].state, now.trials[0].values], ["running", [0.1, 0.2]]);
  now = withValue(now, { number: 7, epoch: 1, value: 1 });
  assert.equal(now.trials.length, 1);
});

test("an answer does not undo what later events have said", () => {
  const ended = trial(0, { values: [0.3] });
  const longer = trial(1, { state: "running", values: [0.5, 0.4] });
  const now = sweep([ended, longer, trial(2, { state: "queued" })]);
  const answer = {
    ...sweep([trial(0, { state: "running" }), trial(1, { state: "running", values: [0.5] })]),
    importance: { learning_rate: 1 },
  };
  const found = withAnswer(now, answer);
  assert.deepEqual(
    found.trials.map(({ state, values }) => [state, values]),
    [
      ["complete", [0.3]],
      ["running", [0.5, 0.4]],
      ["queued", []],
    ],
  );
  assert.deepEqual([found.best, found.importance], [ended, { learning_rate: 1 }]);
});

test("the lower loss or the higher accuracy is the best", () => {
  const trials = [0.3, 0.1, 0.2].map((value, number) => trial(number, { values: [value] }));
  trials.push(trial(3, { state: "pruned", values: [0.01] }), trial(4, { state: "queued" }));
  const entries = (/** @type {any} */ metric) => Object.fromEntries(shares(trials, metric));
  assert.deepEqual(entries("validation_loss"), { 0: 1, 1: 0, 2: 0.5 });
  assert.deepEqual(entries("validation_accuracy"), { 0: 0, 1: 1, 2: 0.5 });
  const { best } = withTrial(sweep(trials.slice(1), { metric: "validation_accuracy" }), trials[0]);
  assert.equal(best?.number, 0);
  assert.equal(valueText("validation_loss", 0.12345), "0.1235");
  assert.equal(valueText("validation_accuracy", 0.12345), "12.35\u202f%");
  assert.equal(valueText("validation_loss", null), "—");
});

test("the progress and the importance are said in words", () => {
  const complete = [0, 1].map((number) => trial(number, { params: { learning_rate: 0.1, a: 1 } }));
  const one = sweep([...complete, trial(2, { state: "pruned" }), trial(3, { state: "running" })]);
  assert.equal(progressText(one), "3 of 9 trials have ended, 1 pruned");
  assert.equal(progressText({ ...one, trials: null }), "0 of 9 trials have ended");
  assert.equal(progressText({ ...one, status: "queued" }), "queued");
  assert.match(noImportance(one), /before 4 trials are complete; 2 are/);
  const same = sweep([0, 1, 2, 3].map((number) => trial(number, { params: { a: 1, b: 2 } })));
  assert.match(noImportance(same), /do not differ enough/);
  const single = sweep([trial(0, { params: { learning_rate: 1 } })], {
    space: { learning_rate: rate },
  });
  assert.match(noImportance(single), /Only one parameter/);
});

test("the axis of epochs ends with the longest trial", () => {
  assert.equal(mostEpochs(sweep([])), 3);
  assert.equal(mostEpochs(sweep([], { space: { epochs: { low: 1, high: 8 } } })), 8);
  assert.equal(mostEpochs(sweep([], { space: { epochs: { choices: [2, 5] } } })), 5);
});

test("parameters have names, axes and places", () => {
  const names = ["learning_rate", "hidden_sizes.count", "hidden_sizes.0", "hidden_sizes.1"];
  assert.deepEqual(parametersOf(sweep([])), [...names, "activation"]);
  assert.deepEqual(names.map(paramWords), [
    "learning rate",
    "number of hidden layers",
    "neurons of layer 1",
    "neurons of layer 2",
  ]);
  const [log, count, , size] = names.map((name) => axisOf(sweep([]), name));
  assert.ok(Math.abs(Number(place(log, 0.01)) - 0.5) < 1e-9);
  assert.deepEqual([place(count, 1), place(count, 2), place(size, undefined)], [0, 1, null]);
  const list = axisOf(sweep([]), "activation");
  assert.deepEqual([list.kind, place(list, "tanh"), place(list, "relu")], ["list", 0, 1]);
  assert.deepEqual(ticksOf(log), [0.001, 0.01, 0.1]);
  assert.deepEqual(ticksOf(count), [1, 2]);
  assert.deepEqual(ticksOf(size), [4, 64]);
  assert.deepEqual([1e-5, 0.001, 0.25, 0].map(tickText), ["1e−5", "0.001", "0.25", "0"]);
  assert.equal(place(metricAxis("loss", [0.5], true), 0.5), 0.5);
});

test("values of parameters are short", () => {
  const values = [0.0123456, 32, [64, 32], [], true, undefined, "relu", [{ type: "dense" }]];
  const texts = ["0.0123", "32", "64, 32", "none", "on", "—", "relu", "dense"];
  assert.deepEqual(values.map(paramText), texts);
  const trials = [trial(0, { params: { a: 1, b: 2 } }), trial(1, { params: { a: 1, b: 3 } })];
  assert.deepEqual(differing(trials, ["a", "b"]), ["b"]);
});

test("the form makes domains of numbers, lists, layers and choices", () => {
  const numbers = { name: "batch_size", label: "", choices: [], limits: null };
  /** @type {any} */
  const field = { ...numbers, kind: "number" };
  /** @type {any} */
  const sizes = { ...numbers, name: "hidden_sizes", kind: "numbers" };
  assert.deepEqual(waysOf(sizes), ["layers", "list"]);
  assert.deepEqual(
    inputsOf(field, "log").map(([name]) => name),
    ["low", "high"],
  );
  const ends = { low: "1e-4", high: " 0.3" };
  assert.deepEqual(domainFrom(field, "log", ends, []), { low: 0.0001, high: 0.3, log: true });
  assert.deepEqual(domainFrom(field, "range", { low: "1", high: "x" }, []), { low: 1, high: "x" });
  const values = { choices: "16, 32" };
  assert.deepEqual(domainFrom(field, "list", values, []), { choices: [16, 32] });
  const networks = { choices: "16; 32, 16" };
  assert.deepEqual(domainFrom(sizes, "list", networks, []), { choices: [[16], [32, 16]] });
  const texts = { "count-low": "1", "count-high": "2", "size-low": "4", "size-high": "8" };
  assert.deepEqual(domainFrom(sizes, "layers", texts, []), {
    count: { low: 1, high: 2 },
    size: { low: 4, high: 8, log: true },
  });
  /** @type {any} */
  const flag = { ...numbers, kind: "boolean" };
  assert.deepEqual(domainFrom(flag, "choices", {}, ["true"]), { choices: [true] });
});

test("an error of the API has a place in the form", () => {
  assert.deepEqual(placeOf("/trials"), { field: "trials" });
  assert.deepEqual(placeOf("/space"), { field: "space" });
  const low = { field: "hidden_sizes", input: "count-low" };
  assert.deepEqual(placeOf("/space/hidden_sizes/count/low"), low);
  const second = { field: "activation", input: "choices" };
  assert.deepEqual(placeOf("/space/activation/choices/1"), second);
});

test("trials are sorted by any column, those without a value last", () => {
  const values = [[0.5, 0.3], [], [0.2], [0.4]];
  const trials = values.map((one, number) =>
    trial(number, { values: one, params: { learning_rate: 1 - number / 10 } }),
  );
  const order = (/** @type {string} */ query, metric = "validation_loss") =>
    sortedTrials(sweep(trials, { metric }), readView(new URLSearchParams(query))).map(
      ({ number }) => number,
    );
  assert.deepEqual(order(""), [0, 1, 2, 3]);
  assert.deepEqual(order("sort=value"), [2, 0, 3, 1]);
  assert.deepEqual(order("sort=value&order=descending"), [3, 0, 2, 1]);
  assert.deepEqual(order("sort=value", "validation_accuracy"), [3, 0, 2, 1]);
  assert.deepEqual(order("sort=learning_rate"), [3, 2, 1, 0]);
  assert.deepEqual(order("sort=nothing"), [0, 1, 2, 3]);
});

test("the address keeps the order and what is compared", () => {
  const view = readView(new URLSearchParams("sort=value&order=descending&compare=3,x,1,3"));
  assert.deepEqual(view, { sort: "value", order: "descending", compare: [3, 1] });
  assert.equal(writeView(view), "?sort=value&order=descending&compare=3,1");
  assert.equal(writeView(readView(new URLSearchParams())), "");
  assert.equal(sortedBy(view, "value").order, "ascending");
  assert.deepEqual(sortedBy(view, "number").sort, "number");
});

test("the trials of a sweep are one row of the list of jobs", () => {
  const job = (/** @type {object} */ members) =>
    /** @type {any} */ ({ kind: "train", status: "succeeded", trial: null, ...members });
  const [own, winner] = [job({ id: "a" }), job({ id: "b", sweep: "s" })];
  const trials = [2, 1, 0].map((number) => job({ sweep: "s", trial: number }));
  trials[0].status = "running";
  const other = job({ sweep: "t", trial: 0 });
  const rows = grouped([winner, trials[0], own, trials[1], other, trials[2]]);
  const group = { sweep: "s", trials };
  assert.deepEqual(rows, [winner, group, own, { sweep: "t", trials: [other] }]);
  assert.equal(groupText(group), "2 of 3 have ended");
  assert.equal(groupText({ sweep: "t", trials: [other] }), "ended");
});
