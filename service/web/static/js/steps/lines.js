// @ts-check
// The lines of the diagram between two layers: the largest terms of the sums, faint, and those of
// the chosen neuron. In the gradients, the matrices stand there instead.
import { h, s } from "../dom.js";
import { drawHeatmap } from "../pixels.js";
import { largestMagnitude } from "../numbers.js";
import { inputsOf } from "./data.js";
import { cellOfChannel, channelsOf, hasMaps, scaleOf } from "./layout.js";
import { backwardTerms, byChannel, forwardTerms } from "./terms.js";

/** @typedef {import("./stage.js").Scene} Scene */
/** @typedef {{ from: number, to: number, value: number }} Line between two rows; `from` is in the
 * lower layer */

const MOST_FAINT = 26;
const MOST_OWN = 7;
const MOST_CHANGES = 20; // in the update, for each layer
const [THINNEST, THICKEST] = [0.6, 4.6];

/** Tell whether every number of two layers next to each other has a row of its own.
 * @param {Scene} scene @param {number} number of the upper one */
const arePlain = ({ step }, number) =>
  [number - 1, number].every((one) => !hasMaps(step.layers[one - 1]));

/**
 * List the products of a dense layer, as far as both of their rows are shown.
 * @param {Scene} scene
 * @param {number} number of the layer
 * @param {(to: number, from: number) => number} value
 * @returns {Line[]}
 */
const productsOf = ({ rows }, number, value) =>
  rows(number).channels.flatMap((to) =>
    rows(number - 1).channels.map((from) => ({ from, to, value: value(to, from) })),
  );

/**
 * Draw lines between a layer and the one before it.
 * @param {Scene} scene
 * @param {number} number of the upper layer
 * @param {Line[]} all
 * @param {Line[]} own of the chosen neuron
 * @param {{ faint?: number, key: "from" | "to" }} options `key` is the end that the ledger names
 */
function drawBetween(scene, number, all, own, { faint = MOST_FAINT, key }) {
  const { layout, lines, y } = scene;
  const [lower, upper] = [layout.places[number - 2], layout.places[number - 1]];
  const [x1, x2] = [lower.right + 5, upper.left - 6];
  const middle = (x1 + x2) / 2;
  const size = (/** @type {Line} */ { value }) => Math.abs(value);
  const sorted = (/** @type {Line[]} */ some) =>
    some
      .filter(
        ({ from, to, value }) => value && y(number - 1, from) != null && y(number, to) != null,
      )
      .sort((one, other) => size(other) - size(one));
  const shown = sorted(all);
  const mine = sorted(own).slice(0, MOST_OWN);
  const most = largestMagnitude([...shown.slice(0, 1), ...mine].map(({ value }) => value)) || 1;
  /** @param {Line} line @param {string} name */
  const path = (line, name) => {
    const [from, to] = [y(number - 1, line.from), y(number, line.to)];
    const thickness = THINNEST + ((THICKEST - THINNEST) * size(line)) / most;
    return s("path", {
      d: `M${x1} ${from}C${middle} ${from} ${middle} ${to} ${x2} ${to}`,
      class: `${name} ${line.value < 0 ? "negative" : "positive"}`,
      "stroke-width": thickness.toFixed(2),
      "data-from": name === "own" ? line[key] : null,
      pathLength: 1,
    });
  };
  lines.append(...shown.slice(0, faint).map((line) => path(line, "faint")));
  lines.append(...mine.map((line) => path(line, "own")));
}

/** @param {Scene} scene @param {number} number */
function drawForward(scene, number) {
  const { step, view } = scene;
  const weights = view.weights.get(number) ?? null;
  const layer = step.layers[number - 1];
  if (!weights && layer.gradient) return; // not loaded yet
  const inputs = inputsOf(step, number);
  const all =
    weights && arePlain(scene, number)
      ? productsOf(
          scene,
          number,
          (to, from) => weights.weight[to * inputs.length + from] * inputs[from],
        )
      : [];
  const cell = cellOfChannel(layer, view.neuron, view.gradient);
  const terms = forwardTerms(step, number, cell, weights);
  const channels = channelsOf(step.layers[number - 2]);
  const own = byChannel(terms, channels).map(({ channel, value }) => ({
    from: channel,
    to: view.neuron,
    value,
  }));
  drawBetween(scene, number, all, own, { key: "from" });
}

/** @param {Scene} scene @param {number} number of the lower layer */
function drawBackward(scene, number) {
  const { step, view } = scene;
  const upper = step.layers[number];
  const weights = view.weights.get(number + 1) ?? null;
  if (!upper || (!weights && upper.gradient)) return;
  const delta = upper.delta[view.gradient];
  const inputs = inputsOf(step, number + 1).length;
  const all =
    weights && arePlain(scene, number + 1)
      ? productsOf(scene, number + 1, (to, from) => weights.weight[to * inputs + from] * delta[to])
      : [];
  const layer = step.layers[number - 1];
  const cell = cellOfChannel(layer, view.neuron, view.gradient);
  const terms = backwardTerms(step, number, cell, view.gradient, weights);
  const own = byChannel(terms, channelsOf(upper)).map(({ channel, value }) => ({
    from: view.neuron,
    to: channel,
    value,
  }));
  drawBetween(scene, number + 1, all, own, { key: "to" });
}

/** Draw the largest changes of the weights of all dense layers. @param {Scene} scene */
function drawChanges(scene) {
  const { step, view } = scene;
  for (let number = 2; number <= step.layers.length; number++) {
    if (!arePlain(scene, number)) continue;
    const [delta, inputs] = [step.layers[number - 1].delta[view.gradient], inputsOf(step, number)];
    const all = productsOf(
      scene,
      number,
      (to, from) => -step.learning_rate * delta[to] * inputs[from],
    );
    const own = all.filter(({ to }) => number === view.layer && to === view.neuron);
    drawBetween(scene, number, all, own, { faint: MOST_CHANGES, key: "from" });
  }
}

/** Draw δaᵀ between the columns, its rows level with the neurons. @param {Scene} scene */
function drawMatrices(scene) {
  const { step, view, layout, words, overlay, rows } = scene;
  for (let number = 2; number <= step.layers.length; number++) {
    if (!arePlain(scene, number)) continue;
    const [delta, inputs] = [step.layers[number - 1].delta[view.gradient], inputsOf(step, number)];
    const x1 = layout.places[number - 2].right + 8;
    const x2 = layout.places[number - 1].left - 10;
    const { channels, step: height } = rows(number);
    const from = rows(number - 1).channels;
    const values = channels.flatMap((to) => from.map((at) => delta[to] * inputs[at]));
    const canvas = h("canvas", { class: "matrix" });
    drawHeatmap(canvas, values, scaleOf(values), from.length);
    overlay(canvas, x1, layout.top, x2 - x1, channels.length * height);
    const middle = { x: (x1 + x2) / 2, y: layout.top - 8, "text-anchor": "middle" };
    words.append(s("text", { ...middle, class: "head small" }, "δaᵀ"));
  }
}

/** Draw what a phase has between the layers. @param {Scene} scene */
export function drawLines(scene) {
  const { phase, layer } = scene.view;
  if (phase.kind === "forward" && layer > 1) drawForward(scene, layer);
  if (phase.kind === "backward") drawBackward(scene, layer);
  if (phase.kind === "update") drawChanges(scene);
  if (phase.kind === "gradients") drawMatrices(scene);
}
