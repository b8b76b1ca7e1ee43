// @ts-check
// In which order the table shows the trials of a sweep, and how the address of the page keeps this
// and what is compared. Needs no browser.
import { compareValues, latestValue } from "./state.js";

/** @typedef {import("../types.d.ts").Sweep} Sweep */
/** @typedef {import("../types.d.ts").Trial} Trial */
/** @typedef {"ascending" | "descending"} Order as in aria-sort */

/**
 * @typedef {object} View
 * @property {string} sort one of `COLUMNS`, or a parameter
 * @property {Order} order
 * @property {number[]} compare numbers of trials
 */

/** @type {Record<string, (trial: Trial) => unknown>} The columns before the parameters. */
export const COLUMNS = {
  number: ({ number }) => number,
  state: ({ state }) => state,
  value: latestValue,
  epochs: ({ values }) => values.length,
};

/** @param {URLSearchParams} parameters @returns {View} */
export function readView(parameters) {
  const numbers = (parameters.get("compare") ?? "").split(",").filter((text) => /^\d+$/.test(text));
  return {
    sort: parameters.get("sort") ?? "number",
    order: parameters.get("order") === "descending" ? "descending" : "ascending",
    compare: [...new Set(numbers.map(Number))],
  };
}

/** Write a view as the query of an address, without what is as at the start. @param {View} view */
export function writeView({ sort, order, compare }) {
  const parameters = new URLSearchParams();
  if (sort !== "number") parameters.set("sort", sort);
  if (order !== "ascending") parameters.set("order", order);
  if (compare.length) parameters.set("compare", compare.join());
  const query = parameters.toString();
  return query && `?${query.replaceAll("%2C", ",")}`;
}

/**
 * Sort by another column, or the other way round if this is the column already.
 * @param {View} view
 * @param {string} sort
 * @returns {View}
 */
export const sortedBy = (view, sort) => ({
  ...view,
  sort,
  order: sort === view.sort && view.order === "ascending" ? "descending" : "ascending",
});

/**
 * List the trials in the order of a view. Those without a value come last. Ascending values of the
 * metric begin with the best one.
 * @param {Sweep} sweep
 * @param {View} view
 */
export function sortedTrials({ trials, search: { metric } }, { sort, order }) {
  const value = COLUMNS[sort] ?? (({ params }) => params[sort]);
  const direction = order === "ascending" ? 1 : -1;
  return trials.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === undefined || y === undefined) {
      return Number(x === undefined) - Number(y === undefined) || a.number - b.number;
    }
    const isMetric = sort === "value";
    const difference =
      typeof x === "number" && typeof y === "number"
        ? isMetric
          ? compareValues(metric, x, y)
          : x - y
        : String(x).localeCompare(String(y), "en", { numeric: true });
    return direction * difference || a.number - b.number;
  });
}
