// @ts-check
// The list of hidden layers in the training form: add, move and remove layers, and see their sizes.
// It keeps its value as JSON in a hidden field, so the form treats it like any other field.
import { $ } from "../dom.js";
import { steps } from "../layers.js";
import { areMaps } from "../maps/shapes.js";
import { count } from "../numbers.js";
import { fault, parseField } from "./fields.js";
import { layerRow } from "./layer-row.js";
import { completed, newLayer, sizeText } from "./new-layers.js";

/** @typedef {import("../types.d.ts").HiddenLayer} HiddenLayer */
/** @typedef {import("./layer-row.js").Row} Row */
/** @typedef {{ option?: string, words: string }} Fault of a layer, or of one of its options */
/** @typedef {Fault & { index: number }} Refusal what the API said about a layer */

/** @type {HTMLInputElement} */
const field = $("#layers");
const list = $("#layers-list");
const last = $("#layers-last");
/** @type {import("./new-layers.js").Types} */
const types = JSON.parse(/** @type {string} */ (field.dataset.types));
const most = Number(field.dataset.most);
/** @type {Row[]} */
let rows = [];
/** @type {Refusal[]} */
let refusals = [];
/** @type {import("../layers.js").Ends | undefined} */
let ends;

/** Put a convolution in front of other layers. @param {HiddenLayer[]} others */
export const withConvolution = (others) => [
  { ...newLayer("convolution", types), kernel: 5 },
  newLayer("max-pool", types),
  ...others,
];

/**
 * Read the layers in the address of a page, which may leave out options that have a default.
 * @param {string} text
 * @returns {string | null} the value of the field, or null if these are no layers
 */
export function layersIn(text) {
  const layers = parseField("layers", text || "[]");
  const isList = Array.isArray(layers) && layers.every((one) => Object.hasOwn(types, one?.type));
  return isList ? JSON.stringify(layers.map((one) => completed(one, types))) : null;
}

const layersNow = () => rows.map(({ layer }) => layer);

/** Write the layers into the field, and tell the form. */
function changed() {
  refusals = [];
  field.value = JSON.stringify(layersNow());
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {HiddenLayer[]} layers */
function draw(layers) {
  rows = layers.map((layer, index) =>
    layerRow(layer, index, {
      types,
      isLast: index === layers.length - 1,
      onInput: changed,
      onType: (type) => change(layersNow().with(index, newLayer(type, types)), index),
      onMove: (by) => move(index, by),
      onRemove: () => change(layersNow().toSpliced(index, 1), index),
    }),
  );
  list.replaceChildren(...rows.map(({ item }) => item));
}

/**
 * Show other layers, and put the focus into one of them.
 * @param {HiddenLayer[]} layers
 * @param {number} index
 */
function change(layers, index) {
  draw(layers);
  changed();
  const row = rows[Math.min(index, rows.length - 1)];
  (row ? row.fields.type : $("#layers-add")).focus();
}

/** Move a layer. The focus stays on its button. @param {number} from @param {-1 | 1} by */
function move(from, by) {
  const layers = layersNow();
  layers.splice(from + by, 0, ...layers.splice(from, 1));
  draw(layers);
  changed();
  const { up, down } = rows[from + by];
  const [button, other] = by < 0 ? [up, down] : [down, up];
  (button.disabled ? other : button).focus();
}

/**
 * Find the first option of a layer that is wrong, or return null.
 * @param {HiddenLayer} layer
 * @returns {Fault | null}
 */
function wrongOption(layer) {
  for (const [option, { limits }] of Object.entries(types[layer.type])) {
    const words = fault(/** @type {any} */ (layer)[option], limits);
    if (words) return { option, words: `${option}: ${words}` };
  }
  return null;
}

/**
 * Tell why a layer is impossible, or return null.
 * @param {import("../layers.js").Step | undefined} step
 * @returns {Fault | null}
 */
function impossible(step) {
  if (!step?.fault) return null;
  const window = step.layer.type === "convolution" ? "kernel" : "size";
  return { option: areMaps(step.input) ? window : "type", words: step.fault };
}

/** Work out the sizes of the layers, up to the first one that is wrong. */
function stepsNow() {
  const layers = layersNow();
  const wrong = layers.findIndex((layer) => wrongOption(layer));
  if (!ends) return [];
  return wrong < 0 ? steps(layers, ends) : steps(layers.slice(0, wrong), ends).slice(0, wrong);
}

/** Show the sizes of all layers, and what is wrong. Return the first fault in words, or null. */
function showSizes() {
  const all = stepsNow();
  const faults = rows.map(({ layer, fields, said }, index) => {
    const refusal = refusals.find((one) => one.index === index) ?? null;
    const found = wrongOption(layer) ?? impossible(all[index]) ?? refusal;
    said.className = found ? "fault" : "small";
    said.textContent = found?.words ?? (all[index] ? sizeText(all[index]) : "");
    for (const [name, input] of Object.entries(fields)) {
      const isWrong = found && name === (found.option ?? "type");
      if (isWrong) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    return found && `Layer ${index + 1}: ${found.words}`;
  });
  const step = all[rows.length];
  last.textContent = step
    ? `Then a dense layer for the ${count(step.layer.neurons ?? 0)} classes: ${sizeText(step)}`
    : "";
  return faults.find(Boolean) ?? null;
}

/**
 * Show the layers in the field, for a data set.
 * @param {HiddenLayer[] | null} layers null if the network has only dense layers
 * @param {import("../layers.js").Ends | undefined} dataset
 * @returns the steps of the network as far as it is possible, and what is wrong
 */
export function showLayers(layers, dataset) {
  if (ends !== dataset) refusals = [];
  ends = dataset;
  if (JSON.stringify(layers ?? []) !== JSON.stringify(layersNow())) draw(layers ?? []);
  $("#layers-add").disabled = rows.length >= most;
  const wrong = showSizes();
  return { all: stepsNow(), wrong };
}

/** Show what the API said about the layers. Return the first fault. @param {Refusal[]} all */
export function refuseLayers(all) {
  refusals = all;
  return showSizes();
}

/** Listen to the buttons. */
export function startLayers() {
  list.addEventListener("input", (/** @type {Event} */ event) => {
    event.stopPropagation(); // the form listens to the hidden field
  });
  $("#layers-add").addEventListener("click", () => {
    const before = rows.at(-1)?.layer.type;
    const type =
      before === "convolution" ? "max-pool" : before === "dense" ? "dense" : "convolution";
    change([...layersNow(), newLayer(type, types)], rows.length);
  });
}
