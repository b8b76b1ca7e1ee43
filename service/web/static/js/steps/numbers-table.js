// @ts-check
// Every number of a layer, one row for each neuron or map: the diagram as text.
import { symbolOf } from "../activations.js";
import { h, numberCell, rowHeader, tableContent } from "../dom.js";
import { largestMagnitude } from "../numbers.js";
import { inputsOf } from "./data.js";
import { channelsOf, hasMaps } from "./layout.js";
import { figure } from "./ledger.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {import("./view.js").View} View */
/** @typedef {Record<string, string | number | null>} Row */

/** The values of the largest magnitude of each map. @param {number[]} values
 * @param {number} channels */
function peaks(values, channels) {
  const found = Array(channels).fill(0);
  values.forEach((value, i) => {
    if (Math.abs(value) > Math.abs(found[i % channels])) found[i % channels] = value;
  });
  return found;
}

/** @param {StepLayer} layer @returns {Row[]} */
function mapRows(layer) {
  const channels = channelsOf(layer);
  const [z, a, delta] = [layer.z, layer.a, layer.delta.exact].map((list) => peaks(list, channels));
  return z.map((value, map) => ({
    Map: map,
    "z, largest": value,
    "a, largest": a[map],
    "δ, largest": delta[map],
    bias: layer.bias?.[map] ?? null,
  }));
}

/**
 * Make the rows of a layer.
 * @param {Step} step
 * @param {number} number of the layer, from 1
 * @param {string[]} classes
 * @returns {Row[]}
 */
export function numberRows(step, number, classes) {
  const layer = step.layers[number - 1];
  if (hasMaps(layer)) return mapRows(layer);
  const symbol = symbolOf(layer.activation);
  const largest = largestMagnitude(inputsOf(step, number));
  const { exact, published } = layer.delta;
  return layer.z.map((z, i) => ({
    ...(layer.isLast ? { Class: classes[i] } : { Neuron: i }),
    z,
    [layer.isLast ? "p" : layer.slope ? `a = ${symbol}(z)` : "a"]: layer.a[i],
    ...(layer.isLast
      ? { target: Number(i === step.label) }
      : layer.slope && { [`${symbol}′(z)`]: layer.slope[i] }),
    δ: exact[i],
    ...(published && { "δ as published": published[i] }),
    bias: layer.bias?.[i] ?? null,
    "largest |∂C/∂w|": Math.abs(exact[i]) * largest,
  }));
}

/**
 * Build the head and the body of the table.
 * @param {Step} step
 * @param {View} view
 * @param {number} number of the layer
 */
export function numbersTable(step, view, number) {
  const rows = numberRows(step, number, view.classes);
  const [first, ...others] = Object.keys(rows[0]);
  const write = (/** @type {string | number | null} */ value) =>
    value == null ? "—" : Number.isInteger(value) ? String(value) : figure(Number(value), 4);
  return tableContent(
    [[first], ...others.map((name) => /** @type {[string, boolean]} */ ([name, true]))],
    rows.map((row, i) => {
      const isChosen = number === view.layer && i === view.neuron;
      return h(
        "tr",
        { "aria-current": isChosen ? "true" : null },
        rowHeader(String(row[first])),
        ...others.map((name) => numberCell(write(row[name]))),
      );
    }),
  );
}
