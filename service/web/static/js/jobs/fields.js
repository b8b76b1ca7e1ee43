// @ts-check
// The fields of the training form as text and as JSON. Needs no browser.

/** @typedef {"number" | "numbers" | "boolean" | "string"} Kind of a field */

/**
 * Read a number. Other text stays text, and the API reports the error.
 * @param {string} text
 */
const number = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

/** @type {Record<Kind, (text: string) => unknown>} */
const PARSERS = {
  number: (text) => (text.trim() === "" ? null : number(text.trim())),
  numbers: (text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "")
      .map(number),
  boolean: (text) => text === "true",
  string: (text) => text,
};

/** Read the text of a field. @param {Kind} kind @param {string} text */
export const parseField = (kind, text) => PARSERS[kind](text);

/**
 * Find the field of an error, and its message. If the field is a list, the message names the entry.
 * @param {{ pointer: string, detail: string }} error
 */
export function fieldError({ pointer, detail }) {
  const [, field, index] = pointer.split("/");
  if (index === undefined) return { field, words: detail };
  const words = detail[0].toLowerCase() + detail.slice(1);
  return { field, words: `Number ${Number(index) + 1}: ${words}` };
}

/** Say how many fields have an error. @param {number} n */
export function errorSummary(n) {
  if (n === 0) return "";
  return n === 1 ? "One field needs a change." : `${n} fields need a change.`;
}
