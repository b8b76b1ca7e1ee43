// @ts-check
// Rows of numbers as text: typed, pasted, or read from a CSV file. Needs no browser.
import { count } from "../numbers.js";

/** @typedef {{ values: number[], fault: "" } | { values: null, fault: string }} Row */

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Read a number as people write it.
 * @param {string} text
 * @returns {number | null} null if it is not a finite number
 */
export function readNumber(text) {
  const plain = text.trim().replace("\u2212", "-");
  return NUMBER.test(plain) && Number.isFinite(Number(plain)) ? Number(plain) : null;
}

/** @param {string} line */
const cellsOf = (line) =>
  (/[,;\t]/.test(line) ? line.split(/[,;\t]/) : line.split(/\s+/)).map((cell) =>
    cell.trim().replace(/^"(.*)"$/, "$1"),
  );

/** @param {string} fault @returns {Row} */
const no = (fault) => ({ values: null, fault });

/**
 * Read one row of numbers: separated by commas, semicolons, tabs or spaces. A header before it may
 * have the columns in another order, and others too, such as the label.
 * @param {string} text
 * @param {readonly string[]} columns
 * @returns {Row}
 */
export function readRow(text, columns) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  if (!lines.length) return no("There are no numbers.");
  const first = cellsOf(lines[0].trim());
  const hasHeader = lines.length > 1 && columns.every((name) => first.includes(name));
  const cells = cellsOf(lines[hasHeader ? 1 : 0].trim());
  if (lines.length > (hasHeader ? 2 : 1)) {
    const one = lines.length > 1 && first.some((cell) => readNumber(cell) == null) && !hasHeader;
    return no(
      one
        ? "The first line does not name all columns of this data set."
        : `There are ${count(lines.length - (hasHeader ? 1 : 0))} rows of numbers: enter only one.`,
    );
  }
  const picked = hasHeader ? columns.map((name) => cells[first.indexOf(name)] ?? "") : cells;
  if (picked.length !== columns.length) {
    const found =
      picked.length === 1 ? "There is 1 number" : `There are ${count(picked.length)} numbers`;
    return no(`${found}: the model takes ${count(columns.length)}.`);
  }
  const wrong = picked.findIndex((cell) => readNumber(cell) == null);
  if (wrong >= 0) {
    const shown = picked[wrong].slice(0, 20);
    return no(`${columns[wrong]}: “${shown}” is not a number.`);
  }
  return { values: picked.map((cell) => Number(readNumber(cell))), fault: "" };
}
