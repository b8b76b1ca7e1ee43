// @ts-check
// Words and symbols that the explanations of the phases have in common.
import { h } from "../dom.js";
import { a, sub } from "../mathml.js";

/** @typedef {import("../dom.js").Child} Child */
/** @typedef {{ title: string, text: Child[], formulas: Element[] }} PhaseText */

export const blue = (/** @type {string} */ text) => h("b", { class: "blue" }, text);
export const orange = (/** @type {string} */ text) => h("b", { class: "orange" }, text);

/** What the input of a layer is called in formulas.
 * @param {number} number @param {import("../mathml.js").Part} index */
export const source = (number, index) =>
  number === 1 ? sub("x", index) : a(String(number - 1), index);
