// @ts-check
// What each hidden layer of a network puts out for one sample: its neurons, or its feature maps.
// A feature map that people choose is shown enlarged.
import { h } from "../dom.js";
import { indexOfLargest } from "../numbers.js";
import { createCells } from "./cells.js";
import { createGrid } from "./grid.js";
import { areMaps, mapShape } from "./shapes.js";
import { layerTitle } from "./words.js";

/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {import("../types.d.ts").LayerActivations} LayerActivations */
/** @typedef {import("./cells.js").Sample} Sample */

/** Name a neuron or a feature map as the API does, such as 1.17. */
export const nameOf = (/** @type {number} */ number, /** @type {number} */ index) =>
  `${number}.${index}`;

/**
 * Build the layers of a network.
 * @param {NetworkLayer[]} layers the hidden layers
 * @param {string} help id of the element that says what the keys do
 * @param {object} handlers
 * @param {(number: number, index: number) => void} handlers.look called when the pointer or the
 *   focus is on a neuron or map of a layer
 * @param {(number: number, index: number) => void} [handlers.toggle] switches it off or on; a
 *   feature map has a button for it
 */
export function createLayers(layers, help, { look, toggle }) {
  const cells = createCells();
  const button = h("button", { class: "button unsaved", type: "button", onclick: switchChosen });
  if (toggle) cells.element.append(button);
  /** @type {(LayerActivations | undefined)[]} */
  let outputs = [];
  /** @type {Sample | null} */
  let sample = null;
  /** @type {Set<string>} */
  let off = new Set();
  /** @type {[number: number, map: number] | null} */
  let chosen = null;
  let hasChosen = false; // whether anyone has chosen a map, or the page for the first output

  const grids = layers.map((layer, index) =>
    createGrid(index + 1, layer.output_shape, help, {
      look: (tile) => look(index + 1, tile),
      choose: (tile) => {
        if (!areMaps(layer.output_shape)) return toggle?.(index + 1, tile);
        hasChosen = true;
        choose(index + 1, tile);
        cells.element.scrollIntoView({ block: "nearest" }); // it may be below many maps
      },
    }),
  );
  const blocks = layers.map((layer, index) =>
    h("div", { class: "layer" }, h("p", { class: "small" }, layerTitle(index + 1, layer))),
  );
  blocks.forEach((block, index) => block.append(grids[index].element));

  function switchChosen() {
    if (chosen) toggle?.(...chosen);
  }

  /** @param {number} number @param {number} map */
  function choose(number, map) {
    chosen = [number, map];
    blocks[number - 1].append(cells.element);
    showChosen();
  }

  /** Choose the map with the largest value of its layer: others may be empty. */
  function chooseFirst() {
    const output = chosen && outputs[chosen[0] - 1]?.activations;
    if (hasChosen || !chosen || !output) return;
    hasChosen = true;
    const { channels } = mapShape(layers[chosen[0] - 1].output_shape);
    chosen = [chosen[0], indexOfLargest(output) % channels];
  }

  function showChosen() {
    grids.forEach((grid, index) => grid.mark(chosen?.[0] === index + 1 ? chosen[1] : null));
    const output = chosen && outputs[chosen[0] - 1];
    cells.element.hidden = !output || !sample;
    if (!chosen || !output || !sample) return;
    const [number, map] = chosen;
    const isOff = off.has(nameOf(number, map));
    cells.show({
      number,
      layer: layers[number - 1],
      map,
      output: output.activations,
      input: number > 1 ? (outputs[number - 2]?.activations ?? null) : null,
      sample,
      winners: output.winners,
      isOff,
    });
    button.textContent = `Switch map ${map} ${isOff ? "on again" : "off"}`;
  }

  return {
    elements: blocks,
    /** Fit the layers to the page. They must be in it. */
    fit() {
      for (const grid of grids) grid.fit();
      const first = layers.findIndex((layer) => areMaps(layer.output_shape));
      if (first >= 0) choose(first + 1, 0);
    },
    /**
     * @param {LayerActivations[] | null} newOutputs one for each layer
     * @param {Sample | null} newSample what the network sees
     * @param {Set<string>} [newOff] what is switched off, such as 1.17
     */
    show(newOutputs, newSample, newOff = new Set()) {
      [outputs, sample, off] = [newOutputs ?? [], newSample, newOff];
      grids.forEach((grid, index) => {
        const prefix = `${index + 1}.`;
        const own = [...off].filter((name) => name.startsWith(prefix));
        const indices = new Set(own.map((name) => Number(name.slice(prefix.length))));
        grid.show(outputs[index]?.activations ?? null, indices);
      });
      chooseFirst();
      showChosen();
    },
  };
}
