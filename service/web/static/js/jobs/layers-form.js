// @ts-check
// The list of hidden layers in the training form: add, move and remove layers, and see their sizes.
// It keeps its value as JSON in a hidden field, so the form treats it like any other field.
import { $, h, plainButton } from "../dom.js";
import { parameterCount, shapeText, steps, typeWords } from "../layers.js";
import { count } from "../numbers.js";
import { fault, parseField } from "./fields.js";

/** @typedef {import("../types.d.ts").HiddenLayer} HiddenLayer */
/** @typedef {import("./fields.js").Limits} Limits */
/** @typedef {Record<string, { limits: Limits, default: number | null, help: string }>} Options */
/** @typedef {Record<string, HTMLInputElement>} Inputs of the options of a layer */
/** @typedef {{ item: HTMLElement, layer: HiddenLayer, inputs: Inputs }} Row */

/** @type {Record<string, number>} Values of the options of a new layer that have no default. */
const USUAL = { channels: 8, kernel: 3, size: 2, neurons: 32 };

/** @type {HTMLInputElement} */
const field = $("#layers");
const list = $("#layers-list");
const total = $("#layers-total");
/** @type {Record<HiddenLayer["type"], Options>} */
const types = JSON.parse(field.dataset.types ?? "{}");
const most = Number(field.dataset.most);
/** @type {Row[]} */
let rows = [];
/** @type {{ index: number, words: string }[]} what the API said about the current layers */
let refused = [];
/** @type {import("../layers.js").Ends | undefined} */
let ends;

/** @param {HiddenLayer["type"]} type @returns {HiddenLayer} */
function newLayer(type) {
  const options = Object.entries(types[type]).map(([name, { default: usual }]) => [
    name,
    usual ?? USUAL[name] ?? USUAL.size,
  ]);
  return { type, ...Object.fromEntries(options) };
}

/**
 * Return the layers of a network that begins with a convolution.
 * @param {number[]} sizes neurons of the dense layers after it
 */
export const withConvolution = (sizes) => [
  { ...newLayer("convolution"), kernel: 5 },
  newLayer("max-pool"),
  ...sizes.map((neurons) => ({ type: "dense", neurons })),
];

const layersNow = () => rows.map(({ layer }) => layer);

