// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { systemSentence } from "#pages/system/words.js";

const REDIS = { name: "redis", ready: true, detail: "" };
const WORKER = { name: "worker", ready: false, detail: "" };

test("systemSentence says what is ready, how many jobs run, and how many wait", () => {
  assert.equal(
    systemSentence([REDIS], 0, 0),
    "Everything is ready. No training is running, none is waiting.",
  );
  assert.equal(
    systemSentence([REDIS, WORKER], 1, 1200),
    "Not ready: worker. One training is running, 1,200 are waiting.",
  );
  assert.equal(
    systemSentence([REDIS], 2, null),
    "Everything is ready. 2 trainings are running, and the length of the queue is unknown.",
  );
});
