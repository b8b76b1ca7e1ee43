// @ts-check
// The weights that lead to the chosen neuron: before the step, their derivatives, and after it.
import { h } from "../dom.js";
import { drawKernels, drawWeights } from "../model/neuron-view.js";
import { drawHeatmap } from "../pixels.js";
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
 * Build the three panels. What is not computed yet is blank.
 * @param {Step} step
 * @param {View} view
 * @returns {Element[]}
 */
export function weightPanels(step, view) {
  const { layer: at, neuron, phases, phase } = view;
  const weights = view.weights.get(at);
  if (!weights) return [];
  const size = weights.weight.length / channelsOf(step.layers[at - 1]);
  const [before, derivative] = [weights.weight, weights.gradient].map((values) =>
    Array.from(values.slice(neuron * size, (neuron + 1) * size)),
  );
  const after = before.map((weight, i) => weight - step.learning_rate * derivative[i]);
  const [scale, largest] = [scaleOf(before), scaleOf(derivative)];
  const done = (/** @type {string} */ key) =>
    phases.indexOf(phase) >= phases.findIndex((one) => one.key === key);
  const moves = step.after != null && step.batch_size === 1;
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
    panel("before", before, scale, `±${figure(scale, 2)}`, done("forward-1")),
    panel("derivative", derivative, largest, `±${figure(largest, 2)}`, done("gradients")),
    ...(moves
      ? [
          panel(
            "after",
            after,
            scale,
            `moved up to ${figure(step.learning_rate * largest, 2)}`,
            done("update"),
          ),
        ]
      : []),
  ];
}
