// @ts-check
// The caption of the network: what is shown, the sum of the chosen neuron, or the probabilities at
// a point.
import { h } from "../dom.js";
import { probabilitiesAt } from "./network.js";
import { neuronSum } from "./sum.js";
import { neuronName, probeText } from "./words.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Activation} Activation */

const FIRST_LAYER =
  " The dashed line is where the sum is 0. The page of a step shows the weights for standardized " +
  "inputs, as the training uses them.";

/** @param {Activation} activation */
function usualCaption(activation) {
  const middle = activation === "sigmoid" ? "½" : "0";
  return [
    h("b", null, "Each square is a neuron."),
    " It shows the output of the neuron at every point: ",
    h("b", { class: "blue" }, "blue"),
    ` above ${middle}, `,
    h("b", { class: "orange" }, "orange"),
    " below. The large map shows what the whole network predicts: the color of a class where it " +
      "is sure, no color where it is not. Filled points are used for training, hollow points " +
      "only for testing. A ring marks a wrong prediction. Choose a square to see its sum.",
  ];
}

/**
 * Write the caption.
 * @param {Network | null} network null before the training
 * @param {object} options
 * @param {import("./web.js").Neuron | null} options.chosen
 * @param {[number, number] | null} options.probe
 * @param {number} options.last the column of the classes
 * @param {Activation} options.activation
 * @returns {(Node | string)[]}
 */
export function captionOf(network, { chosen, probe, last, activation }) {
  if (probe && network) return [probeText(probe, probabilitiesAt(network, ...probe))];
  if (!chosen) return usualCaption(activation);
  const name = h("b", null, `${neuronName(chosen, last)}.`);
  if (!chosen.column) return [name, " The network receives it as it is."];
  if (!network) return [name];
  const line = chosen.column === 1 ? FIRST_LAYER : "";
  return [name, " ", h("span", { class: "sum" }, neuronSum(network, chosen)), line];
}
