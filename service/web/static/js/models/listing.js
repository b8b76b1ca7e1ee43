// @ts-check
// Which models the list shows, in which order, and how the address of the page keeps this. Needs no
// browser.
import { sum } from "../numbers.js";
import { datasetOf, titleOf } from "./card.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {{ model: Model, name: string, aliases: string[] }} Listed a model and its names */
/** @typedef {"ascending" | "descending"} Order as in aria-sort */

/**
 * @typedef {object} View what the page shows
 * @property {string} text that the models contain
 * @property {string} dataset or "" for all
 * @property {string} engine or "" for all
 * @property {string} sort one of `COLUMNS`
 * @property {Order} order
 * @property {string[]} compare ids or aliases of the models in the comparison
 * @property {boolean} all show all fields in the comparison, not only those that differ
 */

/** Sum the training time of all epochs, in seconds. @param {Pick<Model, "history">} model */
export const trainingSeconds = ({ history }) => sum(history.map((row) => row.seconds));

/**
 * The columns that the list can be sorted by: what they compare, and the order of the first click.
 * @type {Record<string, { value: (listed: Listed) => number | string, order: Order }>}
 */
export const COLUMNS = {
  name: { value: ({ name }) => name, order: "ascending" },
  accuracy: { value: ({ model }) => model.evaluation.accuracy, order: "descending" },
  loss: { value: ({ model }) => model.evaluation.loss, order: "ascending" },
  time: { value: ({ model }) => trainingSeconds(model), order: "ascending" },
  parameters: { value: ({ model }) => model.parameters, order: "ascending" },
  created: { value: ({ model }) => Date.parse(model.created_at), order: "descending" },
};

/** @type {View} */
const START = {
  text: "",
  dataset: "",
  engine: "",
  sort: "created",
  order: "descending",
  compare: [],
  all: false,
};

/**
 * Read the view from the parameters of an address.
 * @param {URLSearchParams} parameters
 * @returns {View}
 */
export function readView(parameters) {
  /** @param {string} name */
  const text = (name) => parameters.get(name) ?? "";
  const sort = Object.hasOwn(COLUMNS, text("sort")) ? text("sort") : START.sort;
  const order = text("order");
  return {
    text: text("text"),
    dataset: text("dataset"),
    engine: text("engine"),
    sort,
    order: order === "ascending" || order === "descending" ? order : COLUMNS[sort].order,
    compare: [...new Set(text("compare").split(",").filter(Boolean))],
    all: text("all") === "1",
  };
}

/** Write a view as the query of an address, without what is as at the start. @param {View} view */
export function writeView({ text, dataset, engine, sort, order, compare, all }) {
  const isSorted = sort !== START.sort || order !== START.order;
  const given = {
    text,
    dataset,
    engine,
    sort: isSorted && sort,
    order: isSorted && order !== COLUMNS[sort].order && order,
    compare: compare.join(","),
    all: all && "1",
  };
  const parameters = Object.entries(given).map(([name, value]) => [name, value || ""]);
  const query = new URLSearchParams(parameters.filter(([, value]) => value)).toString();
  return query && `?${query.replaceAll("%2C", ",")}`;
}

/**
 * Sort by another column, or the other way round if this is the column already.
 * @param {View} view
 * @param {string} sort
 * @returns {View}
 */
export function sortedBy(view, sort) {
  const flipped = view.order === "ascending" ? "descending" : "ascending";
  return { ...view, sort, order: sort === view.sort ? flipped : COLUMNS[sort].order };
}

/** @param {Listed} listed */
const searchText = ({ model: { id, recipe, dataset, tags = [] }, name, aliases }) =>
  [name, recipe.name, id, titleOf(dataset), ...aliases, ...tags].join(" ").toLowerCase();

/**
 * List the models that have all words of the text, the data set and the engine of a view, sorted.
 * Among equal ones, the newest comes first.
 * @param {Listed[]} listed
 * @param {View} view
 */
export function visibleModels(listed, { text, dataset, engine, sort, order }) {
  const words = text.toLowerCase().split(/\s+/);
  const matching = listed.filter((one) => {
    const { recipe } = one.model;
    if (dataset && datasetOf(one.model) !== dataset) return false;
    if (engine && recipe.engine !== engine) return false;
    const searched = searchText(one);
    return words.every((word) => searched.includes(word));
  });
  const direction = order === "ascending" ? 1 : -1;
  const { value } = COLUMNS[sort];
  return matching.sort(
    (a, b) =>
      direction * compareValues(value(a), value(b)) ||
      compareValues(COLUMNS.created.value(b), COLUMNS.created.value(a)),
  );
}

/** @param {number | string} a @param {number | string} b */
const compareValues = (a, b) =>
  typeof a === "number" && typeof b === "number"
    ? a - b
    : String(a).localeCompare(String(b), "en", { numeric: true });
