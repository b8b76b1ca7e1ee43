// @ts-check
// The columns of a layer in the diagram: z, a and δ, as bars or as feature maps.
import { h, s } from "../dom.js";
import { mapShape, valuesOf } from "../maps/shapes.js";
import { plainNumber } from "../maths/notation.js";
import { drawHeatmap } from "../pixels.js";
import { columnsOf } from "./phases.js";
import { hasMaps, scaleOf } from "./layout.js";

/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {import("./layout.js").Column} Column */
/** @typedef {import("./stage.js").Scene} Scene */

/** @type {Record<Column, string>} */
export const NAMES = { z: "z", a: "a", delta: "δ" };
export const COLUMNS = /** @type {Column[]} */ (["z", "a", "delta"]);
const GAP = 4.2; // between two bars
const SMALLEST_BAR = 0.6;

/** Write the end of a scale in few letters. @param {number} value */
export const short = (value) => plainNumber(String(Number(value.toPrecision(2))));

/** @param {number} value */
const signClass = (value) => (value < 0 ? "negative" : "positive");

/** The values of a column. @param {StepLayer} layer @param {Column} column @param {string} kind */
export const valuesOfColumn = (layer, column, kind) =>
  column === "delta" ? layer.delta[kind] : layer[column];

/** Tell whether all values of a column are from 0 to 1. @param {StepLayer} layer
 * @param {Column} column */
const isShare = (layer, column) =>
  column === "a" && (layer.isLast || layer.activation === "sigmoid");

/** The column that stands for a layer where there is room for only one.
 * @param {Scene} scene @param {StepLayer} layer @returns {Column} */
function singleColumn({ view }, layer) {
  const { seen, fresh } = columnsOf(view.phases, view.at, layer.number, view.layer);
  if (view.phase.kind === "update" && layer.isLast) return "a";
  if (seen.delta) return "delta";
  if (layer.isLast) return seen.a ? "a" : "z";
  return fresh.z || !seen.a ? "z" : "a";
}

/**
 * Draw the bars of a column.
 * @param {Scene} scene
 * @param {StepLayer} layer
 * @param {Column} column
 * @param {import("./layout.js").Span} span
 * @param {{ seen: boolean, fresh: boolean }} state
 */
function drawBars(scene, layer, column, span, { seen, fresh }) {
  const { view, shapes, layout } = scene;
  const rows = scene.rows(layer.number);
  const values = valuesOfColumn(layer, column, view.gradient);
  const exact = layer.delta.exact;
  const share = isShare(layer, column);
  const isPublished = column === "delta" && view.gradient === "published";
  const scale = share ? 1 : scaleOf(values, isPublished ? exact : []);
  const zero = share ? span.x : span.x + span.width / 2;
  const unit = (share ? span.width : span.width / 2) / scale;
  const bar = layer.isLast ? Math.min(11, rows.step - 2) : rows.step * (1 - GAP / 10.8);
  const bottom = layout.top + rows.channels.length * rows.step;
  const axis = { x1: zero, x2: zero, y1: layout.top, y2: bottom };
  shapes.append(s("line", { ...axis, class: seen ? "axis" : "axis later" }));
  if (!seen) return scale;
  for (const channel of rows.channels) {
    const value = values[channel];
    const y = scene.y(layer.number, channel) ?? 0;
    const size = Math.max(Math.abs(value) * unit, SMALLEST_BAR);
    const tone = !fresh ? "past" : share ? "ink" : signClass(value);
    const x = value < 0 ? zero - size : zero;
    const box = { x, y: y - bar / 2, width: size, height: bar };
    shapes.append(s("rect", { ...box, class: `bar ${tone}${value < 0 ? " left" : ""}` }));
    if (isPublished && fresh) {
      const at = zero + exact[channel] * unit;
      const tick = { x1: at, x2: at, y1: y - bar / 2 - 1.5, y2: y + bar / 2 + 1.5 };
      shapes.append(s("line", { ...tick, class: "truth" }));
    }
  }
  if (layer.isLast && column === "a") drawTarget(scene, layer, span, bar);
  return scale;
}

const LEAST_MOVE = 0.004; // of a probability, that can be seen

