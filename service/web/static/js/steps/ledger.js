// @ts-check
// A sum, entered like a ledger: the largest terms, the others in two entries, and bars that show
// the total so far.
import { h, s } from "../dom.js";
import { inline, number } from "../mathml.js";
import { plainNumber } from "../maths/notation.js";
import { largestTerms } from "./terms.js";

/**
 * @typedef {object} Entry
 * @property {Node | string} label
 * @property {Node | string} text what is added
 * @property {number} value
 * @property {number} [from] the row or the pixel that the diagram marks
 * @property {string} [look] a class
 */
/** @typedef {Node | string} Text */
/** @typedef {{ label: Text, text: Text, value: string, isTotal?: boolean }} Result */
/** @typedef {[label: Text, text: Text, value: Text, total: string]} Heads */

const BAR = { width: 64, height: 18 };
const NEAR_ONE = 0.99;
const LARGEST = 4; // terms with a row of their own

/** Write a number with three or more significant digits. @param {number} x */
export const figure = (x, digits = 3) => plainNumber(x.toPrecision(digits));

/** Write a probability so that its distance to 1 can be seen. @param {number} p */
export const probabilityText = (p, digits = 3) =>
  p > NEAR_ONE ? plainNumber(String(Number(p.toPrecision(6)))) : figure(p, digits);

/** Write a learning rate, without zeros at the end. @param {number} rate */
export const rateText = (rate) => plainNumber(String(Number(rate.toPrecision(4))));

/** Name formulas for screen readers, some of which say nothing about MathML.
 * @param {Node | string} content */
const spoken = (content) =>
  content instanceof Element ? [h("span", { class: "sr" }, content.textContent), content] : content;

/** @param {(value: number) => number} x @param {number} from @param {number} to
 * @param {string} look */
const totalBar = (x, from, to, look) =>
  s(
    "svg",
    { viewBox: `0 0 ${BAR.width} ${BAR.height}`, class: "fall", "aria-hidden": "true" },
    s("line", { x1: x(0), x2: x(0), y1: 0, y2: BAR.height, class: "axis" }),
    s("rect", {
      x: Math.min(x(from), x(to)),
      width: Math.max(1, Math.abs(x(to) - x(from))),
      y: 4,
      height: 10,
      class: look,
    }),
    s("line", { x1: x(to), x2: x(to), y1: 4, y2: BAR.height, class: "carry" }),
  );

/** @param {Node | string} label */
const labelCell = (label) => (label ? h("th", { scope: "row" }, spoken(label)) : h("td"));

/** @param {Heads} heads */
const headRow = (heads) =>
  h(
    "thead",
    null,
    h(
      "tr",
      null,
      ...heads.map((head, i) =>
        h(
          head ? "th" : "td",
          { scope: head ? "col" : null, class: i === 2 ? "n" : null },
          spoken(head),
        ),
      ),
    ),
  );

/**
 * Build the ledger of a sum.
 * @param {Heads} heads
 * @param {Entry[]} entries
 * @param {Result[]} results
 */
export function ledger(heads, entries, results) {
  let total = 0;
  const sums = entries.map((entry) => {
    const from = total;
    total += entry.value;
    return { ...entry, before: from, after: total };
  });
  const ends = [0, ...sums.map(({ after }) => after)];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const x = (/** @type {number} */ value) =>
    1 + ((BAR.width - 2) * (value - low)) / (high - low || 1);
  const rows = sums.map(({ label, text, value, from, look, before, after }) =>
    h(
      "tr",
      { class: look, "data-from": from },
      labelCell(label),
      h("td", null, text),
      h("td", { class: "n" }, figure(value)),
      h("td", null, totalBar(x, before, after, value < 0 ? "negative" : "positive")),
    ),
  );
  const ending = results.map(({ label, text, value, isTotal }) =>
    h(
      "tr",
      { class: "result" },
      labelCell(label),
      h("td", null, text),
      h("td", { class: "n" }, value),
      h("td", null, isTotal ? totalBar(x, 0, total, "ink") : null),
    ),
  );
  return h("table", { class: "ledger" }, headRow(heads), h("tbody", null, ...rows, ...ending));
}

/**
 * Build a plain table of a few numbers in the form of a ledger.
 * @param {[Node | string, Node | string, Node | string]} heads
 * @param {[Node | string, Node | string, string][]} rows
 */
export const plainLedger = (heads, rows) =>
  h(
    "table",
    { class: "ledger" },
    headRow([...heads, ""]),
    h(
      "tbody",
      null,
      ...rows.map(([label, text, value]) =>
        h(
          "tr",
          null,
          labelCell(label),
          h("td", null, text),
          h("td", { class: "n", colspan: 2 }, value),
        ),
      ),
    ),
  );

/** Write a product of two numbers. @param {number} u @param {number} v */
export const product = (u, v) =>
  inline(number(figure(u)), "·", ...(v < 0 ? ["(", number(figure(v)), ")"] : [number(figure(v))]));

/**
 * Make the entries of a sum: its largest terms, and two for the others, because large sums often
 * cancel.
 * @param {import("./terms.js").Term[]} terms
 * @param {(from: number) => string} nameOf
 * @param {(from: number) => number} rowOf what the diagram marks
 * @returns {Entry[]}
 */
export function termEntries(terms, nameOf, rowOf) {
  const { largest, above, below } = largestTerms(terms, LARGEST);
  const others = [
    { ...above, words: "above 0" },
    { ...below, words: "below 0" },
  ].filter(({ count }) => count);
  return [
    ...largest.map(({ from, weight, factor, value }) => ({
      label: nameOf(from),
      text: product(weight, factor),
      value,
      from: rowOf(from),
    })),
    ...others.map(({ count, value, words }) => ({
      label: "",
      text: `${count} more ${words}`,
      value,
      look: "rest",
    })),
  ];
}
