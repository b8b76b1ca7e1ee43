// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { systemSentence } from "#pages/system/words.js";

const REDIS = { name: "redis", ready: true, detail: "reachable" };
const WORKER = { name: "worker", ready: false, detail: "none alive" };

test("systemSentence says what is ready, how many jobs run, and how many wait", () => {
  assert.equal(
    systemSentence([REDIS], 0, 0),
    "Everything is ready. No training is running or waiting.",
  );
  assert.equal(
    systemSentence([REDIS, WORKER], 1, 1200),
    "Not ready: worker (none alive). One training is running, and 1,200 are waiting.",
  );
  assert.equal(
    systemSentence([REDIS], 2, null),
    "Everything is ready. 2 trainings are running; how many wait is unknown.",
  );
  assert.equal(
    systemSentence([REDIS], 0, 1),
    "Everything is ready. No training is running, but one training is waiting.",
  );
  assert.equal(
    systemSentence([REDIS], 1, 0),
    "Everything is ready. One training is running, and none is waiting.",
  );
});
