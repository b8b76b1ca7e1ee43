// @ts-check
// The prediction of one model: the class, its certainty, a bar for each class, and an explanation.
import { areDigits } from "../class-names.js";
import { h, plainButton } from "../dom.js";
import { largestMagnitude } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { isDark, isVectors, perPixel } from "./input.js";
import { influenceRows } from "./influences.js";
import { paintInTheme } from "../theme.js";
import { createBars } from "./bars.js";
import { outlineSegments } from "./outline.js";
import { certaintyText, describeModel } from "./words.js";
import { savable } from "../save-figure.js";

/** @typedef {import("./chooser.js").Named} Named */
/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("./bars.js").Unit} Unit */
/** @typedef {ReturnType<typeof createPanel>} Panel */

const VANISHED = 1e-12; // a gradient below this counts as 0
const STRONGEST = 0.995; // quantile of the gradient that gets the strongest color
const ZOOM = 8; // canvas pixels for each pixel of the network

/**
 * Draw the outline of the ink over a heat map.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} values the image that the network sees
 */
function drawOutline(canvas, values) {
  const { width, height } = canvas;
  const small = h("canvas", { width, height });
  small.getContext("2d")?.drawImage(canvas, 0, 0);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  canvas.width = width * ZOOM;
  canvas.height = height * ZOOM;
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  context.strokeStyle = getComputedStyle(document.body).color;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const [x1, y1, x2, y2] of outlineSegments(values, width)) {
    context.moveTo(x1 * ZOOM, y1 * ZOOM);
    context.lineTo(x2 * ZOOM, y2 * ZOOM);
  }
  context.stroke();
}

/**
 * Explain a prediction in words.
 * @param {Prediction | null} prediction
 * @param {boolean} vanished
 * @param {import("./input.js").Dataset} dataset
 */
function whyWords(prediction, vanished, dataset) {
  const title = h("b", null, "What would change its mind: ");
  if (!prediction) return [];
  if (vanished) {
    const words =
      "unknown. The network is saturated, so a small change of any " +
      `${isVectors(dataset) ? "number" : "pixel"} has no effect.`;
    return [title, words];
  }
  if (isVectors(dataset)) {
    return [title, `what one standard deviation more adds to the logit of ${prediction.label}.`];
  }
  if (!isDark(dataset)) {
    return [
      title,
      "lighter ",
      h("b", { class: "blue" }, "blue"),
      ` pixels would raise the logit of ${prediction.label}; lighter `,
      h("b", { class: "orange" }, "orange"),
      " pixels would lower it.",
    ];
  }
  return [
    title,
    "more ink on ",
    h("b", { class: "blue" }, "blue"),
    ` pixels would raise the logit of ${prediction.label}; more on `,
    h("b", { class: "orange" }, "orange"),
    " pixels would lower it. The line is the outline of the ink.",
  ];
}

/**
 * Build a panel with a button that chooses its model.
 * @param {Named} first
 * @param {{ choose: (id: string) => Promise<Named | null>, changed: () => void,
 *   removed: (() => void) | null, deviations: () => (number | null)[] }} handlers if `removed` is
 *   null, the panel has no button "Remove"; `deviations` are those of the columns of vectors
 */
export function createPanel(first, { choose, changed, removed, deviations }) {
  let named = first;
  const button = h("button", { class: "model", type: "button", "aria-haspopup": "dialog" });
  const top = h("output", { class: "top1" });
  const certain = h("span", { class: "sure" });
  const bars = createBars();
  const heatmap = h("canvas", { class: "heat", role: "img" });
  const why = h("p", { class: "small" });
  const influences = h("ol", { class: "pushes" });
  const element = h(
    "article",
    { class: "answer" },
    h("div", { class: "choose" }, button, removed && plainButton("Remove", { onclick: removed })),
    h("p", { class: "verdict" }, top, certain),
    bars.element,
    h("div", { class: "why" }, heatmap, why, influences),
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

  function drawWhy() {
    const { dataset } = model();
    const derivatives = prediction?.gradient?.flat(Infinity) ?? [];
    const vanished = largestMagnitude(derivatives) < VANISHED;
    why.replaceChildren(...whyWords(prediction, vanished, dataset));
    heatmap.hidden = isVectors(dataset);
    influences.hidden = !isVectors(dataset);
    if (isVectors(dataset)) {
      influences.replaceChildren(
        ...(vanished ? [] : influenceRows(derivatives, dataset, deviations())),
      );
      return;
    }
    const [height, width] = dataset.shape;
    const gradient = perPixel(derivatives, dataset);
    const magnitudes = gradient.map(Math.abs).sort((a, b) => a - b);
    const scale = magnitudes[Math.floor(STRONGEST * magnitudes.length)] || 1;
    const none = !prediction || vanished;
    drawHeatmap(heatmap, none ? new Float64Array(height * width) : gradient, scale, width);
    drawOutline(heatmap, isDark(dataset) ? (prediction?.seen?.flat() ?? []) : []);
    const label = prediction ? `Input gradient of ${prediction.label}` : "No gradient yet";
    heatmap.setAttribute("aria-label", label);
  }

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
    top.textContent = prediction?.label ?? "";
    certain.textContent = prediction ? certaintyText(prediction, classes) : message;
    bars.draw(classes, prediction, unit);
    drawWhy();
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
  paintInTheme(() => prediction && drawWhy(), element);
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
