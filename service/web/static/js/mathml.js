// @ts-check
// Build formulas in MathML. Needs a browser.

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";
const OPERATORS = new Set([..."=+−·()∑∂←∘,<>′", "max", "log"]);

/** @typedef {Element | string} Part a string is an operator, a number or a variable */

/** @param {string} tag @param {string} text */
function leaf(tag, text) {
  const element = document.createElementNS(NAMESPACE, tag);
  element.textContent = text;
  return element;
}

/** Build the element of an operator, a number or a variable. @param {string} text */
function word(text) {
  if (!OPERATORS.has(text)) return leaf(/^[−\d]/.test(text) ? "mn" : "mi", text);
  const operator = leaf("mo", text);
  if (text === "(" || text === ")") operator.setAttribute("stretchy", "false");
  return operator;
}

/** @param {string} tag @param {Part[]} parts */
function element(tag, parts) {
  const parent = document.createElementNS(NAMESPACE, tag);
  parent.append(...parts.map((part) => (typeof part === "string" ? word(part) : part)));
  return parent;
}

/** Put parts into a row. @param {...Part} parts */
export const row = (...parts) => element("mrow", parts);
/** @param {Part} base @param {Part} low */
export const sub = (base, low) => element("msub", [base, low]);
/** @param {Part} base @param {Part} high */
export const sup = (base, high) => element("msup", [base, high]);
/** @param {Part} base @param {Part} low @param {Part} high */
export const both = (base, low, high) => element("msubsup", [base, low, high]);
/** @param {Part} top @param {Part} bottom */
export const fraction = (top, bottom) => element("mfrac", [top, bottom]);
/** Sum over an index. @param {string} index */
export const sumOver = (index) => element("munder", ["∑", index]);
/** Write words in a formula. @param {string} text */
export const words = (text) => leaf("mtext", text);

/**
 * Write a number, in blue if it is positive and in orange if it is negative.
 * @param {string} text
 * @param {number} [sign]
 */
export function number(text, sign) {
  const element = leaf("mn", text);
  if (sign) element.setAttribute("class", sign < 0 ? "orange" : "blue");
  return element;
}

/** Build a formula within a line. @param {...Part} parts */
export const inline = (...parts) => element("math", [row(...parts)]);

/** Build a formula on a line of its own. @param {...Part} parts */
export function display(...parts) {
  const formula = inline(...parts);
  formula.setAttribute("display", "block");
  return formula;
}

// The quantities of a layer: its number is above, the neuron is below.
/** @param {string} layer @param {Part} neuron */
export const z = (layer, neuron) => both("z", neuron, layer);
/** @param {string} layer @param {Part} neuron */
export const a = (layer, neuron) => both("a", neuron, layer);
/** @param {string} layer @param {Part} neuron */
export const delta = (layer, neuron) => both("δ", neuron, layer);
/** @param {string} layer @param {Part} neuron */
export const bias = (layer, neuron) => both("b", neuron, layer);
/** @param {string} layer @param {string} to @param {string} from */
export const weight = (layer, to, from) => both("w", row(to, ",", from), layer);

/** ∂C/∂ of a quantity. @param {Part} quantity */
export const derivative = (quantity) => fraction(row("∂", "C"), row("∂", quantity));
