// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { attemptText, deliveryText, hostOf, waitMs } from "#pages/system/webhook-words.js";

const time = (/** @type {string} */ stamp) => stamp.slice(11, 16);
/** @type {import("../../service/web/static/js/types.d.ts").Delivery} */
const PENDING = {
  id: "0123456789abcdef",
  url: "https://hooks.example.org:8443/a?secret=1",
  state: "pending",
  attempts: 0,
  next_attempt_at: "2026-11-30T12:34:56.000000Z",
  error: null,
};

test("only the host of a webhook is named", () => {
  assert.equal(hostOf(PENDING.url), "hooks.example.org:8443");
});

test("the last attempt and the next one are in words", () => {
  assert.equal(attemptText(PENDING, time), "no attempt yet");
  const failed = { ...PENDING, attempts: 1, error: "the response was 500" };
  assert.equal(attemptText(failed, time), "1 attempt: the response was 500; next at 12:34");
  assert.equal(deliveryText(failed, time), `pending, ${attemptText(failed, time)}`);
  const dead = { ...failed, state: /** @type {const} */ ("dead"), attempts: 9 };
  assert.equal(deliveryText(dead, time), "dead, 9 attempts: the response was 500");
});

test("a delivery that succeeded needs no more words", () => {
  const done = { ...PENDING, state: /** @type {const} */ ("delivered"), attempts: 2 };
  assert.equal(deliveryText(done, time), "delivered");
});

test("a pending delivery is read again when its next attempt is due, or after 2 s", () => {
  const due = Date.parse("2026-11-30T12:34:56Z");
  assert.equal(waitMs(PENDING, due - 3_600_000), 3_600_000);
  assert.equal(waitMs(PENDING, due - 1), 2000);
  assert.equal(waitMs(PENDING, due + 60_000), 2000);
  assert.equal(waitMs({ ...PENDING, next_attempt_at: null }, due), 2000);
});
