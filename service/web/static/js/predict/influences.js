// @ts-check
// Which numbers of a vector change a prediction the most, as bars.
import { h } from "../dom.js";
import { largestMagnitude } from "../numbers.js";
import { columnNames } from "./input.js";
import { digitsFor, signed } from "./pushes.js";

const MOST_ROWS = 5;

/**
 * Find the columns in which one standard deviation more changes the logit the most.
 * @param {number[]} gradient of a logit, by the values of the vector
 * @param {(number | null)[]} deviations standard deviations of the columns; null if unknown
 */
export const influences = (gradient, deviations) =>
  gradient
    .map((derivative, index) => ({ index, value: derivative * (deviations[index] ?? 0) }))
    .filter(({ value }) => value)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, MOST_ROWS);

/**
 * Build a row with a bar for each of them.
 * @param {number[]} gradient
 * @param {import("./input.js").Dataset} dataset
 * @param {(number | null)[]} deviations
 */
export function influenceRows(gradient, dataset, deviations) {
  const strongest = influences(gradient, deviations);
  const largest = largestMagnitude(strongest.map(({ value }) => value));
  const names = columnNames(dataset);
  return strongest.map(({ index, value }) => {
    const bar = h("i", { class: value < 0 ? "down" : "up" });
    bar.style.inlineSize = `${(100 * Math.abs(value)) / largest}%`;
    return h(
      "li",
      null,
      h("span", { class: "name", title: names[index] }, names[index]),
      h("span", { class: "track" }, bar),
      h("span", { class: "value" }, signed(value, digitsFor(largest))),
    );
  });
}
