// @ts-check
// The diagram of a step: the input, three columns for each layer (z, a and δ), and the loss.
// Nothing disappears: what is not computed yet is a dotted line, what the phase computes is in
// color, and what was computed before is grey.
import { s } from "../dom.js";
import { plainNumber } from "../maths/notation.js";
import { paintInTheme } from "../theme.js";
import { COLUMNS, NAMES, drawColumns, valuesOfColumn } from "./columns.js";
import { NARROW_PX, hasMaps, layoutOf, rowsOf } from "./layout.js";
import { columnsOf } from "./phases.js";
import { drawInput } from "./picture.js";
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
 * @property {(canvas: HTMLCanvasElement, ...box: [number, number, number, number]) => void}
 *   overlay places a canvas at x, y, with a width and a height
 */

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

const LONGEST_NAME = 3; // letters of a class that fit before its bars; else it has its number

/** Draw what can be chosen: the rows, their numbers, and the names of the classes.
 * @param {Scene} scene @param {StepLayer} layer @param {SVGElement} under */
function drawRows(scene, layer, under) {
  const { step, view, layout, words, hits } = scene;
  const place = layout.places[layer.number - 1];
  const rows = scene.rows(layer.number);
  const width = place.right - place.left;
  const isChosenLayer = view.layer === layer.number && view.at > 0;
  const hasRoom = view.classes.every((name) => name.length <= LONGEST_NAME);
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
          hasRoom ? view.classes[channel] : channel,
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
      drawColumns(scene, layer);
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
