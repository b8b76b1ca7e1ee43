// @ts-check
// The fields of the training form as text and as JSON. Needs no browser.

/** @typedef {"number" | "numbers" | "layers" | "boolean" | "string"} Kind of a field */

/**
 * Read a number. Other text stays text, and the API reports the error.
 * @param {string} text
 */
const number = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

/** Read a list in JSON. Other text stays text. @param {string} text */
function list(text) {
  try {
    const value = JSON.parse(text);
    return Array.isArray(value) ? value : text;
  } catch {
    return text;
  }
}

/** @type {Record<Kind, (text: string) => unknown>} */
const PARSERS = {
  number: (text) => (text.trim() === "" ? null : number(text.trim())),
  numbers: (text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "")
      .map(number),
  layers: list,
  boolean: (text) => text === "true",
  string: (text) => text,
};

/**
 * Read the text of a field.
 * @param {Kind} kind
 * @param {string} text
 * @param {boolean} [nullable] if an empty field is null
 */
export const parseField = (kind, text, nullable = false) =>
  nullable && text.trim() === "" ? null : PARSERS[kind](text);

/**
 * @typedef {object} Limits of a number, or of each number of a list
 * @property {number} low
 * @property {number} high
 * @property {boolean} above the lowest value itself is not allowed
 * @property {boolean} whole
 * @property {string} instruction what to enter
 */

/** @param {unknown} value @param {Limits} limits */
const isAllowed = (value, { low, high, above, whole }) =>
  typeof value === "number" &&
  (above ? value > low : value >= low) &&
  value <= high &&
  (!whole || Number.isInteger(value));

/** @param {number} index @param {string} words */
const entryWords = (index, words) =>
  `Number ${index + 1}: ${words[0].toLowerCase()}${words.slice(1)}`;

/**
 * Say what is wrong with a value, or return null. The API checks everything, this only the ranges.
 * @param {unknown} value
 * @param {Limits | null} limits
 */
export function fault(value, limits) {
  if (!limits) return null;
  if (!Array.isArray(value)) return isAllowed(value, limits) ? null : limits.instruction;
  const index = value.findIndex((one) => !isAllowed(one, limits));
  return index < 0 ? null : entryWords(index, limits.instruction);
}

/**
 * Find the field of an error, and its message. If the field is a list of numbers, the message names
 * the entry. If it is a list of layers, `index` is that of the layer, and `option` its option.
 * @param {{ pointer: string, detail: string }} error
 * @returns {{ field: string, index?: number, option?: string, words: string }}
 */
export function fieldError({ pointer, detail }) {
  const [, field, index, option] = pointer.split("/");
  if (index === undefined) return { field, words: detail };
  if (field !== "layers") return { field, words: entryWords(Number(index), detail) };
  if (!option) return { field, index: Number(index), words: detail };
  return { field, index: Number(index), option, words: `${option}: ${detail}` };
}

/** Say how many fields have an error. @param {number} n */
export function errorSummary(n) {
  if (n === 0) return "";
  return n === 1 ? "One field needs a change." : `${n} fields need a change.`;
}
