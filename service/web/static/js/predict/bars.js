// @ts-check
// A bar for each class.
import { $, h, plainButton } from "../dom.js";
import { count, fixed, largestMagnitude } from "../numbers.js";
import { probabilityText } from "./words.js";

/** @typedef {{ index: number, probabilities: number[], logits: number[] }} Outputs */
/** @typedef {"softmax" | "logits"} Unit of the bars */

export const MOST_BARS = 12; // of more classes, only the most probable ones are shown at first

/** @param {string} name */
const classBar = (name) =>
  h(
    "li",
    null,
    h("span", { class: "name", title: name }, name),
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

/**
 * Choose the classes to show: all in their order, or the most probable ones of many.
 * @param {number} count of classes
 * @param {Outputs | null} outputs
 * @param {boolean} isAll whether to show all of many classes
 */
export function shownClasses(count, outputs, isAll) {
  const all = Array.from({ length: count }, (_, i) => i);
  if (count <= MOST_BARS) return all;
  const logits = outputs?.logits;
  const sorted = logits ? all.toSorted((a, b) => logits[b] - logits[a]) : all;
  return isAll ? sorted : sorted.slice(0, MOST_BARS);
}

/** Build a list of bars, and the function that draws them. */
export function createBars() {
  const list = h("ol", { class: "bars" });
  const button = plainButton("", { onclick: toggle });
  const element = h("div", null, list, button);
  let isAll = false;
  /** @type {[classes: string[], outputs: Outputs | null, unit: Unit]} */
  let drawn = [[], null, "softmax"];
  let shown = "";

  function toggle() {
    isAll = !isAll;
    draw(...drawn);
  }

  /** @param {string[]} classes @param {Outputs | null} outputs @param {Unit} unit */
  function draw(classes, outputs, unit) {
    const isMany = classes.length > MOST_BARS;
    const indices = shownClasses(classes.length, outputs, isAll);
    const names = JSON.stringify(indices.map((i) => classes[i]));
    drawn = [classes, outputs, unit];
    button.hidden = !isMany;
    button.textContent = isAll
      ? `Show the ${MOST_BARS} most probable`
      : `Show all ${count(classes.length)} classes`;
    if (shown !== names) {
      shown = names;
      list.replaceChildren(...indices.map((i) => classBar(classes[i])));
    }
    list.classList.toggle("signed", unit === "logits");
    [...list.children].forEach((row, place) => {
      const i = indices[place];
      row.classList.toggle("best", i === outputs?.index);
      drawBar(row, outputs ? barShare(outputs, i, unit) : 0, unit);
      const value = (/** @type {Outputs} */ { probabilities, logits }) =>
        unit === "softmax" ? probabilityText(probabilities[i]) : fixed(logits[i], 1);
      $(".value", row).textContent = outputs ? value(outputs) : "";
    });
  }

  return { element, draw };
}
