// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, localText, timeLeft, timeOrDate, utcText, zoneName } from "#pages/times.js";

test("times left are in whole seconds, and in minutes from 90 seconds on", () => {
  assert.equal(timeLeft(89.4), "89\u00a0s");
  assert.equal(timeLeft(89.6), "1\u00a0min 30\u00a0s");
  assert.equal(timeLeft(119.7), "2\u00a0min 00\u00a0s");
  assert.equal(timeLeft(90), "1\u00a0min 30\u00a0s");
  assert.equal(timeLeft(605), "10\u00a0min 05\u00a0s");
});

test("a duration has a decimal if it is short", () => {
  assert.deepEqual([0, 0.04, 2.34, 12.4, 125].map(duration), [
    "0.0\u00a0s",
    "under 0.1\u00a0s",
    "2.3\u00a0s",
    "12\u00a0s",
    "2\u00a0min 05\u00a0s",
  ]);
});

test("timestamps are in the local zone, which is named, and in UTC", () => {
  const stamp = "2026-01-31T12:30:09.25Z";
  assert.equal(utcText(stamp), "2026-01-31 12:30:09 UTC");
  const zone = process.env.TZ;
  try {
    process.env.TZ = "Europe/Berlin";
    assert.equal(localText(stamp), "2026-01-31 13:30:09 CET");
    assert.equal(localText("2026-07-31T22:30:09Z", false), "2026-08-01 00:30 CEST");
    assert.equal(zoneName(new Date(stamp)), "CET");
    process.env.TZ = "UTC";
    assert.equal(localText(stamp), "2026-01-31 12:30:09 UTC");
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

test("a timestamp of today is shown as a time, any other as a date", () => {
  const now = new Date(2026, 0, 31, 12);
  assert.equal(timeOrDate(new Date(2026, 0, 31, 9, 5).toISOString(), now), "09:05");
  for (const hour of [0, 12, 23]) {
    assert.equal(timeOrDate(new Date(2026, 0, 15, hour).toISOString(), now), "2026-01-15");
  }
});
