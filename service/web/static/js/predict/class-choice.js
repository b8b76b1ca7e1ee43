// @ts-check
// The classes of a network to choose from, each with its logit on the color of its size.
import { cssColor, textOn } from "../color.js";
import { $, $$, h, renew } from "../dom.js";
import { fixed, largestMagnitude } from "../numbers.js";
import { heatColor } from "../theme.js";
import { digitsFor } from "./pushes.js";

/**
 * Build the choice.
 * @param {HTMLElement} host
 * @param {(label: number) => void} choose
 */
export function createClassChoice(host, choose) {
  /** @type {number[]} */
  let offered = [];
  let names = "";

  /** @param {string} name @param {number} i */
  const choice = (name, i) =>
    h(
      "label",
      null,
      h("input", { type: "radio", name: "inside-class", value: i, onchange: () => choose(i) }),
      h("span", { title: name }, h("b", null, name), h("span", { class: "logit" })),
    );

  return {
    /** @param {string[]} classes @param {number[]} indices of the classes to offer */
    offer(classes, indices) {
      const newNames = JSON.stringify(indices.map((i) => [i, classes[i]]));
      if (names === newNames) return;
      [names, offered] = [newNames, indices];
      const legend = h("legend", { class: "sr" }, "Logits");
      renew(host, legend, ...indices.map((i) => choice(classes[i], i)));
    },
    /** @param {number} chosen */
    check: (chosen) =>
      $$("input", host).forEach((input, i) => (input.checked = offered[i] === chosen)),
    /** @param {number[]} logits of all classes; empty if they are not known */
    show(logits) {
      const scale = largestMagnitude(logits) || 1;
      $$("label > span", host).forEach((cell, place) => {
        const logit = logits[offered[place]];
        const color = heatColor((logit ?? 0) / scale);
        cell.style.background = cssColor(color);
        cell.style.color = textOn(color);
        const text = logit === undefined ? "" : fixed(logit, digitsFor(scale) - 1);
        $(".logit", cell).textContent = text;
      });
    },
  };
}
