// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { contrast, parseColor } from "#pages/color.js";
import { shorten } from "#pages/label-layout.js";
import {
  fieldRows,
  orderingField,
  seriesOf,
  distinctParts,
  verdict,
} from "#pages/models/comparison.js";
import { readView, sortedBy, visibleModels, writeView } from "#pages/models/listing.js";

/**
 * @param {string} id
 * @param {Record<string, any>} [changes] of the recipe
 * @param {Record<string, any>} [card]
 */
function listed(id, changes = {}, { accuracy = 0.9, loss = 0.3, ...card } = {}) {
  const recipe = { name: "digits", dataset: "mnist", engine: "numpy", learning_rate: 0.1 };
  const model = {
    id,
    recipe: { ...recipe, ...changes },
    dataset: { name: changes.dataset ?? "mnist", checksums: { images: "" } },
    evaluation: { accuracy, loss },
    history: [{ seconds: card.seconds ?? 1 }],
    parameters: 10,
    created_at: "2026-01-01T00:00:00Z",
    ...card,
  };
  return /** @type {any} */ ({ model, name: recipe.name, aliases: card.aliases ?? [] });
}

/** @param {string} search */
const viewOf = (search) => readView(new URLSearchParams(search));

/** @param {any[]} all @param {string} search */
const ids = (all, search) => visibleModels(all, viewOf(search)).map(({ model }) => model.id);

test("the address keeps the view, and leaves out what is as at the start", () => {
  const search = "?text=two+words&dataset=mnist&engine=numpy&sort=loss&compare=m-1,m-2&all=1";
  assert.equal(writeView(viewOf(search)), search);
  assert.equal(writeView(viewOf("")), "");
  assert.equal(writeView(viewOf("?sort=created&order=ascending")), "?sort=created&order=ascending");
  assert.equal(writeView(viewOf("?sort=accuracy&order=descending")), "?sort=accuracy");
});

test("an address that names no column or order is read as the start", () => {
  const { sort, order } = viewOf("?sort=toString&order=sideways");
  assert.deepEqual([sort, order], ["created", "descending"]);
});

test("another column starts with its own order, and the same one is flipped", () => {
  const byLoss = sortedBy(viewOf(""), "loss");
  assert.deepEqual([byLoss.sort, byLoss.order], ["loss", "ascending"]);
  assert.equal(sortedBy(byLoss, "loss").order, "descending");
  assert.equal(sortedBy(byLoss, "accuracy").order, "descending");
});

test("models are sorted by each column, and equal ones by their age", () => {
  const a = listed("a", {}, { accuracy: 0.8, loss: 0.1, seconds: 3 });
  const b = listed("b", {}, { accuracy: 0.9, loss: 0.3, created_at: "2026-01-02T00:00:00Z" });
  const c = listed("c", {}, { accuracy: 0.7, loss: 0.2, created_at: "2026-01-03T00:00:00Z" });
  const all = [a, b, c];
  assert.deepEqual(ids(all, ""), ["c", "b", "a"]);
  assert.deepEqual(ids(all, "?sort=created&order=ascending"), ["a", "b", "c"]);
  assert.deepEqual(ids(all, "?sort=accuracy"), ["b", "a", "c"]);
  assert.deepEqual(ids(all, "?sort=loss"), ["a", "c", "b"]);
  assert.deepEqual(ids(all, "?sort=time"), ["c", "b", "a"]);
  assert.deepEqual(ids(all, "?sort=parameters"), ["c", "b", "a"]);
  [a.name, b.name, c.name] = ["net 10", "net 9", "other"];
  assert.deepEqual(ids(all, "?sort=name"), ["b", "a", "c"]);
});

test("models are found by all words in their names, ids, aliases and tags", () => {
  const a = listed("m-aaa", {}, { aliases: ["best"], tags: ["Lecture 3"] });
  const b = listed("m-bbb", { dataset: "fashion-mnist", engine: "torch" });
  assert.deepEqual(ids([a, b], "?text=BEST+digits"), ["m-aaa"]);
  assert.deepEqual(ids([a, b], "?text=lecture"), ["m-aaa"]);
  assert.deepEqual(ids([a, b], "?text=bbb"), ["m-bbb"]);
  assert.deepEqual(ids([a, b], "?text=best+bbb"), []);
  assert.deepEqual(ids([a, b], "?dataset=mnist"), ["m-aaa"]);
  assert.deepEqual(ids([a, b], "?engine=torch"), ["m-bbb"]);
});

