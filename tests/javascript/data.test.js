// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { valueText } from "#pages/data/values.js";
import {
  bytesText,
  evenlySpaced,
  firstOf,
  keyOf,
  nameFor,
  pageOf,
  rangeText,
  sentence,
  sizeText,
  trainingOn,
} from "#pages/data/words.js";

/** @type {import("#pages/data/words.js").Dataset} */
const FACES = {
  id: "d-0123456789ab",
  name: "faces",
  title: "Faces",
  kind: "images",
  shape: [32, 48, 3],
  classes: ["cat", "dog"],
  columns: null,
  train: { samples: 1200, per_class: [600, 600] },
  test: { samples: 300, per_class: [150, 150] },
  warnings: [],
  created_at: "2026-01-31T12:30:00Z",
  bytes: 1,
  links: { delete: "/datasets/d-0123456789ab" },
};

test("sizeText says how many samples of which kind there are", () => {
  assert.equal(sizeText(FACES), "1,200 + 300 images of 48×32 pixels in color, 2 classes");
  const grey = { ...FACES, shape: [28, 28], classes: ["all"] };
  assert.equal(sizeText(grey), "1,200 + 300 images of 28×28 pixels, 1 class");
  /** @type {import("#pages/data/words.js").Dataset} */
  const rows = { ...FACES, kind: "vectors", shape: [1] };
  assert.equal(sizeText(rows), "1,200 + 300 rows of 1 number, 2 classes");
});

test("an uploaded data set is called by its id, and a built-in one by its name", () => {
  assert.equal(trainingOn(FACES), "/?dataset=d-0123456789ab#train");
  assert.equal(pageOf(FACES), "/ui/data/d-0123456789ab");
  const builtIn = { ...FACES, links: { delete: null } };
  assert.equal(keyOf(builtIn), "faces");
  assert.equal(trainingOn(builtIn), "/?dataset=faces#train");
});

test("nameFor makes an allowed name of the names of files", () => {
  const allowed = /^(?!d-|mnist$|fashion-mnist$)[a-z0-9][a-z0-9._-]{0,59}$/;
  const names = {
    "iris.csv": "iris",
    "My Photos (1).ZIP": "my-photos-1",
    "Fotos_Ägypten.tar.gz": "fotos_agypten",
    "mnist.npz": "my-mnist",
    "d-day.csv": "day",
    "d-d-.csv": "my-data",
    "写真.zip": "my-data",
    ".csv": "my-data",
    "..hidden.zip": "hidden",
    [`${"a".repeat(59)}-b.zip`]: "a".repeat(59),
  };
  for (const [file, name] of Object.entries(names)) {
    assert.equal(nameFor([file]), name);
    assert.match(name, allowed);
  }
  assert.equal(nameFor(["shop-train.csv", "shop-test.csv"]), "shop");
  assert.equal(nameFor(["train-images.gz", "t10k-images.gz"]), "my-data");
});

test("bytesText rounds to the largest unit that is reached", () => {
  assert.equal(bytesText(0), "0 bytes");
  assert.equal(bytesText(1023), "1,023 bytes");
  assert.equal(bytesText(1536), "1.5 KiB");
  assert.equal(bytesText(20 * 2 ** 30), "20 GiB");
  assert.equal(bytesText(2 ** 20 - 1), "1.0 MiB");
});

test("evenlySpaced lists different indices from all over a split", () => {
  assert.deepEqual(evenlySpaced(80, 4), [10, 30, 50, 70]);
  assert.deepEqual(evenlySpaced(3, 8), [0, 1, 2]);
  assert.deepEqual(evenlySpaced(1, 8), [0]);
});

test("firstOf and rangeText say how many there are", () => {
  assert.equal(firstOf(["a", "b"], 2), "a, b");
  assert.equal(firstOf(["a", "b", "c"], 2), "a, b and 1 more");
  assert.equal(rangeText(48, 48, 60000), "49 to 96 of 60,000");
  assert.equal(rangeText(0, 0, 0), "none");
});

test("sentence begins with a capital letter, and ends with one full stop", () => {
  assert.equal(sentence("the body is empty"), "The body is empty.");
  assert.equal(sentence("Done."), "Done.");
});

test("valueText keeps four significant digits, and whole numbers", () => {
  assert.equal(valueText(5.848333), "5.848");
  assert.equal(valueText(-0.25), "−0.25");
  assert.equal(valueText(123456), "123456");
  assert.equal(valueText(1.23456e-7), "1.235e−7");
  assert.equal(valueText(-3e300), "−3e300");
  assert.equal(valueText(0), "0");
  assert.equal(valueText(null), "—");
});
