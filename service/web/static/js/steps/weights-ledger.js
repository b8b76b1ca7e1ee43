// @ts-check
// The largest derivatives of the weights into the chosen neuron, and what the update does to them.
import { inline, number } from "../mathml.js";
import { clamp, sum } from "../numbers.js";
import { inputsOf } from "./data.js";
import { channelsOf } from "./layout.js";
import { figure, plainLedger, product, rateText } from "./ledger.js";
import { sourceHead, weightName } from "./names.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {import("./view.js").View} View */

const MOST_WEIGHTS = 5;
const [LEAST_DIGITS, MOST_DIGITS] = [4, 7]; // float32 has 7

/** The largest derivatives of the weights into a neuron, and what they do.
 * @param {Step} step @param {View} view */
export function weightsLedger(step, view) {
  const { layer: at, neuron, gradient } = view;
  const layer = step.layers[at - 1];
  const weights = view.weights.get(at);
  if (!weights) return [];
  const inputs = inputsOf(step, at);
  const size = weights.weight.length / channelsOf(layer);
  const all = Array.from({ length: size }, (_, i) => ({
    i,
    derivative: weights.gradient[neuron * size + i],
    weight: weights.weight[neuron * size + i],
  }));
  const rows = all.sort((one, other) => Math.abs(other.derivative) - Math.abs(one.derivative));
  const shown = rows.slice(0, MOST_WEIGHTS).filter(({ derivative }) => derivative);
  const name = (/** @type {number} */ i) => weightName(step, view, layer, i);
  const delta0 = layer.delta[gradient][neuron];
  const isDense = !layer.spec.kernel;
  const biasDerivative = isDense ? delta0 : sumOfMap(layer, neuron, gradient);
  const head = isDense ? sourceHead(step, view, at) : "weight";
  const rate = step.learning_rate;
  const moves = view.phase.kind === "update" && step.after && step.batch_size === 1;
  if (!moves) {
    const factor = at === 1 ? "x" : "a";
    return [
      plainLedger(
        [head, isDense ? inline("δ", "·", factor) : "", inline("∂C/∂w")],
        [
          ...shown.map(
            ({ i, derivative }) =>
              /** @type {any} */ ([
                name(i),
                isDense ? product(delta0, inputs[i]) : "",
                figure(derivative, 4),
              ]),
          ),
          ["bias", isDense ? "δ" : "", figure(biasDerivative, 4)],
        ],
      ),
    ];
  }
  /** Write a change with enough digits to see it.
   * @param {number} value @param {number} derivative */
  const change = (value, derivative) => {
    const relative = Math.abs((rate * derivative) / value) || 1;
    const digits = clamp(Math.ceil(-Math.log10(relative)) + 2, LEAST_DIGITS, MOST_DIGITS);
    const formula = inline(
      number(figure(value, digits)),
      derivative < 0 ? "+" : "−",
      number(rateText(rate)),
      "·",
      number(figure(Math.abs(derivative), 3)),
    );
    return [formula, figure(value - rate * derivative, digits)];
  };
  return [
    plainLedger(
      [head, inline("w", "−", "η", "·", "∂C/∂w"), "new"],
      [
        ...shown.map(
          ({ i, weight, derivative }) =>
            /** @type {any} */ ([name(i), ...change(weight, derivative)]),
        ),
        /** @type {any} */ (["bias", ...change(layer.bias?.[neuron] ?? 0, biasDerivative)]),
      ],
    ),
  ];
}

/** Add up δ over a map. @param {StepLayer} layer @param {number} channel
 * @param {import("./data.js").Kind} gradient */
function sumOfMap(layer, channel, gradient) {
  const channels = channelsOf(layer);
  return sum(layer.delta[gradient].filter((_, i) => i % channels === channel));
}
