// @ts-check
// The diagram of a step: the input, three columns for each layer (z, a and δ), and the loss.
// Nothing disappears: what is not computed yet is a dotted line, what the phase computes is in
// color, and what was computed before is grey.
import { h, s } from "../dom.js";
import { valuesOf, mapShape } from "../maps/shapes.js";
import { drawHeatmap } from "../pixels.js";
import { plainNumber } from "../maths/notation.js";
import { paintInTheme } from "../theme.js";
import { drawInput } from "./picture.js";
import { columnsOf } from "./phases.js";
import { layoutOf, NARROW_PX, hasMaps, rowsOf, scaleOf } from "./layout.js";
import { drawLines } from "./lines.js";
import { drawLoss } from "./loss-plot.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {import("./layout.js").Column} Column */
/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./view.js").View} View */

/**
 * @typedef {object} Scene what is drawn
 * @property {Step} step
 * @property {View} view
 * @property {Layout} layout
 * @property {(number: number) => import("./layout.js").Rows} rows of a layer
 * @property {(number: number, channel: number) => number | null} y of a row; null if it is not
 *   shown
 * @property {SVGElement} lines
 * @property {SVGElement} shapes
 * @property {SVGElement} words
 * @property {SVGElement} hits where rows can be chosen
 * @property {(canvas: HTMLCanvasElement, x: number, y: number, width: number, height: number) => void}
 *   overlay places a canvas
 */

/** @type {Record<Column, string>} */
const NAMES = { z: "z", a: "a", delta: "δ" };
const COLUMNS = /** @type {Column[]} */ (["z", "a", "delta"]);
const GAP = 4.2; // between two bars
const SMALLEST_BAR = 0.6;

/** Write the end of a scale in few letters. @param {number} value */
export const short = (value) => plainNumber(String(Number(value.toPrecision(2))));

/** @param {number} value */
const signClass = (value) => (value < 0 ? "negative" : "positive");

