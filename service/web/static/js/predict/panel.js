// @ts-check
// The prediction of one model: the class, its certainty, a bar for each class, and an explanation.
import { areDigits, areLong } from "../class-names.js";
import { h, plainButton } from "../dom.js";
import { paintInTheme } from "../theme.js";
import { createBars } from "./bars.js";
import { certaintyText, describeModel } from "./words.js";
import { savable } from "../save-figure.js";
import { createWhy } from "./why.js";

/** @typedef {import("./chooser.js").Named} Named */
/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("./bars.js").Unit} Unit */
/** @typedef {ReturnType<typeof createPanel>} Panel */

/**
 * Build a panel with a button that chooses its model.
 * @param {Named} first
 * @param {{ choose: (id: string) => Promise<Named | null>, changed: () => void,
 *   removed: (() => void) | null, deviations: () => (number | null)[],
 *   occlude: (model: Model) => Promise<Prediction> }} handlers if `removed` is null, the panel has
 *   no button "Remove"; `deviations` are those of the columns of vectors; `occlude` gets the
 *   prediction again, with its occlusion map
 */
export function createPanel(first, { choose, changed, removed, deviations, occlude }) {
  let named = first;
  const button = h("button", { class: "model", type: "button", "aria-haspopup": "dialog" });
  const top = h("output", { class: "top1" });
  const certain = h("span", { class: "sure" });
  const bars = createBars();
  const why = createWhy({ deviations, occlude: () => occlude(model()) });
  const element = h(
    "article",
    { class: "answer" },
    h("div", { class: "choose" }, button, removed && plainButton("Remove", { onclick: removed })),
    h("p", { class: "verdict" }, top, certain),
    bars.element,
    why.element,
  );
  button.addEventListener("click", async () => {
    const chosen = await choose(named.model.id);
    if (!chosen) return;
    named = chosen;
    changed();
  });
  /** @type {Prediction | null} */
  let prediction = null;
  let message = ""; // why there is no prediction

  const model = () => named.model;

  /** Show the prediction. @param {Unit} unit */
  function paint(unit) {
    const { classes } = model();
    const description = h("span", null, describeModel(model()));
    button.replaceChildren(
      h("span", { class: "sr" }, "Model: "),
      h("b", { title: named.name }, named.name),
      description,
    );
    element.setAttribute("aria-label", `What ${named.name} predicts`);
    element.classList.toggle("long", !areDigits(classes));
    element.classList.toggle("longer", areLong(classes));
    top.textContent = prediction?.label ?? "";
    certain.textContent = prediction ? certaintyText(prediction, classes) : message;
    bars.draw(classes, prediction, unit);
    why.show(prediction, model().dataset);
  }

  savable(element, {
    name: "prediction",
    rows: () =>
      model().classes.map((name, i) => ({
        class: name,
        probability: prediction?.probabilities[i],
        logit: prediction?.logits[i],
      })),
  });
  paintInTheme(why.draw, element);
  return {
    element,
    model,
    name: () => named.name,
    paint,
    prediction: () => prediction,
    /**
     * @param {Prediction | null} newPrediction
     * @param {Unit} unit
     * @param {string} [reason] why there is no prediction
     */
    show(newPrediction, unit, reason = "") {
      prediction = newPrediction;
      message = reason;
      paint(unit);
    },
  };
}