/**
 * Mark the label among the probabilities, and after the update the new probabilities.
 * @param {Scene} scene
 * @param {StepLayer} layer
 * @param {import("./layout.js").Span} span
 * @param {number} bar height
 */
function drawTarget({ step, view, shapes, rows, y }, { number }, { x, width }, bar) {
  if (view.at >= view.phases.findIndex(({ kind }) => kind === "loss")) {
    const top = (y(number, step.label) ?? 0) - bar / 2 - 1.5;
    shapes.append(s("rect", { x, y: top, width, height: bar + 3, class: "target" }));
  }
  const after = view.phase.kind === "update" && step.after?.[view.gradient];
  if (!after) return;
  for (const channel of rows(number).channels) {
    const p = after.probabilities[channel];
    if (Math.abs(p - step.probabilities[channel]) < LEAST_MOVE) continue;
    const [at, middle] = [x + p * width, y(number, channel) ?? 0];
    const tick = { x1: at, x2: at, y1: middle - bar / 2 - 2, y2: middle + bar / 2 + 2 };
    shapes.append(s("line", { ...tick, class: "moved" }));
  }
}

/**
 * Draw the maps of a column, one below the other.
 * @param {Scene} scene
 * @param {StepLayer} layer
 * @param {Column} column
 * @param {import("./layout.js").Span} span
 * @param {{ seen: boolean, fresh: boolean }} state
 */
function drawMaps(scene, layer, column, span, { seen, fresh }) {
  const { view, shapes, layout } = scene;
  const rows = scene.rows(layer.number);
  const values = valuesOfColumn(layer, column, view.gradient);
  const scale = scaleOf(values);
  if (!seen) {
    const x = span.x + span.width / 2;
    const bottom = layout.top + rows.channels.length * rows.step;
    shapes.append(s("line", { x1: x, x2: x, y1: layout.top, y2: bottom, class: "axis later" }));
    return scale;
  }
  const shape = mapShape(layer.spec.output_shape);
  const size = Math.min(rows.step - 2, span.width);
  const width = size * Math.min(1, shape.width / shape.height);
  const height = size * Math.min(1, shape.height / shape.width);
  for (const channel of rows.channels) {
    const canvas = h("canvas", { class: fresh ? "matrix" : "matrix past" });
    drawHeatmap(canvas, valuesOf(values, shape, channel), scale, shape.width);
    const middle = scene.y(layer.number, channel) ?? 0;
    scene.overlay(canvas, span.x + (span.width - width) / 2, middle - height / 2, width, height);
  }
  return scale;
}

/**
 * Write the name and the scale above a column.
 * @param {Scene} scene
 * @param {StepLayer} layer
 * @param {Column} column
 * @param {import("./layout.js").Span} span
 * @param {{ seen: boolean, fresh: boolean }} state
 * @param {number} scale
 */
function drawHead({ words, layout }, layer, column, span, { seen, fresh }, scale) {
  const middle = { x: span.x + span.width / 2, "text-anchor": "middle" };
  const isP = layer.isLast && column === "a";
  words.append(
    s(
      "text",
      { ...middle, y: layout.top - 20, class: fresh ? "head hot" : "head" },
      isP ? "p" : NAMES[column],
      !isP && s("tspan", { dy: "-.45em", class: "high" }, layer.number),
    ),
  );
  if (!seen) return;
  const text = isShare(layer, column) ? "0 to 1" : `±${short(scale)}`;
  words.append(s("text", { ...middle, y: layout.top - 6, class: "scale" }, text));
}

/** Draw all columns of a layer. @param {Scene} scene @param {StepLayer} layer */
export function drawColumns(scene, layer) {
  const { view, layout } = scene;
  const place = layout.places[layer.number - 1];
  const { seen, fresh } = columnsOf(view.phases, view.at, layer.number, view.layer);
  const draw = hasMaps(layer) ? drawMaps : drawBars;
  const columns = place.single ? [singleColumn(scene, layer)] : COLUMNS;
  for (const column of columns) {
    const span = place.single ?? /** @type {any} */ (place.columns)[column];
    const state = { seen: seen[column], fresh: fresh[column] };
    drawHead(scene, layer, column, span, state, draw(scene, layer, column, span, state));
  }
}
