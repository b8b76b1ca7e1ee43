// @ts-check
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { ProblemError, catchProblem, get, inTurn, latest } from "#pages/api.js";
import { followEvents, parseEvents } from "#pages/events.js";

// The browser's storage, which holds the token.
/** @type {Map<string, string>} */
const storage = new Map([["stepbox-token", "secret"]]);
Reflect.set(globalThis, "localStorage", {
  getItem: (/** @type {string} */ key) => storage.get(key),
});

/** @type {import("node:http").RequestListener} */
let answer;
const unexpected = () => assert.fail("unexpected call");
const server = createServer((request, response) => answer(request, response));
let url = "";

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  url = `http://127.0.0.1:${address.port}`;
});
after(() => {
  server.close();
  server.closeAllConnections();
});

/** @param {string} type @param {object} data @param {number} id */
const event = (type, data, id) => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

test("a request carries the token", async () => {
  answer = (request, response) => response.end(JSON.stringify(request.headers.authorization));
  assert.equal(await get(url), "Bearer secret");
});

test("an error status becomes a ProblemError", async () => {
  const errors = [
    { pointer: "/epochs", detail: "too many" },
    { pointer: "/seed", detail: "too large" },
  ];
  answer = (_, response) => {
    response.writeHead(422, { "Retry-After": "9" });
    response.end(JSON.stringify({ title: "Invalid", detail: "See errors", status: 422, errors }));
  };
  await assert.rejects(get(url), (/** @type {ProblemError} */ problem) => {
    assert.ok(problem instanceof ProblemError);
    assert.equal(problem.message, "Invalid: See errors");
    assert.equal(problem.details, "too many; too large");
    assert.equal(problem.retryAfter, 9);
    return true;
  });
});

test("an error without JSON and a missing response become a ProblemError too", async () => {
  answer = (_, response) => response.writeHead(502).end("<html>");
  await assert.rejects(get(url), { name: "Error", status: 502 });
  await assert.rejects(get("http://127.0.0.1:1"), { title: "No answer", status: 0 });
});

test("catchProblem handles problems and rethrows other errors", async () => {
  const problem = new ProblemError({ title: "a", detail: "b" });
  assert.equal(await catchProblem(async () => 1, unexpected), 1);
  /** @type {unknown} */
  let handled = null;
  await catchProblem(
    () => Promise.reject(problem),
    (one) => (handled = one),
  );
  assert.equal(handled, problem);
  const other = () => Promise.reject(new TypeError("other"));
  await assert.rejects(catchProblem(other, unexpected), TypeError);
});

test("latest sends one request at a time, and shows the latest state", async () => {
  let state = 0;
  /** @type {number[]} */
  const shown = [];
  /** @type {(() => void)[]} */
  const pending = [];
  const request = async () => {
    const requested = state;
    await new Promise((resolve) => pending.push(() => resolve(null)));
    return requested;
  };
  const update = latest(request, (value) => shown.push(value), unexpected);
  const done = update();
  for (state = 1; state < 5; state++) update();
  assert.equal(pending.length, 1);
  pending[0]();
  while (pending.length < 2) await new Promise(setImmediate);
  pending[1]();
  await done;
  assert.deepEqual(shown, [0, 5]);
});

test("the text of a stream is split into complete events and a rest", () => {
  const text = `: heartbeat\n\n${event("epoch", { epoch: 1 }, 7)}id: 8\nev`;
  assert.deepEqual(parseEvents(text), {
    events: [{ type: "epoch", data: { epoch: 1 }, id: "7" }],
    rest: "id: 8\nev",
  });
});

test("a stream that breaks is continued after its last event", async () => {
  /** @type {(string | undefined)[]} */
  const lastIds = [];
  answer = (request, response) => {
    lastIds.push(/** @type {string | undefined} */ (request.headers["last-event-id"]));
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    if (lastIds.length === 1) {
      response.end(event("epoch", { epoch: 1 }, 7) + "id: 8\nevent: ep");
    } else if (lastIds.length === 2) {
      response.end(event("epoch", { epoch: 2 }, 8) + event("status", { status: "succeeded" }, 9));
    }
  };
  /** @type {string[]} */
  const told = [];
  await followEvents(url, {
    event: (type, data) => told.push(`${type} ${data.epoch ?? data.status}`),
    lost: (_, problem, retry) => {
      told.push(`lost: ${problem.title}`);
      retry();
    },
    found: () => told.push("found"),
  });
  assert.deepEqual(lastIds, [undefined, "7"]);
  assert.deepEqual(told, ["epoch 1", "lost: No answer", "found", "epoch 2", "status succeeded"]);
});

test("large requests are sent one after another, also after one that failed", async () => {
  /** @type {string[]} */
  const told = [];
  /** @param {string} name @param {boolean} [fails] */
  const request = (name, fails) => async () => {
    told.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    told.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const answers = [request("a"), request("b", true), request("c")].map(inTurn);
  const [a, b, c] = await Promise.allSettled(answers);
  assert.deepEqual(told, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  assert.deepEqual([a.status, b.status, c.status], ["fulfilled", "rejected", "fulfilled"]);
});

test("a job that does not exist is not followed", async () => {
  answer = (_, response) =>
    response.writeHead(404).end(JSON.stringify({ title: "Not found", detail: "", status: 404 }));
  const handlers = { event: unexpected, lost: unexpected, found: unexpected };
  await assert.rejects(followEvents(url, handlers), { status: 404 });
});

test("following ends when its signal is aborted", async () => {
  const controller = new AbortController();
  answer = (_, response) => {
    response.writeHead(200);
    response.write(event("epoch", { epoch: 1 }, 1));
  };
  const handlers = { event: () => controller.abort(), lost: unexpected, found: unexpected };
  await followEvents(url, handlers, controller.signal);
});
