// @ts-check
// The figure "Inside the network": the activations of each layer, what they add to the logits, and
// neurons to switch off.
import { latest } from "../api.js";
import { areDigits } from "../class-names.js";
import { $, h, notice, plainButton, renew, whenSeen } from "../dom.js";
import { count, fixed, largestMagnitude } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { savable } from "../save-figure.js";
import { paintInTheme } from "../theme.js";
import { createBars, shownClasses } from "./bars.js";
import { createClassChoice } from "./class-choice.js";
import { featureCount, isVectors, perPixel } from "./input.js";
import { createNeurons } from "./neurons.js";
import { insideRows } from "./inside-rows.js";
import { digitsFor, inputName, leastShown, neuronText, signed, strongestPushes } from "./pushes.js";
import { probabilityText } from "./words.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("./panel.js").Panel} Panel */
/** @typedef {import("./pushes.js").Push} Push */

/** @param {number} layer @param {number} size */
const layerTitle = (layer, size) =>
  `Hidden layer ${layer}: ${count(size)} ${size === 1 ? "neuron" : "neurons"}`;

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
  /** @type {number | null} */
  let chosenClass = null; // null for the predicted class
  let modelId = "";
  let isSeen = false;
  /** @type {ReturnType<typeof createNeurons>[]} */
  let grids = [];
  /** @type {[layer: number, neuron: number] | null} */
  let looked = null;
  const choice = createClassChoice($("#inside-classes"), choose);
  const before = createBars();
  const after = createBars();
  $("#inside-before").append(before.element);
  $("#inside-after").append(after.element);

  const layers = () => prediction?.layers ?? null;
  const last = () => layers()?.at(-1) ?? null;
  const shownClass = () => chosenClass ?? prediction?.index ?? 0;
  const classes = () => panel?.model().classes ?? [];

  /** Build the cells of all layers of the model. */
  function build() {
    if (!panel) return;
    const { recipe } = panel.model();
    $("#inside").classList.toggle("long", !areDigits(classes()));
    grids = recipe.hidden_sizes.map((size, index) =>
      createNeurons(index + 1, size, {
        look: (neuron) => look(index + 1, neuron),
        toggle: (neuron) => toggle(`${index + 1}.${neuron}`),
      }),
    );
    $("#inside-layers").replaceChildren(
      ...grids.flatMap(({ element }, index) => [
        h("p", { class: "small" }, layerTitle(index + 1, recipe.hidden_sizes[index])),
        element,
      ]),
    );
    for (const grid of grids) grid.fit();
    $("#inside figure").hidden = grids.length > 0 || isVectors(panel.model().dataset);
    $("#inside-push").textContent = grids.length
      ? "the activation of each neuron of the last hidden layer"
      : isVectors(panel.model().dataset)
        ? "the value of each column"
        : "the value of each pixel";
    for (const id of ["help", "switching", "neuron"]) $(`#inside-${id}`).hidden = !grids.length;
    offerClasses();
  }

  /** Offer the classes; of many, only those that the bars show at first. */
  function offerClasses() {
    const shown = shownClasses(classes().length, panel?.prediction() ?? null, false);
    if (chosenClass != null && !shown.includes(chosenClass)) shown.push(chosenClass);
    choice.offer(classes(), shown);
  }

  /** @param {number} i */
  function choose(i) {
    chosenClass = i;
    showPushes();
  }

  /** @param {number} layer @param {number} neuron */
  function look(layer, neuron) {
    looked = [layer, neuron];
    const isLast = layer === grids.length;
    $("#inside-neuron").textContent = neuronText({
      layer,
      neuron,
      isOff: off.includes(`${layer}.${neuron}`),
      activation: layers()?.[layer - 1].activations[neuron] ?? null,
      pushes: isLast ? (last()?.contributions?.map((row) => row[neuron]) ?? null) : null,
      classes: classes(),
    });
  }

  /** Switch a neuron off, or on again. @param {string} neuron */
  function toggle(neuron) {
    off = off.includes(neuron) ? off.filter((other) => other !== neuron) : [...off, neuron];
    load();
  }

  /** @param {Push} push @param {number} largest */
  function pushRow({ index, value }, largest) {
    const isNeuron = grids.length > 0;
    const dataset = panel?.model().dataset;
    const name = isNeuron || !dataset ? `neuron ${index}` : inputName(index, dataset);
    const neuron = `${grids.length}.${index}`;
    const bar = h("i", { class: value < 0 ? "down" : "up" });
    bar.style.inlineSize = `${(100 * Math.abs(value)) / largest}%`;
    return h(
      "li",
      null,
      grids.length
        ? plainButton(name, { title: "Switch off", onclick: () => toggle(neuron) })
        : h("span", null, name),
      h("span", { class: "track" }, bar),
      h("span", { class: "value" }, signed(value, digitsFor(largest))),
    );
  }

  /** @param {string} verb up or down @param {number} largest */
  const noPush = (verb, largest) => {
    const amount = fixed(leastShown(largest), digitsFor(largest) + 1);
    return h("li", { class: "none" }, `None pushes it ${verb} by ${amount} or more.`);
  };

  /** Show which neurons push the logit of the chosen class. */
  function showPushes() {
    const chosen = shownClass();
    const row = last()?.contributions?.[chosen] ?? [];
    const { up, down } = strongestPushes(row);
    const largest = largestMagnitude([...up, ...down].map(({ value }) => value));
    const name = classes()[chosen] ?? "this class";
    choice.check(chosen);
    for (const [id, pushes, verb] of /** @type {const} */ ([
      ["up", up, "up"],
      ["down", down, "down"],
    ])) {
      $(`#inside-${id} h3`).textContent = `Push ${name} ${verb} the most`;
      const list = $(`#inside-${id} ol`);
      const hadFocus = list.contains(document.activeElement);
      renew(list, ...pushes.map((push) => pushRow(push, largest)));
      if (row.length && !pushes.length) list.append(noPush(verb, largestMagnitude(row)));
      if (hadFocus && !list.contains(document.activeElement)) $("button", list)?.focus();
    }
    const bias = last()?.biases?.[chosen];
    const logit = last()?.activations[chosen];
    $("#inside-sum").textContent =
      bias === undefined || logit === undefined
        ? ""
        : `The logit of ${name}, ${fixed(logit)}, is the sum of all ${count(row.length)} pushes ` +
          `and the bias, ${fixed(bias)}.`;
    if (grids.length || !panel || isVectors(panel.model().dataset)) return;
    const { dataset } = panel.model();
    const values = row.length ? row : Array(featureCount(dataset)).fill(0);
    drawHeatmap($("#inside-pixels"), perPixel(values, dataset), largest || 1, dataset.shape[1]);
  }

  /** Compare the prediction with that of the whole network. */
  function showComparison() {
    const whole = panel?.prediction() ?? null;
    before.draw(classes(), whole, "softmax");
    after.draw(classes(), off.length ? prediction : null, "softmax");
    const someOff = `${off.length} ${off.length === 1 ? "neuron" : "neurons"} off`;
    $("#inside-after h3").textContent = off.length
      ? `With ${someOff}`
      : "With neurons off: none yet";
    $("#inside-on").disabled = !off.length;
    $("#inside-words").textContent = words(whole, someOff);
  }

  /** @param {Prediction | null} whole @param {string} someOff */
  function words(whole, someOff) {
    /** @param {Prediction} one */
    const text = ({ label, probabilities, index }) =>
      `${label} (${probabilityText(probabilities[index])})`;
    if (!whole || !prediction) return "There is no prediction to look into.";
    if (!grids.length) return `The network predicts ${text(whole)}.`;
    if (!off.length) return `All neurons are on. The network predicts ${text(whole)}.`;
    return `All neurons on: ${text(whole)}. With ${someOff}: ${text(prediction)}.`;
  }

  function paint() {
    grids.forEach((grid, index) => {
      const prefix = `${index + 1}.`;
      const own = off.filter((neuron) => neuron.startsWith(prefix));
      const indices = new Set(own.map((neuron) => Number(neuron.slice(prefix.length))));
      grid.show(layers()?.[index].activations ?? null, indices);
    });
    offerClasses();
    choice.show(last()?.activations ?? []);
    showPushes();
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
    [off, chosenClass, looked, prediction] = [[], null, null, null];
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
