// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { curlOptions, headers, indentJson, readable, target } from "#pages/docs/request.js";
import { rank } from "#pages/docs/search.js";

/** @type {import("#pages/docs/request.js").Filled} */
const request = {
  method: "PUT",
  path: "/models/{ref}/{true}",
  parameters: [
    { name: "ref", place: "path", value: "a b/c" },
    { name: "true", place: "path", value: "4" },
    { name: "limit", place: "query", value: "1" },
    { name: "after", place: "query", value: "" },
    { name: "Idempotency-Key", place: "header", value: "k'1" },
    { name: "If-None-Match", place: "header", value: "" },
  ],
  type: "application/json",
  text: '{"f": "it\'s"}',
};

test("parameters are sent where they belong, and empty ones are not sent", () => {
  assert.equal(target(request), "/models/a%20b%2Fc/4?limit=1");
  assert.deepEqual(headers(request), {
    "Idempotency-Key": "k'1",
    "Content-Type": "application/json",
  });
});

test("the curl command quotes what the shell would interpret", () =>
  assert.equal(
    curlOptions(request, true),
    `-X PUT -H "Authorization: Bearer $TOKEN" -H 'Idempotency-Key: k'\\''1' ` +
      `-H 'Content-Type: application/json' --data-binary '{"f": "it'\\''s"}'`,
  ));

test("the curl command sends files, in a form if the body is one", () => {
  const file = { method: "POST", path: "/predict", parameters: [], files: [{ name: "7.png" }] };
  assert.equal(
    curlOptions({ ...file, type: "image/png" }, false),
    "-H 'Content-Type: image/png' --data-binary '@7.png'",
  );
  const form = { ...file, type: "multipart/form-data", part: "image" };
  assert.equal(curlOptions(form, false), "-F 'image=@7.png'");
});

test("a request without a body names its method if it is not GET", () => {
  const bare = { path: "/jobs", parameters: [] };
  assert.equal(curlOptions({ ...bare, method: "GET" }, false), "");
  assert.equal(curlOptions({ ...bare, method: "POST" }, false), "-X POST");
});

test("JSON is broken into lines, and its numbers stay as they were", () => {
  assert.equal(indentJson('{"a":1.0,"b":[],"c":{}}'), '{"a": 1.0, "b": [], "c": {}}');
  const long = `[${Array(50).fill("1e-300").join(",")}]`;
  assert.equal(
    indentJson(`{"long":${long},"nested":[[1,2],{"a,]":"}\\""}]}`),
    [
      "{",
      `  "long": ${long.replaceAll(",", ", ")},`,
      '  "nested": [[1, 2], {"a,]": "}\\""}]',
      "}",
    ].join("\n"),
  );
});

test("a body that is not JSON is shown as it is", () => {
  assert.equal(readable("a,b", "text/csv"), "a,b");
  assert.equal(readable("{cut", "application/json"), "{cut");
  assert.equal(readable('{"a":1}', "application/problem+json"), '{"a": 1}');
});

test("a path keeps the names of the values that are missing", () =>
  assert.equal(
    target({
      method: "GET",
      path: "/jobs/{id}",
      parameters: [{ name: "id", place: "path", value: "" }],
    }),
    "/jobs/{id}",
  ));

test("a search finds all words, and ranks those in the name first", () => {
  const entry = { name: "post /jobs/{id}/cancel", text: "post /jobs/{id}/cancel ends a job" };
  assert.equal(rank(entry, " Cancel JOB "), 2);
  assert.equal(rank(entry, "ends job"), 1);
  assert.equal(rank(entry, "delete job"), 0);
});
