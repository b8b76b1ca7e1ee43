// @ts-check
// The weights of a layer as images: of the first layer, an image for each neuron or filter; of a
// later convolution, a square for each feature map that a filter reads.
import { catchProblem, get, inTurn } from "../api.js";
import { capitalized } from "../capitalized.js";
import { $, h, notice, whenSeen } from "../dom.js";
import { arrowStep } from "../keys.js";
import { mapShape } from "../maps/shapes.js";
import { describeLayer } from "../maps/words.js";
import { fixed, largestMagnitude } from "../numbers.js";
import { isColor, isVectors } from "../predict/input.js";
import { savable } from "../save-figure.js";
import { paintInTheme } from "../theme.js";
import { FEW, drawChannels, drawTile, weightBars } from "./neuron-view.js";
import { filterChoices } from "./network.js";
import { inputPlace } from "./values.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("./network.js").Choice} Choice */
/** @typedef {"before" | "after" | "difference"} Which weights */
/** @typedef {{ neuron: number, change: number } & Record<Which, number[]>} Neuron */

const NEURONS = 64;

/**
 * @param {{ neuron: number, change: number, before: any[], after: any[] }} answer
 * @returns {Neuron}
 */
function readNeuron({ neuron, change, ...weights }) {
  const [before, after] = [weights.before.flat(2), weights.after.flat(2)];
  return { neuron, change, before, after, difference: after.map((w, k) => w - before[k]) };
}

/**
 * Find the magnitude that gets the strongest color. Before and after training share one scale.
 * @param {Neuron[]} neurons
 * @returns {Record<Which, number>}
 */
function colorScales(neurons) {
  /** @param {Which} which */
  const largest = (which) =>
    largestMagnitude(neurons.map((neuron) => largestMagnitude(neuron[which]))) || 1;
  const common = Math.max(largest("before"), largest("after"));
  return { before: common, after: common, difference: largest("difference") };
}

/** Make a row for each weight. @param {Neuron[]} neurons @param {Choice} choice */
const weightRows = (neurons, choice) =>
  neurons.flatMap(({ neuron, before, after }) =>
    before.map((weight, i) => ({
      [choice.noun]: neuron,
      ...inputPlace(choice, i),
      "weight before training": weight,
      "weight after training": after[i],
    })),
  );

/** Say what the parts of an enlarged image are. @param {Choice} choice */
function partsText({ index, shape, dataset }) {
  if (dataset) return isColor(dataset) ? "From left to right: red, green and blue. " : "";
  const { channels } = mapShape(shape);
  return channels > 1
    ? `A square for each of the ${channels} maps of hidden layer ${index}, in their order. `
    : "";
}

/**
 * Show the weights, one image for each neuron or filter.
 * @param {Model} model
 */
