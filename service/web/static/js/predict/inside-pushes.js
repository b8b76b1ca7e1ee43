// @ts-check
// The part of the figure "Inside the network" below the layers: what pushes a logit up and down.
import { $, h, plainButton, renew } from "../dom.js";
import { nameOf } from "../maps/layers.js";
import { areMaps } from "../maps/shapes.js";
import { count, fixed, largestMagnitude } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { shownClasses } from "./bars.js";
import { createClassChoice } from "./class-choice.js";
import { featureCount, isVectors, perPixel } from "./input.js";
import { digitsFor, inputName, leastShown, pushesOf, signed, strongestPushes } from "./pushes.js";

/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {import("./pushes.js").Push} Push */
/** @typedef {{ dataset: import("./input.js").Dataset, classes: string[], layers: NetworkLayer[] }}
 *   Network with its hidden layers */

/** Say what pushes the logits. @param {Network} network */
function pushWords({ dataset, layers }) {
  const shape = layers.at(-1)?.output_shape;
  if (!shape) return isVectors(dataset) ? "the value of each column" : "the value of each pixel";
  return areMaps(shape)
    ? "for each feature map of the last hidden layer, the sum of its cells, each"
    : "the activation of each neuron of the last hidden layer";
}

/**
 * Prepare this part.
 * @param {(name: string) => void} toggle switches a neuron or map off or on, such as 1.17
 */
export function createPushes(toggle) {
  /** @type {Network} */
  let network = { dataset: /** @type {any} */ (null), classes: [], layers: [] };
  /** @type {Prediction | null} */
  let prediction = null;
  /** @type {Prediction | null} */
  let whole = null;
  /** @type {number | null} */
  let chosenClass = null; // null for the predicted class
  const choice = createClassChoice($("#inside-classes"), choose);

  const last = () => prediction?.layers?.at(-1) ?? null;

  /** @param {number} i */
  function choose(i) {
    chosenClass = i;
    draw();
  }

  /** Offer the classes; of many, only those that the bars show at first. */
  function offerClasses() {
    const { classes } = network;
    const shown = shownClasses(classes.length, whole, false);
    if (chosenClass != null && !shown.includes(chosenClass)) shown.push(chosenClass);
    choice.offer(classes, shown);
  }

  /** @param {Push} push @param {number} largest */
  function row({ index, value }, largest) {
    const { dataset, layers } = network;
    const shape = layers.at(-1)?.output_shape;
    const noun = shape && areMaps(shape) ? "map" : "neuron";
    const name = shape ? `${noun} ${index}` : inputName(index, dataset);
    const onclick = () => toggle(nameOf(layers.length, index));
    const bar = h("i", { class: value < 0 ? "down" : "up" });
    bar.style.inlineSize = `${(100 * Math.abs(value)) / largest}%`;
    return h(
      "li",
      null,
      shape ? plainButton(name, { title: "Switch off", onclick }) : h("span", null, name),
      h("span", { class: "track" }, bar),
      h("span", { class: "value" }, signed(value, digitsFor(largest))),
    );
  }

  /** @param {string} verb up or down @param {number} largest */
  const noPush = (verb, largest) => {
    const amount = fixed(leastShown(largest), digitsFor(largest) + 1);
    return h("li", { class: "none" }, `None pushes it ${verb} by ${amount} or more.`);
  };

  /** Show what pushes the logit of the chosen class. */
  function draw() {
    const { dataset, classes, layers } = network;
    const chosen = chosenClass ?? prediction?.index ?? 0;
    const contributions = last()?.contributions?.[chosen] ?? [];
    const all = pushesOf(contributions, layers);
    const { up, down } = strongestPushes(all);
    const largest = largestMagnitude([...up, ...down].map(({ value }) => value));
    const name = classes[chosen] ?? "this class";
    choice.check(chosen);
    for (const [verb, pushes] of /** @type {const} */ ([
      ["up", up],
      ["down", down],
    ])) {
      $(`#inside-${verb} h3`).textContent = `Push ${name} ${verb} the most`;
      const list = $(`#inside-${verb} ol`);
      const hadFocus = list.contains(document.activeElement);
      renew(list, ...pushes.map((push) => row(push, largest)));
      if (all.length && !pushes.length) list.append(noPush(verb, largestMagnitude(all)));
      if (hadFocus && !list.contains(document.activeElement)) $("button", list)?.focus();
    }
    const bias = last()?.biases?.[chosen];
    const logit = last()?.activations[chosen];
    $("#inside-sum").textContent =
      bias === undefined || logit === undefined
        ? ""
        : `The logit of ${name}, ${fixed(logit)}, is the sum of all ${count(all.length)} pushes ` +
          `and the bias, ${fixed(bias)}.`;
    if (layers.length || !dataset || isVectors(dataset)) return;
    const values = contributions.length ? contributions : Array(featureCount(dataset)).fill(0);
    drawHeatmap($("#inside-pixels"), perPixel(values, dataset), largest || 1, dataset.shape[1]);
  }

  return {
    /** Prepare for a network. @param {Network} newNetwork */
    prepare(newNetwork) {
      [network, prediction, whole, chosenClass] = [newNetwork, null, null, null];
      const { dataset, layers } = network;
      $("#inside figure").hidden = layers.length > 0 || isVectors(dataset);
      $("#inside-push").textContent = pushWords(network);
      offerClasses();
    },
    /**
     * @param {Prediction | null} newPrediction with `layers`
     * @param {Prediction | null} newWhole that of the whole network
     */
    show(newPrediction, newWhole) {
      [prediction, whole] = [newPrediction, newWhole];
      offerClasses();
      choice.show(last()?.activations ?? []);
      draw();
    },
  };
}
