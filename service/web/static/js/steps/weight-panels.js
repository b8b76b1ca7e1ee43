// @ts-check
// The weights that lead to the chosen neuron: before the step, their derivatives, and after it.
import { $, h } from "../dom.js";
import { drawKernels, drawWeights } from "../model/neuron-view.js";
import { drawHeatmap } from "../pixels.js";
import { savable } from "../save-figure.js";
import { channelsOf, hasMaps, scaleOf } from "./layout.js";
import { figure } from "./ledger.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./view.js").View} View */

const ACROSS = 8; // neurons in a row, if this leaves no gap

/** @param {HTMLCanvasElement} canvas @param {number[]} values @param {number} scale
 * @param {Step} step @param {View} view */
function draw(canvas, values, scale, step, { layer: at, dataset }) {
  const { kernel, input_shape } = step.layers[at - 1].spec;
  if (at === 1) {
    const shape = kernel ? [kernel, kernel, ...input_shape.slice(2)] : input_shape;
    drawWeights(canvas, values, scale, { ...dataset, shape });
  } else if (kernel || hasMaps(step.layers[at - 2])) {
    drawKernels(canvas, values, scale, kernel ? [kernel, kernel, input_shape[2]] : input_shape);
  } else {
    const even = values.length % ACROSS === 0 ? ACROSS : Math.ceil(Math.sqrt(values.length));
    const height = Math.ceil(values.length / even);
    const padded = Array.from({ length: even * height }, (_, i) => values[i] ?? NaN);
    drawHeatmap(canvas, padded, scale, even);
    canvas.style.aspectRatio = `${even} / ${height}`;
  }
}

/**
 * Find the weights into the chosen neuron, and their derivatives; null if they are not loaded.
 * @param {Step} step
 * @param {View} view
 */
function weightsInto(step, { layer: at, neuron, weights: loaded }) {
  const weights = loaded.get(at);
  if (!weights) return null;
  const size = weights.weight.length / channelsOf(step.layers[at - 1]);
  const [before, derivative] = [weights.weight, weights.gradient].map((values) =>
    Array.from(values.slice(neuron * size, (neuron + 1) * size)),
  );
  const after = before.map((weight, i) => weight - step.learning_rate * derivative[i]);
  const moves = step.after != null && step.batch_size === 1;
  return { before, derivative, after: moves ? after : null };
}

/** Make the rows of the panels' data. @param {Step} step @param {View} view */
function weightRows(step, view) {
  const { before = [], derivative = [], after } = weightsInto(step, view) ?? {};
  return before.map((weight, input) => ({
    layer: view.layer,
    neuron: view.neuron,
    input,
    "weight before": weight,
    derivative: derivative[input],
    ...(after && { "weight after": after[input] }),
  }));
}

/**
 * Build the three panels. What is not computed yet is blank.
 * @param {Step} step
 * @param {View} view
 * @returns {Element[]}
 */
function panelsOf(step, view) {
  const { phases, phase } = view;
  const weights = weightsInto(step, view);
  if (!weights) return [];
  const { before, derivative, after } = weights;
  const [scale, largest] = [scaleOf(before), scaleOf(derivative)];
  const done = (/** @type {string} */ key) =>
    phases.indexOf(phase) >= phases.findIndex((one) => one.key === key);
  /** @param {string} name @param {number[]} values @param {number} top @param {string} note
   * @param {boolean} isThere */
  const panel = (name, values, top, note, isThere) => {
    const canvas = h("canvas", { class: isThere ? null : "blank" });
    draw(canvas, isThere ? values : values.map(() => 0), top, step, view);
    const words = [h("b", null, name), h("br"), isThere ? note : "not yet"];
    return h(
      "div",
      { class: isThere ? null : "later" },
      canvas,
      h("p", { class: "small" }, ...words),
    );
  };
  return [
    panel("before", before, scale, `±${figure(scale, 2)}`, true),
    panel("derivative", derivative, largest, `±${figure(largest, 2)}`, done("gradients")),
    ...(after
      ? [
          panel(
            "after",
            after,
            scale,
            `changed by up to ${figure(step.learning_rate * largest, 2)}`,
            done("update"),
          ),
        ]
      : []),
  ];
}

/**
 * Prepare the figure of the panels.
 * @param {string} id of the model, for the names of files
 * @returns {(step: Step, view: View) => void} draws the panels
 */
export function weightPanels(id) {
  const figure = $("#panels").closest("figure");
  let shown = 0; // the number of the step
  let rows = () => /** @type {ReturnType<typeof weightRows>} */ ([]);
  savable(figure, { name: () => `${id}-step-${shown}-weights`, rows: () => rows() });
  return (step, view) => {
    const panels = panelsOf(step, view);
    $("#panels").replaceChildren(...panels);
    figure.hidden = !panels.length;
    shown = step.step;
    rows = () => weightRows(step, view);
  };
}