export function showFilters(model) {
  const choices = filterChoices(model);
  let [choice] = choices;
  let turn = 0;
  /** @type {Neuron[]} */
  let neurons = [];
  /** @type {Which} */
  let which = "after";
  let chosen = 0;
  /** @type {HTMLCanvasElement[]} */
  let canvases = [];
  /** @type {HTMLButtonElement[]} */
  let tiles = [];
  const host = $("#tiles");

  function prepare() {
    const shown = Math.min(NEURONS, choice.layer.output_shape.at(-1) ?? 1);
    host.classList.toggle("few", shown <= FEW);
    const space = () => h("div", { class: "tile" }, h("canvas"));
    host.replaceChildren(...Array.from({ length: shown }, space));
  }

  /** @param {number} i */
  function enlarge(i) {
    if (!neurons.length) return;
    chosen = i;
    tiles.forEach((tile, k) => {
      tile.setAttribute("aria-pressed", String(k === i));
      tile.tabIndex = k === i ? 0 : -1;
    });
    const { dataset, noun } = choice;
    const { neuron, change, after } = neurons[i];
    const name = `${noun} ${neuron}`;
    const canvas = h("canvas", { role: "img", "aria-label": `Weights of ${name}` });
    const scale = colorScales(neurons)[which];
    const norm = fixed(Math.hypot(...after), 2);
    const words = h(
      "p",
      { class: "small" },
      `${capitalized(name)}. `,
      partsText(choice),
      `The colors range from `,
      h("b", { class: "orange" }, fixed(-scale, 2)),
      " to ",
      h("b", { class: "blue" }, `+${fixed(scale, 2)}`),
      `. Norm of its trained weights: ${norm}. Norm of their change: ${fixed(change, 2)}.`,
    );
    const weights = neurons[i][which];
    const bars = dataset && isVectors(dataset) && weightBars(dataset, weights, scale);
    $("#large").replaceChildren(bars || canvas, words);
    $("#large").classList.toggle("color", Boolean(dataset && isColor(dataset)));
    if (dataset && !bars) drawChannels(canvas, weights, scale, dataset);
    else if (!bars) drawTile(canvas, weights, scale, choice);
  }

  function redraw() {
    const scale = colorScales(neurons)[which];
    canvases.forEach((canvas, i) => drawTile(canvas, neurons[i][which], scale, choice));
    enlarge(chosen);
  }

  /** @param {number} total */
  function showTiles(total) {
    const { noun } = choice;
    canvases = neurons.map(() => h("canvas"));
    tiles = neurons.map(({ neuron }, i) => {
      const state = { "aria-label": `${capitalized(noun)} ${neuron}`, "aria-pressed": "false" };
      const attributes = { class: "tile", type: "button", ...state, onclick: () => enlarge(i) };
      return h("button", attributes, canvases[i]);
    });
    host.replaceChildren(...tiles);
    $("#tiles-note").textContent =
      tiles.length < total
        ? `The ${tiles.length} of ${total} ${noun}s that training changed most.`
        : `All ${tiles.length} ${noun}s, ordered by how much training changed them.`;
    chosen = 0;
    paintInTheme(redraw, "filters");
  }

  async function load() {
    const mine = ++turn;
    const path = `/models/${model.id}/layers/${choice.index}/filters?limit=${NEURONS}`;
    const answer = await inTurn(() => get(path));
    if (mine !== turn) return; // another layer was chosen meanwhile
    neurons = answer.neurons.map(readNeuron);
    showTiles(answer.count);
  }

  host.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = arrowStep(event.key);
    const at = tiles.findIndex((tile) => tile === document.activeElement);
    if (!step || at < 0) return;
    const columns = getComputedStyle(host).gridTemplateColumns.split(" ").length;
    const next = at + step[0] + columns * step[1];
    if (!tiles[next]) return;
    event.preventDefault();
    tiles[next].focus();
    enlarge(next);
  });
  $("#which").addEventListener("change", (/** @type {Event} */ event) => {
    which = /** @type {Which} */ (/** @type {HTMLInputElement} */ (event.target).value);
    if (neurons.length) redraw();
  });
  const menu = $("#tiles-layer");
  menu.append(
    ...choices.map(({ index, layer }, i) =>
      h("option", { value: i }, `Hidden layer ${index + 1}: ${describeLayer(layer)}`),
    ),
  );
  menu.closest(".field").hidden = choices.length < 2;
  const areFilters = choice.noun === "filter";
  host.classList.toggle("filters", areFilters);
  $("#about-filters").hidden = !areFilters;
  $("#about-neurons").hidden = areFilters;
  if (areFilters) {
    $("#tiles-title").textContent = "Filters";
    $("nav a[href='#tiles-title']").textContent = "Filters";
  }
  menu.addEventListener("change", () => {
    choice = choices[Number(menu.value)];
    neurons = [];
    prepare();
    catchProblem(load, (problem) => host.replaceChildren(notice(problem)));
  });
  prepare();
  whenSeen(host, async () => {
    await load();
    savable(host.closest("figure"), {
      name: `${choices.length > 1 ? "filters" : "first-layer"}-${model.id}`,
      rows: () => weightRows(neurons, choice),
    });
  });
}
