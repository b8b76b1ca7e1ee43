// @ts-check
// The layers in the training form: sizes of dense layers, or a list of layers of any type.
import { datasetOf } from "../datasets.js";
import { $ } from "../dom.js";
import { steps } from "../layers.js";
import { valueText } from "../recipes.js";
import { parseField } from "./fields.js";
import { refuseLayers, showLayers, startLayers, withConvolution } from "./layers-form.js";
import { focusOn } from "./marks.js";
import { sketch } from "./sketch.js";

/** @typedef {import("../types.d.ts").HiddenLayer} HiddenLayer */

/** @type {HTMLInputElement} */
const sizes = $("#hidden_sizes");
/** @type {HTMLInputElement} */
export const layers = $("#layers");
/** @type {string | null} */
let fault = null;

/** Say what is wrong with the layers, or return null. */
export const layersFault = () => fault;

/** Show what the API said about layers. @param {import("./layers-form.js").Refusal[]} refusals */
export function showRefusals(refusals) {
  fault = refuseLayers(refusals);
}

/** Read the sizes of dense layers, as far as they are possible. */
const denseLayers = () =>
  /** @type {number[]} */ (parseField("numbers", sizes.value))
    .filter((neurons) => Number.isInteger(neurons) && neurons > 0)
    .map((neurons) => /** @type {HiddenLayer} */ ({ type: "dense", neurons }));

/** Show the layers, their sizes and a sketch of them. @param {Record<string, unknown>} values */
export function showNetwork({ layers, dataset: id }) {
  const dataset = datasetOf(id);
  const { all, wrong } = showLayers(/** @type {HiddenLayer[] | null} */ (layers), dataset);
  fault = wrong;
  $("#layers-field").hidden = !layers;
  $("#sizes-field").hidden = Boolean(layers);
  $("#to-layers").hidden = dataset?.kind === "vectors";
  $("#only-dense").hidden = dataset?.kind !== "vectors";
  if (!dataset) return;
  const drawn = layers
    ? sketch(dataset.shape, all, !wrong)
    : sketch(dataset.shape, steps(denseLayers(), dataset), true);
  $("#sketch").replaceChildren(...drawn);
}

/** Listen to the buttons. @param {() => void} changed called after another field is in use */
export function startNetwork(changed) {
  startLayers();
  $("#to-layers").addEventListener("click", () => {
    layers.value = valueText(withConvolution(denseLayers()));
    sizes.value = ""; // what is wrong in a hidden field counts no longer
    changed();
    focusOn(layers);
  });
  $("#to-sizes").addEventListener("click", () => {
    const all = /** @type {HiddenLayer[]} */ (parseField("layers", layers.value));
    const dense = all.filter(({ type }) => type === "dense");
    sizes.value = valueText(dense.map(({ neurons }) => neurons));
    layers.value = "";
    changed();
    focusOn(sizes);
  });
}