/** The values of a column. @param {StepLayer} layer @param {Column} column @param {string} kind */
const valuesOfColumn = (layer, column, kind) =>
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
function drawLayer(scene, layer) {
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

/** Describe a row for the pointer. @param {Scene} scene @param {StepLayer} layer
 * @param {number} channel */
function rowTitle({ view, step }, layer, channel) {
  const name = layer.isLast
    ? `class ${view.classes[channel]}`
    : `${hasMaps(layer) ? "map" : "neuron"} ${channel}`;
  const lines = [`layer ${layer.number}, ${name}`];
  if (!hasMaps(layer)) {
    const { seen } = columnsOf(view.phases, view.at, layer.number, view.layer);
    for (const column of COLUMNS.filter((one) => seen[one])) {
      const symbol = layer.isLast && column === "a" ? "p" : NAMES[column];
      const value = valuesOfColumn(layer, column, view.gradient)[channel];
      lines.push(`${symbol} = ${plainNumber(value.toPrecision(4))}`);
    }
  }
  if (layer.isLast && channel === step.label) lines.push("the label");
  return lines.join("\n");
}

const LONGEST_NAME = 3; // letters of a class that fit before its bars

/** Draw what can be chosen: the rows, their numbers, and the names of the classes.
 * @param {Scene} scene @param {StepLayer} layer @param {SVGElement} under */
function drawRows(scene, layer, under) {
  const { step, view, layout, words, hits } = scene;
  const place = layout.places[layer.number - 1];
  const rows = scene.rows(layer.number);
  const width = place.right - place.left;
  const isChosenLayer = view.layer === layer.number && view.at > 0;
  for (const channel of rows.channels) {
    const y = scene.y(layer.number, channel) ?? 0;
    const box = { y: y - rows.step / 2, height: rows.step };
    if (isChosenLayer && channel === view.neuron) {
      under.append(s("rect", { ...box, x: place.left - 4, width: width + 8, class: "picked" }));
      if (!layer.isLast) {
        const after = ["forward", "softmax", "loss"].includes(view.phase.kind);
        const x = after ? place.right + 8 : place.left - 8;
        const look = { dy: ".34em", "text-anchor": after ? "start" : "end", class: "index" };
        words.append(s("text", { x, y, ...look }, channel));
      }
    }
    if (layer.isLast) {
      const name = view.classes[channel];
      const isLabel = channel === step.label;
      words.append(
        s(
          "text",
          {
            x: place.label + 10,
            y,
            dy: ".34em",
            "text-anchor": "end",
            class: isLabel ? "class label" : "class",
          },
          name.length > LONGEST_NAME ? channel : name,
        ),
      );
    }
    const hit = { ...box, x: place.left - 6, width: width + 12, class: "hit" };
    hits.append(
      s(
        "rect",
        { ...hit, "data-layer": layer.number, "data-neuron": channel },
        s("title", null, rowTitle(scene, layer, channel)),
      ),
    );
  }
}

/**
 * Prepare the diagram.
 * @param {HTMLElement} host
 * @param {(layer: number, neuron: number) => void} choose
 */
export function stage(host, choose) {
  /** @type {[Step, View] | null} */
  let shown = null;
  let isNarrow = false;

  host.addEventListener("click", ({ target }) => {
    const row = /** @type {HTMLElement | null} */ (
      /** @type {Element} */ (target).closest("[data-neuron]")
    );
    if (row) choose(Number(row.dataset.layer), Number(row.dataset.neuron));
  });
  new ResizeObserver(() => {
    if (host.clientWidth < NARROW_PX !== isNarrow && shown) draw(...shown, false);
  }).observe(host);

  /**
   * @param {Step} step
   * @param {View} view
   * @param {boolean} isNew let what the phase computes grow
   */
  function draw(step, view, isNew = true) {
    shown = [step, view];
    isNarrow = host.clientWidth < NARROW_PX;
    const layout = layoutOf(step.layers.length, host.clientWidth);
    const { width, height } = layout;
    const motion = `${isNew ? " fresh" : ""}${view.phase.kind === "backward" ? " backward" : ""}`;
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, class: `net${motion}` });
    svg.setAttribute("aria-hidden", "true");
    const [under, lines, shapes, words, hits] = ["", "lines", "", "", ""].map((name) =>
      s("g", { class: name || null }),
    );
    svg.append(under, lines, shapes, words, hits);
    /** @type {HTMLCanvasElement[]} */
    const canvases = [];
    const rows = step.layers.map((layer) =>
      rowsOf(step, layer.number, view.layer === layer.number ? view.neuron : -1),
    );
    /** @type {Scene} */
    const scene = {
      step,
      view,
      layout,
      rows: (number) => rows[number - 1],
      y: (number, channel) => {
        const row = rows[number - 1].channels.indexOf(channel);
        return row < 0 ? null : layout.top + (row + 0.5) * rows[number - 1].step;
      },
      lines,
      shapes,
      words,
      hits,
      overlay: (canvas, x, y, w, h) => {
        const share = (/** @type {number} */ part, /** @type {number} */ of) =>
          `${((100 * part) / of).toFixed(3)}%`;
        Object.assign(canvas.style, {
          left: share(x, width),
          top: share(y, height),
          width: share(w, width),
          height: share(h, height),
        });
        canvases.push(canvas);
      },
    };
    for (const layer of step.layers) {
      drawRows(scene, layer, under);
      drawLayer(scene, layer);
    }
    drawInput(scene);
    drawLines(scene);
    drawLoss(scene);
    host.style.aspectRatio = `${width} / ${height}`;
    host.replaceChildren(svg, ...canvases);
  }

  return {
    /** @param {Step} step @param {View} view @param {boolean} isNew */
    draw: (step, view, isNew) => {
      let first = isNew;
      paintInTheme(() => {
        draw(step, view, first);
        first = false;
      }, "stage");
    },
    /** Show where a term of the ledger comes from. @param {string | null} key */
    hint: (key) => {
      host.firstElementChild?.classList.toggle("hinting", key != null);
      for (const line of host.querySelectorAll(".own")) {
        line.classList.toggle("hinted", line.getAttribute("data-from") === key);
      }
    },
  };
}
