// @ts-check
// The comparison of the ticked models, and the bar that leads to it.
import { $, h, numberCell, plainButton, renew, rowHeader, s } from "../dom.js";
import { count, fixed, percent } from "../numbers.js";
import { MOST_COMPARED, fieldRows, seriesOf, verdict } from "./comparison.js";
import { drawComparison } from "./curves.js";
import { trainingSeconds } from "./listing.js";
import { otherAccuracies, titleOf } from "./card.js";
import { remark } from "./remark.js";
import { duration } from "../times.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("./comparison.js").Series} Series */
/** @typedef {import("./listing.js").Listed} Listed */

/** @type {[name: string, value: (model: Model) => string][]} */
const COMMON = [
  ["Test accuracy", ({ evaluation }) => percent(evaluation.accuracy, 2)],
  ["Test loss, nats", ({ evaluation }) => fixed(evaluation.loss, 3)],
  [
    "Calibration error, percentage points",
    ({ evaluation }) => fixed(100 * evaluation.expected_calibration_error, 2),
  ],
  ["Parameters", ({ parameters }) => count(parameters)],
  ["Training time", (model) => duration(trainingSeconds(model))],
];

/**
 * Make a row for an accuracy that not all models may have.
 * @param {string} name
 * @returns {[name: string, value: (model: Model) => string]}
 */
const otherAccuracy = (name) => [
  name,
  (model) => {
    const value = new Map(otherAccuracies(model)).get(name);
    return value == null ? "—" : percent(value, 2);
  },
];

/** Show what a curve looks like. @param {Series} series */
const swatch = ({ color, dash }) =>
  s(
    "svg",
    { class: "swatch", viewBox: "0 0 40 8", "aria-hidden": "true" },
    s("path", {
      d: "M0 4H40",
      stroke: color,
      "stroke-width": 2.5,
      "stroke-dasharray": dash || null,
    }),
  );

/** @param {Series} series @param {(id: string) => void} remove */
function columnHeader(series, remove) {
  const { name, model } = series.listed;
  const button = plainButton("Remove", {
    "aria-label": `Remove ${series.mark} ${name} from the comparison`,
    onclick: () => remove(model.id),
  });
  return h(
    "th",
    { scope: "col" },
    h("span", { class: "mark-of" }, swatch(series), ` ${series.mark}`),
    h("a", { href: `/ui/models/${model.id}` }, name),
    h("span", { class: "small" }, model.id),
    h("span", { class: "small" }, titleOf(model.dataset)),
    remark(model),
    button,
  );
}

/** An entry of the key, for charts that have room only for the marks. @param {Series} series */
const keyEntry = (series) =>
  h("li", null, swatch(series), ` ${series.mark} `, h("span", null, series.listed.name));

/**
 * @param {string} name
 * @param {string[]} values
 * @param {{ differs?: boolean, marked?: boolean, rare?: boolean[] }} [look] `marked` says in words
 *   that the values differ; those that are rare are bold
 */
const row = (name, values, { differs, marked, rare } = {}) =>
  h(
    "tr",
    { class: differs ? "differs" : null },
    rowHeader(name, marked && h("span", { class: "unequal" }, " differs")),
    ...values.map((value, i) => numberCell(rare?.[i] ? h("b", null, value) : value)),
  );

/**
 * Build the table of the compared models: one column each.
 * @param {Series[]} series
 * @param {boolean} all show also the fields that are the same in all models
 * @param {(id: string) => void} remove
 */
function comparisonTable(series, all, remove) {
  const models = series.map(({ listed }) => listed.model);
  const [accuracy, ...others] = COMMON;
  const names = new Set(models.flatMap((model) => otherAccuracies(model).map(([name]) => name)));
  const figures = [accuracy, ...[...names].map(otherAccuracy), ...others].map(([name, value]) =>
    row(name, models.map(value)),
  );
  const fields = fieldRows(models).filter(({ differs }) => all || differs);
  const recipe = fields.map(({ field, values, differs, rare }) =>
    row(field, values, { differs, marked: differs && all, rare }),
  );
  const same = h("td", { colspan: series.length + 1 }, "All fields of the recipes are the same.");
  const headers = series.map((one) => columnHeader(one, remove));
  return h(
    "table",
    { class: "compared" },
    h("thead", null, h("tr", null, h("td"), ...headers)),
    h("tbody", null, ...figures),
    h("tbody", null, ...(recipe.length ? recipe : [h("tr", null, same)])),
  );
}

/**
 * Update the bar, which stays at the bottom of the window while the list is in view.
 * @param {number} n of ticked models
 */
function updateBar(n) {
  $("#bar").hidden = !n;
  $("#to-comparison").hidden = n < 2;
  $("#to-comparison").textContent = `Compare (${n})`;
  const more = n < MOST_COMPARED ? "" : " This is the most that can be compared.";
  $("#ticked").textContent =
    n === 1 ? "1 model ticked. Tick another one to compare them." : `${n} models ticked.${more}`;
}

/**
 * Prepare the comparison. Return a function that shows models in it.
 * @param {{ remove: (id: string) => void, showAll: (all: boolean) => void }} actions
 */
export function prepareComparison({ remove, showAll }) {
  /** @type {Series[]} */
  let series = [];
  /** @type {(() => void) | null} */
  let redraw = null;
  $("#differing").addEventListener("change", () => showAll(!$("#differing").checked));

  /** @param {Listed[]} compared @param {boolean} all */
  return function show(compared, all) {
    updateBar(compared.length);
    $("#compare").hidden = compared.length < 2;
    if (compared.length < 2) return;
    series = seriesOf(compared);
    $("#verdict").textContent = verdict(series);
    $("#differing").checked = !all;
    $("#bold-note").hidden = compared.length === 2; // then both values are bold
    $("#compare-key").replaceChildren(...series.map(keyEntry));
    renew($("#figures"), comparisonTable(series, all, remove));
    if (redraw) redraw();
    else redraw = drawComparison(() => series);
  };
}