/** Write the layers into the field, and tell the form. */
function changed() {
  refused = [];
  field.value = JSON.stringify(layersNow());
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {HiddenLayer[]} layers */
function draw(layers) {
  rows = layers.map((layer, index) => row(layer, index, layers.length));
  list.replaceChildren(...rows.map(({ item }) => item));
}

/**
 * Show other layers.
 * @param {HiddenLayer[]} layers
 * @param {number} focus index of the layer that gets the focus
 */
function change(layers, focus) {
  draw(layers);
  changed();
  const next = rows[Math.min(focus, rows.length - 1)];
  (next ? $("select", next.item) : $("#layers-add")).focus();
}

/** @param {number} from @param {number} to */
function move(from, to) {
  const layers = layersNow();
  layers.splice(to, 0, ...layers.splice(from, 1));
  change(layers, to);
}

/**
 * Build the row of a layer.
 * @param {HiddenLayer} layer
 * @param {number} index
 * @param {number} length number of layers
 * @returns {Row}
 */
function row(layer, index, length) {
  const id = `layer-${index}`;
  const name = `Layer ${index + 1}`;
  const type = h(
    "select",
    {
      "aria-label": `${name}: type`,
      onchange: () =>
        change(layersNow().with(index, newLayer(/** @type {any} */ (type.value))), index),
    },
    ...Object.keys(types).map((value) =>
      h("option", { value, selected: value === layer.type }, typeWords(value)),
    ),
  );
  /** @type {Record<string, HTMLInputElement>} */
  const inputs = {};
  const options = Object.entries(types[layer.type] ?? {}).map(([option, { help }]) => {
    const input = h("input", {
      type: "text",
      inputmode: "numeric",
      autocomplete: "off",
      "aria-label": `${name}: ${option}`,
      "aria-describedby": `${id}-said`,
      title: help,
      value: String(/** @type {any} */ (layer)[option] ?? ""),
    });
    input.addEventListener("input", (event) => {
      event.stopPropagation(); // the form listens to the hidden field
      rows[index].layer = { ...rows[index].layer, [option]: parseField("number", input.value) };
      changed();
    });
    inputs[option] = input;
    return h("label", null, h("span", null, option), input);
  });
  /** @param {string} sign @param {string} words @param {boolean} isOff @param {() => void} act */
  const button = (sign, words, isOff, act) =>
    plainButton(sign, {
      "aria-label": `${words} layer ${index + 1}`,
      title: words,
      disabled: isOff,
      onclick: act,
    });
  const item = h(
    "li",
    null,
    h("div", { class: "row" }, type, ...options),
    h(
      "div",
      { class: "row said" },
      h("span", { class: "small", id: `${id}-said` }),
      h(
        "span",
        { class: "row buttons" },
        button("↑", "Move up", index === 0, () => move(index, index - 1)),
        button("↓", "Move down", index === length - 1, () => move(index, index + 1)),
        button("✕", "Remove", false, () => change(layersNow().toSpliced(index, 1), index)),
      ),
    ),
  );
  return { item, layer, inputs };
}

/** Say what is wrong with the options of a layer, or return null. @param {HiddenLayer} layer */
function wrongOption(layer) {
  for (const [name, { limits }] of Object.entries(types[layer.type] ?? {})) {
    const words = fault(/** @type {any} */ (layer)[name], limits);
    if (words) return { name, words: `${name}: ${words}` };
  }
  return null;
}

/** @param {import("../layers.js").Step} step */
const sizeText = ({ input, output, parameters }) =>
  `${shapeText(input)} → ${shapeText(output ?? [])}, ${count(parameters)} parameters`;

/** Show the sizes of all layers, and what is wrong. Return the first fault in words, or null. */
function showSizes() {
  const layers = layersNow();
  const wrongAt = layers.findIndex((layer) => wrongOption(layer));
  const known = wrongAt < 0 ? layers : layers.slice(0, wrongAt);
  const all = ends ? steps(known, ends) : [];
  /** @type {string | null} */
  let first = null;
  rows.forEach(({ item, layer, inputs }, index) => {
    const wrong = wrongOption(layer);
    const step = all[index];
    const api = refused.find((one) => one.index === index)?.words;
    const words = wrong?.words ?? step?.fault ?? api ?? null;
    if (words && first === null) first = `Layer ${index + 1}: ${words}`;
    const said = $(".said > span", item);
    said.className = words ? "fault" : "small";
    said.textContent = words ?? (step && index < known.length ? sizeText(step) : "");
    for (const [name, input] of Object.entries(inputs)) {
      const isWrong = words !== null && (!wrong || wrong.name === name);
      input.setAttribute("aria-invalid", String(isWrong));
    }
  });
  const last = all.at(-1);
  const isWhole = first === null && last?.output && all.length === layers.length + 1;
  total.textContent = isWhole
    ? `Then a dense layer for the classes: ${sizeText(last)}. ` +
      `${count(parameterCount(all))} parameters in all.`
    : "";
  return first;
}

/**
 * Show the layers in the field, for a data set.
 * @param {HiddenLayer[] | null} layers null if the network has only dense layers
 * @param {import("../layers.js").Ends | undefined} dataset
 */
export function showLayers(layers, dataset) {
  ends = dataset;
  if (JSON.stringify(layers ?? []) !== JSON.stringify(layersNow())) {
    draw(layers ?? []);
  }
  $("#layers-add").disabled = rows.length >= most;
  return showSizes();
}

/** Show what the API said about a layer. @param {number} index @param {string} words */
export function refuseLayer(index, words) {
  refused.push({ index, words });
  showSizes();
  Object.values(rows[index]?.inputs ?? {})[0]?.focus();
}

/** Listen to the buttons. */
export function startLayers() {
  $("#layers-add").addEventListener("click", () => {
    const last = rows.at(-1)?.layer.type;
    const next = last === "convolution" ? "max-pool" : last === "dense" ? "dense" : "convolution";
    change([...layersNow(), newLayer(next)], rows.length);
  });
}
