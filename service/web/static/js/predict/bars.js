// @ts-check
// A bar for each class.
import { $, h } from "../dom.js";
import { fixed, largestMagnitude } from "../numbers.js";
import { probabilityText } from "./words.js";

/** @typedef {{ index: number, probabilities: number[], logits: number[] }} Outputs */
/** @typedef {"softmax" | "logits"} Unit of the bars */

/** @param {string} name */
const classBar = (name) =>
  h(
    "li",
    null,
    h("span", { class: "name" }, name),
    h("span", { class: "track" }, h("i")),
    h("span", { class: "value" }),
  );

/**
 * Find how far a bar reaches, as a share of its track. Bars of logits start in the middle.
 * @param {Outputs} outputs
 * @param {number} i
 * @param {Unit} unit
 */
function barShare({ probabilities, logits }, i, unit) {
  return unit === "softmax" ? probabilities[i] : logits[i] / largestMagnitude(logits) / 2;
}

/** @param {Element} row @param {number} share @param {Unit} unit */
function drawBar(row, share, unit) {
  const bar = $("i", row);
  bar.classList.toggle("neg", share < 0);
  bar.style.insetInlineStart = unit === "softmax" ? "0" : `${50 + Math.min(0, 100 * share)}%`;
  bar.style.inlineSize = `${Math.abs(100 * share)}%`;
}

/** Build a list of bars, and the function that draws them. */
export function createBars() {
  const element = h("ol", { class: "bars" });
  /** @type {string[] | null} */
  let drawn = null;

  /** @param {string[]} classes @param {Outputs | null} outputs @param {Unit} unit */
  function draw(classes, outputs, unit) {
    if (drawn !== classes) {
      drawn = classes;
      element.replaceChildren(...classes.map(classBar));
    }
    element.classList.toggle("signed", unit === "logits");
    [...element.children].forEach((row, i) => {
      row.classList.toggle("best", i === outputs?.index);
      drawBar(row, outputs ? barShare(outputs, i, unit) : 0, unit);
      const value = (/** @type {Outputs} */ { probabilities, logits }) =>
        unit === "softmax" ? probabilityText(probabilities[i]) : fixed(logits[i], 1);
      $(".value", row).textContent = outputs ? value(outputs) : "";
    });
  }

  return { element, draw };
}
