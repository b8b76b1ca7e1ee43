// @ts-check
// The columns of a table: the distribution of their values, and their mean in each class.
import { catchProblem, get } from "../api.js";
import { $, h, notice, numberCell, rowHeader, table, whenSeen } from "../dom.js";
import { count } from "../numbers.js";
import { savable } from "../save-figure.js";
import { valueText } from "./values.js";

/** @typedef {import("./words.js").Dataset} Dataset */

/**
 * @typedef {object} Column
 * @property {string | null} name
 * @property {number | null} mean
 * @property {number | null} deviation
 * @property {number | null} minimum
 * @property {number | null} lower_quartile
 * @property {number | null} median
 * @property {number | null} upper_quartile
 * @property {number | null} maximum
 */

/**
 * @typedef {object} Summary
 * @property {Column[]} columns
 * @property {{ mean: number[] | null }[]} classes
 * @property {number} read number of samples that were read, of all `samples`
 * @property {number} samples
 */

const MOST_COLUMNS = 64; // rows of the table; the CSV file has all
const MOST_CLASSES = 12; // whose means are shown
const FIGURES = /** @type {const} */ ([
  "minimum",
  "lower_quartile",
  "median",
  "upper_quartile",
  "maximum",
]);

/** @param {Column} column @param {number} index */
const nameOf = ({ name }, index) => name ?? String(index + 1);

/** @param {Dataset} dataset */
async function load({ id, classes, name }) {
  /** @type {Summary} */
  const summary = await get(`/datasets/${id}/summary?samples=0`);
  const { columns, read, samples } = summary;
  const means = classes.length <= MOST_CLASSES ? summary.classes.map(({ mean }) => mean) : [];
  const rows = columns
    .slice(0, MOST_COLUMNS)
    .map((column, i) =>
      h(
        "tr",
        null,
        rowHeader(nameOf(column, i)),
        numberCell(`${valueText(column.mean)} ± ${valueText(column.deviation)}`),
        ...FIGURES.map((figure) => numberCell(valueText(column[figure]))),
        ...means.map((mean) => numberCell(valueText(mean?.[i] ?? null))),
      ),
    );
  const headers = ["Mean ± deviation", "Least", "Quartile", "Median", "Quartile", "Greatest"];
  const all = means.length ? [...headers, ...classes] : headers;
  $("#columns").replaceChildren(
    table(
      [["Column"], ...all.map((text) => /** @type {[string, boolean]} */ ([text, true]))],
      rows,
    ),
  );
  const notes = [];
  if (columns.length > rows.length) {
    notes.push(`The first ${rows.length} of ${count(columns.length)} columns.`);
  }
  if (read < samples) notes.push(`Computed from ${count(read)} of ${count(samples)} samples.`);
  if (!means.length) {
    notes.push("The means of the classes are left out: there are too many classes.");
  }
  $("#columns-words").textContent = notes.join(" ");
  savable($("#columns").closest("figure"), {
    name: `columns-${name}`,
    rows: () => columns.map((column, i) => ({ ...column, name: nameOf(column, i) })),
    drawing: false,
  });
}

/** Show the columns of a data set of vectors, once their place is seen. @param {Dataset} dataset */
export function showColumns(dataset) {
  if (dataset.kind !== "vectors") return;
  $("#columns-section").hidden = false;
  const fail = (/** @type {import("../api.js").ProblemError} */ problem) =>
    $("#columns").replaceChildren(notice(problem));
  whenSeen($("#columns"), () => catchProblem(() => load(dataset), fail));
}