test("fields that differ between recipes are marked, also if one recipe lacks them", () => {
  const models = [
    listed("a", { hidden_sizes: [], engine: "torch" }),
    listed("b", { hidden_sizes: [32, 16], shuffle: false, dropout: 0 }),
  ].map(({ model }) => model);
  const rows = fieldRows(models);
  const differing = rows.filter(({ differs }) => differs);
  assert.deepEqual(differing, [
    { field: "engine", values: ["PyTorch", "NumPy"], rare: [true, true], differs: true },
    { field: "hidden layers", values: ["none", "32, 16"], rare: [true, true], differs: true },
    { field: "shuffle", values: ["not set", "off"], rare: [true, true], differs: true },
    { field: "dropout", values: ["not set", "0"], rare: [true, true], differs: true },
  ]);
  assert.ok(rows.some(({ field, differs }) => field === "recipe" && !differs));
});

test("values that fewer models have are rare", () => {
  const models = [1, 1, 2, 1].map((seed) => listed("a", { seed }).model);
  const rare = Object.fromEntries(fieldRows(models).map((row) => [row.field, row.rare]));
  assert.deepEqual(rare.seed, [false, false, true, false]);
  assert.deepEqual(rare.engine, [false, false, false, false]);
});

test("one number that differs orders and colors the curves", () => {
  const rates = [0.3, 0.001, 0.03].map((learning_rate, i) =>
    listed(`m-${i}`, { learning_rate }, { accuracy: 0.9 + i / 100 }),
  );
  assert.equal(orderingField(rates.map(({ model }) => model)), "learning_rate");
  const series = seriesOf(rates);
  assert.deepEqual(
    series.map(({ label }) => label),
    ["0.001", "0.03", "0.3"],
  );
  assert.deepEqual(
    series.map(({ color }) => color),
    ["var(--value-1)", "var(--value-5)", "var(--value-8)"],
  );
  assert.match(verdict(series), /^The learning rate 0.03 has the highest accuracy, 92.00/);
  assert.match(verdict(series), /2.00 percentage points more than with 0.3\. Nothing but the l/);
});

test("otherwise each curve has a letter, a color and a dash pattern of its own", () => {
  const same = [listed("a"), listed("b")];
  const different = [listed("a", { engine: "torch" }), listed("b")];
  const two = [listed("a", { learning_rate: 1, seed: 2 }), listed("b", { seed: 1 })];
  for (const compared of [same, different, two]) {
    assert.equal(orderingField(compared.map(({ model }) => model)), null);
    assert.deepEqual(
      seriesOf(compared).map(({ label }) => label),
      ["A digits", "B digits"],
    );
  }
  const eight = seriesOf(Array(8).fill(listed("a")));
  for (const key of /** @type {const} */ (["mark", "color", "dash"])) {
    assert.equal(new Set(eight.map((one) => one[key])).size, 8);
  }
});

test("the verdict warns of different data sets, and knows equal models", () => {
  const digits = listed("a");
  const clothes = listed("b", { dataset: "fashion-mnist" }, { accuracy: 0.8 });
  assert.match(
    verdict(seriesOf([digits, clothes])),
    /tested on different data sets, so their accuracies cannot be compared/,
  );
  assert.match(verdict(seriesOf([digits, listed("b")])), /^All have an accuracy of 90.00/);
});

test("long labels are shortened", () => {
  assert.equal(shorten("x".repeat(80), 5), "xxxx…");
  assert.equal(shorten("12345", 5), "12345");
});

test("a recipe that several names begin with is left out at the curves", () => {
  const names = [
    "mnist-numpy",
    "mnist-numpy, epochs 2",
    "mnist-numpy, seed 1",
    "fashion, epochs 3",
  ];
  const parts = ["mnist-numpy", "epochs 2", "seed 1", "fashion, epochs 3"];
  assert.deepEqual(distinctParts(names), parts);
});

test("curves and their labels have enough contrast with the paper, light and dark", () => {
  const css = readFileSync(new URL("../../service/web/static/style.css", import.meta.url), "utf8");
  /** @param {string} name @returns {string[]} its light and its dark color */
  const colors = (name) => [...css.matchAll(RegExp(`${name}: (#\\w{6});`, "g"))].map((m) => m[1]);
  const names = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `--series-${i}`);
  const papers = colors("--paper");
  for (const name of [...names, ...names.map((name) => name.replace("series", "value"))]) {
    const found = colors(name);
    assert.equal(found.length, 2, name);
    found.forEach((color, i) => {
      const ratio = contrast(parseColor(color), parseColor(papers[i]));
      assert.ok(ratio >= 4.5, `${name} ${color}: ${ratio}`);
    });
  }
});
