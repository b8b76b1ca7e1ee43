// @ts-check
// The fields for a row of numbers: one for each column, or a text area if there are many.
import { catchProblem, get } from "../api.js";
import { $, h } from "../dom.js";
import { columnNames } from "./input.js";
import { readNumber, readRow } from "./row.js";

/** @typedef {import("./input.js").Dataset} Dataset */
/** @typedef {import("../types.d.ts").ColumnSummary} ColumnSummary */

const MOST_FIELDS = 40;
const DIGITS = 4; // significant ones, of figures about a column
const NOT_A_NUMBER = "Enter a number, such as 1.5.";

/** @param {number} x */
const short = (x) => String(Number(x.toPrecision(DIGITS)));

/**
 * Make the fields respond to input.
 * @param {() => void} changed called after each change
 */
export function createNumbers(changed) {
  const host = $("#numbers");
  /** @type {Dataset | null} */
  let dataset = null;
  /** @type {ColumnSummary[]} */
  let columns = [];
  /** @type {import("./tiles.js").TestSample | null} */
  let sample = null; // that the fields show

  const inputs = () => /** @type {HTMLInputElement[]} */ ([...host.querySelectorAll("input")]);
  const area = () => host.querySelector("textarea");

  /** @param {HTMLInputElement | HTMLTextAreaElement} field @param {string} fault */
  function say(field, fault) {
    $(`#${field.id}-fault`).textContent = fault;
    if (fault) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  /** Nothing is wrong with an empty field yet. @param {HTMLInputElement} field */
  const faultOf = ({ value }) => (value.trim() && readNumber(value) == null ? NOT_A_NUMBER : "");

  function onInput(/** @type {any} */ { target }) {
    sample = null;
    if (target.getAttribute("aria-invalid") && !faultOf(target)) say(target, "");
    changed();
  }

  /** @param {string} name @param {number} i */
  function field(name, i) {
    const { minimum, maximum, mean } = columns[i] ?? {};
    const range =
      minimum != null && maximum != null ? `${short(minimum)} to ${short(maximum)}` : "";
    const id = `number-${i}`;
    const attributes = { id, type: "text", inputmode: "decimal", autocomplete: "off" };
    const input = h("input", {
      ...attributes,
      placeholder: mean == null ? null : short(mean),
      "aria-describedby": `${id}-range ${id}-fault`,
      oninput: onInput,
      onblur: () => say(input, faultOf(input)),
    });
    return h(
      "p",
      { class: "field" },
      h("label", { for: id }, name),
      input,
      h("span", { class: "fault", id: `${id}-fault`, role: "status" }),
      h("span", { class: "small", id: `${id}-range` }, range),
    );
  }

  function textField() {
    const input = h("textarea", {
      id: "row",
      rows: 6,
      spellcheck: "false",
      "aria-describedby": "row-help row-fault",
      oninput: onInput,
      onblur: () => say(input, input.value.trim() ? readText().fault : ""),
    });
    const names = dataset ? columnNames(dataset) : [];
    return h(
      "p",
      { class: "field wide" },
      h("label", { for: "row" }, `${names.length.toLocaleString("en")} numbers`),
      input,
      h("span", { class: "fault", id: "row-fault", role: "status" }),
      h(
        "span",
        { class: "small", id: "row-help" },
        "A row such as a CSV file has, with or without its header: " +
          `from ${names[0]} to ${names.at(-1)}.`,
      ),
    );
  }

  const readText = () => readRow(area()?.value ?? "", dataset ? columnNames(dataset) : []);

  function build() {
    if (!dataset) return;
    const names = columnNames(dataset);
    host.replaceChildren(...(names.length > MOST_FIELDS ? [textField()] : names.map(field)));
  }

  /** @param {readonly number[]} values */
  function fill(values) {
    const text = area();
    if (text) text.value = values.join(", ");
    inputs().forEach((input, i) => (input.value = String(values[i])));
    for (const one of text ? [text] : inputs()) say(one, "");
  }

  return {
    /** The standard deviation of each column, if it is known. */
    deviations: () => columns.map(({ deviation }) => deviation),
    /** The numbers; null if some are missing or wrong. */
    values() {
      if (!dataset) return null;
      if (area()) return readText().values;
      const values = inputs().map(({ value }) => readNumber(value));
      return values.includes(null) ? null : /** @type {number[]} */ (values);
    },
    sample: () => sample,
    /** Say what is missing. */
    missing() {
      if (area()) return area()?.value.trim() ? readText().fault : "Enter a row of numbers.";
      const empty = inputs().filter(({ value }) => readNumber(value) == null).length;
      return empty === 1 ? "One number is missing." : `${empty} numbers are missing.`;
    },
    /** Show the fields of a data set. Return whether they are new. @param {Dataset} newDataset */
    async adapt(newDataset) {
      if (dataset?.id === newDataset.id) return false;
      [dataset, sample, columns] = [newDataset, null, []];
      await catchProblem(
        async () => {
          ({ columns } = await get(`/datasets/${newDataset.id}/summary?samples=0`));
        },
        () => {}, // of a data set that was deleted, the ranges are not known
      );
      build();
      return true;
    },
    fill(/** @type {readonly number[]} */ values) {
      sample = null;
      fill(values);
      changed();
    },
    /** @param {import("./tiles.js").TestSample} newSample */
    show(newSample) {
      fill(newSample.values);
      sample = newSample;
      changed();
    },
    /** Fill in the means of the columns, as a start. */
    fillMeans() {
      if (columns.length && columns.every(({ mean }) => mean != null)) {
        fill(columns.map(({ mean }) => Number(short(Number(mean)))));
      }
    },
    /** Fill in a row of text. Return what is wrong with it. @param {string} text */
    read(text) {
      if (!dataset) return "";
      const { values, fault } = readRow(text, columnNames(dataset));
      if (values) this.fill(values);
      return fault;
    },
  };
}
