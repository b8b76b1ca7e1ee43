// @ts-check
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";

const PAGES = new URL(import.meta.resolve("#pages/api.js")).pathname.replace(/api\.js$/, "");
const TESTS = import.meta.dirname;
const MOST_COLUMNS = 100;

const modules = [PAGES, TESTS].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(folder, name)),
);

/** @param {(lines: string[]) => boolean} isWrong */
const wrongModules = (isWrong) =>
  modules
    .filter((module) => isWrong(readFileSync(module, "utf8").split("\n")))
    .map((module) => relative(TESTS, module));

test("every module is type-checked", () =>
  assert.deepEqual(
    wrongModules(([first]) => first !== "// @ts-check"),
    [],
  ));

test(`no line is longer than ${MOST_COLUMNS} columns`, () =>
  assert.deepEqual(
    wrongModules((lines) => lines.some((line) => line.length > MOST_COLUMNS)),
    [],
  ));
