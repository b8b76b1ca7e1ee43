// @ts-check
// The options of layers, and the values they start with. Needs no browser.
import { shapeText } from "../layers.js";
import { count } from "../numbers.js";

/** @typedef {import("../types.d.ts").HiddenLayer} HiddenLayer */
/** @typedef {HiddenLayer["type"]} Type */

/**
 * @typedef {object} Option of a type of layer
 * @property {import("./fields.js").Limits} limits
 * @property {number | null} default
 * @property {string} help
 */

/** @typedef {Record<Type, Record<string, Option>>} Types the options of each type, by name */

/** @type {Record<string, number>} Values of the options of a new layer that have no default. */
const USUAL = { channels: 8, kernel: 3, size: 2, neurons: 32 };

/**
 * Add the options that a layer leaves out, as the API does. Those without a default stay out.
 * @param {HiddenLayer} layer
 * @param {Types} types
 * @returns {HiddenLayer} with the options in the order of the API
 */
export function completed({ type, ...given }, types) {
  const defaults = Object.entries(types[type]).flatMap(([name, { default: value }]) => {
    const usual = type === "max-pool" && name === "stride" ? given.size : value;
    const one = /** @type {any} */ (given)[name] ?? usual;
    return one == null ? [] : [[name, one]];
  });
  return { type, ...Object.fromEntries(defaults), ...given };
}

/**
 * Make a layer with the usual options.
 * @param {Type} type
 * @param {Types} types
 */
export function newLayer(type, types) {
  const usual = Object.keys(types[type]).flatMap((name) =>
    name in USUAL ? [[name, USUAL[name]]] : [],
  );
  return completed({ type, ...Object.fromEntries(usual) }, types);
}

/** Write the sizes of a layer. @param {import("../layers.js").Step} step */
export function sizeText({ input, output, parameters }) {
  const n = parameters ? count(parameters) : "no";
  return `${shapeText(input)} → ${shapeText(output ?? [])}, ${n} parameters`;
}
