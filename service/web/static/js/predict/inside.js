// @ts-check
// The figure "Inside the network": the activations of each layer, what they add to the logits, and
// neurons or feature maps to switch off.
import { latest } from "../api.js";
import { areDigits, areLong } from "../class-names.js";
import { $, h, notice, whenSeen } from "../dom.js";
import { createLayers, nameOf } from "../maps/layers.js";
import { areMaps, mapShape, networkLayers, valuesOf } from "../maps/shapes.js";
import { mapText } from "../maps/words.js";
import { fixed } from "../numbers.js";
import { savable } from "../save-figure.js";
import { paintInTheme } from "../theme.js";
import { createBars } from "./bars.js";
import { isVectors } from "./input.js";
import { createPushes } from "./inside-pushes.js";
import { insideRows } from "./inside-rows.js";
import { neuronText, offText, pushesOf } from "./pushes.js";
import { probabilityText } from "./words.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("./panel.js").Panel} Panel */

/**
 * Build the figure. Return a function that updates it.
 * @param {(model: Model, options: string) => Promise<Prediction>} request gets a prediction for
 *   what the board shows
 */
export function createInside(request) {
  /** @type {Panel[]} */
  let panels = [];
  /** @type {Panel | null} */
  let panel = null;
  /** @type {Prediction | null} */
  let prediction = null; // with `layers`; null if nothing is drawn
  /** @type {string[]} such as 1.17 */
  let off = [];
  let modelId = "";
  let isSeen = false;
  /** @type {NetworkLayer[]} */
  let layers = [];
  /** @type {ReturnType<typeof createLayers> | null} */
  let figure = null;
  /** @type {[layer: number, neuron: number] | null} */
  let looked = null;
  const pushes = createPushes(toggle);
  const before = createBars();
  const after = createBars();
  $("#inside-before").append(before.element);
  $("#inside-after").append(after.element);

  const classes = () => panel?.model().classes ?? [];
  const whole = () => panel?.prediction() ?? null;
  /** Tell of each layer whether it has feature maps. */
  const kinds = () => layers.map(({ output_shape }) => areMaps(output_shape));

  /** Build the layers of the model. */
  function build() {
    if (!panel) return;
    const model = panel.model();
    $("#inside").classList.toggle("long", !areDigits(classes()));
    $("#inside").classList.toggle("longer", areLong(classes()));
    layers = networkLayers(model);
    figure = createLayers(layers, "inside-help", {
      look,
      toggle: (number, index) => toggle(nameOf(number, index)),
    });
    $("#inside-layers").replaceChildren(...figure.elements);
    figure.fit();
    $("#inside-help-maps").hidden = !kinds().includes(true);
    $("#inside-help-neurons").hidden = !kinds().includes(false);
    for (const id of ["help", "switching", "neuron"]) $(`#inside-${id}`).hidden = !layers.length;
    pushes.prepare({ dataset: model.dataset, classes: model.classes, layers });
  }

  /** Describe what a neuron or a feature map puts out. @param {number} layer @param {number} i */
  function valueText(layer, i) {
    const activations = prediction?.layers?.[layer - 1].activations;
    const { output_shape } = layers[layer - 1];
    if (!activations) return null;
    if (!areMaps(output_shape)) return `activation ${fixed(activations[i], 3)}`;
    const shape = mapShape(output_shape);
    return mapText(valuesOf(activations, shape, i), shape.width);
  }

  /** @param {number} layer @param {number} neuron */
  function look(layer, neuron) {
    looked = [layer, neuron];
    const contributions = prediction?.layers?.at(-1)?.contributions;
    const isLast = layer === layers.length;
    const noun = areMaps(layers[layer - 1].output_shape) ? "map" : "neuron";
    $("#inside-neuron").textContent = neuronText({
      layer,
      name: `${noun} ${neuron}`,
      isOff: off.includes(nameOf(layer, neuron)),
      value: valueText(layer, neuron),
      pushes:
        isLast && contributions ? contributions.map((row) => pushesOf(row, layers)[neuron]) : null,
      classes: classes(),
    });
  }

  /** Switch a neuron or map off, or on again. @param {string} name */
  function toggle(name) {
    off = off.includes(name) ? off.filter((other) => other !== name) : [...off, name];
    load();
  }

  const everything = () => (kinds().includes(true) ? "All maps and neurons" : "All neurons");
  const someOff = () => offText(off, kinds());

  /** Compare the prediction with that of the whole network. */
  function showComparison() {
    before.draw(classes(), whole(), "softmax");
    after.draw(classes(), off.length ? prediction : null, "softmax");
    const what = kinds().includes(true) ? "maps or neurons" : "neurons";
    $("#inside-before h3").textContent = `${everything()} on`;
    $("#inside-after h3").textContent = `With ${off.length ? someOff() : `${what} off: none yet`}`;
    $("#inside-on").disabled = !off.length;
    $("#inside-words").textContent = words();
  }

  function words() {
    /** @param {Prediction} one */
    const text = ({ label, probabilities, index }) =>
      `${label} (${probabilityText(probabilities[index])})`;
    const all = whole();
    if (!all || !prediction) return "There is no prediction to look into.";
    if (!layers.length) return `The network predicts ${text(all)}.`;
    if (!off.length) return `${everything()} are on. The network predicts ${text(all)}.`;
    return `${everything()} on: ${text(all)}. With ${someOff()}: ${text(prediction)}.`;
  }

  function paint() {
    const picture = panel?.model().dataset;
    const values = whole()?.seen?.flat(Infinity);
    const sample = picture && values ? { picture, values } : null;
    figure?.show(prediction?.layers ?? null, sample, new Set(off));
    pushes.show(prediction, whole());
    showComparison();
    if (looked) look(...looked);
  }

  const update = latest(
    async () => {
      const id = modelId;
      const options = `&activations=true${off.length ? `&off=${off}` : ""}`;
      return { id, newest: panel?.prediction() ? await request(panel.model(), options) : null };
    },
    ({ id, newest }) => {
      if (id !== modelId) return; // another model was chosen meanwhile
      prediction = newest;
      $("#inside-trouble").replaceChildren();
      paint();
    },
    (problem) => $("#inside-trouble").replaceChildren(notice(problem)),
  );

  /** Load the activations of what the board shows, if anyone has come near the figure. */
  function load() {
    if (isSeen && panel) return update();
  }

  /** Offer the models of all panels, and keep the chosen one. */
  function offerModels() {
    const select = $("#inside-model");
    const index = Math.max(
      0,
      panels.findIndex((one) => one === panel),
    );
    panel = panels[index] ?? null;
    select.replaceChildren(
      ...panels.map((one, i) => h("option", { value: i, selected: i === index }, one.name())),
    );
    $("#inside").hidden = !panel;
    $("#inside").classList.remove("waiting");
    if (!panel || panel.model().id === modelId) return;
    modelId = panel.model().id;
    [off, looked, prediction] = [[], null, null];
    $("#inside-neuron").textContent = "";
    build();
  }

  $("#inside-model").addEventListener("change", (/** @type {any} */ { target }) => {
    panel = panels[Number(target.value)];
    offerModels();
    load();
  });
  $("#inside-on").addEventListener("click", () => {
    off = [];
    load();
  });
  whenSeen($("#inside"), () => {
    isSeen = true;
    return load();
  });
  paintInTheme(paint, "inside");
  savable($("#inside"), {
    name: "inside-the-network",
    rows: () =>
      insideRows(
        prediction,
        classes(),
        new Set(off),
        panel && isVectors(panel.model().dataset) ? "columns" : "pixels",
      ),
  });

  /** @param {Panel[]} newPanels after a prediction */
  return (newPanels) => {
    panels = newPanels;
    offerModels();
    load();
  };
}
