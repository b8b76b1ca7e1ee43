// @ts-check
// What a prediction depends on: for images, the gradient map, and on request the occlusion map; for
// rows of numbers, the columns with the most influence.
import { catchProblem } from "../api.js";
import { h, notice } from "../dom.js";
import { drawGradient, drawOcclusion } from "../maps/attribution.js";
import { occlusionText } from "../maps/words.js";
import { largestMagnitude } from "../numbers.js";
import { influenceRows } from "./influences.js";
import { isDark, isVectors } from "./input.js";

/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("../types.d.ts").Occlusion} Occlusion */
/** @typedef {import("./input.js").Dataset} Dataset */

const VANISHED = 1e-12; // a gradient below this counts as 0

/**
 * Explain a prediction in words.
 * @param {Prediction | null} prediction
 * @param {boolean} vanished
 * @param {Dataset} dataset
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
 * Say what an occlusion map means.
 * @param {Occlusion} occlusion
 * @param {string} label the class
 */
export const occlusionWords = (occlusion, label) => [
  h("b", null, "What it relies on: "),
  h("b", { class: "blue" }, "blue"),
  ` parts speak for ${label}, because covering them makes it less probable; `,
  h("b", { class: "orange" }, "orange"),
  ` parts speak against it. ${occlusionText(occlusion, label)}`,
];

/**
 * Build the explanation.
 * @param {object} handlers
 * @param {() => (number | null)[]} handlers.deviations those of the columns of vectors
 * @param {() => Promise<Prediction>} handlers.occlude gets the prediction again, with `occlusion`
 */
export function createWhy({ deviations, occlude }) {
  const gradientMap = h("canvas", { class: "heat", role: "img" });
  const why = h("p", { class: "small" });
  const influences = h("ol", { class: "pushes" });
  const occlusionMap = h("canvas", { class: "heat", role: "img" });
  const occlusionNote = h("p", { class: "small" });
  const covered = h("div", { class: "why" }, occlusionMap, occlusionNote); // while it is known
  const button = h(
    "button",
    { class: "button unsaved", type: "button", onclick: () => cover() },
    "Cover parts to see what it relies on",
  );
  const trouble = h("div");
  const element = h(
    "div",
    { class: "reasons" },
    h("div", { class: "why" }, gradientMap, why, influences),
    button,
    trouble,
  );
  /** @type {Prediction | null} */
  let prediction = null;
  /** @type {Dataset | null} */
  let dataset = null;
  /** @type {Occlusion | null} */
  let occlusion = null;

  const seen = () => prediction?.seen?.flat(Infinity) ?? [];

  async function cover() {
    const asked = prediction;
    button.disabled = true;
    await catchProblem(
      async () => {
        const answer = await occlude();
        if (asked !== prediction) return; // something else is shown meanwhile
        occlusion = answer.occlusion ?? null;
        trouble.replaceChildren();
      },
      (problem) => trouble.replaceChildren(notice(problem)),
    );
    button.disabled = !prediction;
    drawCovered();
  }

  function drawCovered() {
    if (occlusion) button.before(covered);
    else covered.remove();
    button.hidden = !dataset || isVectors(dataset) || Boolean(occlusion);
    if (!occlusion || !dataset || !prediction) return;
    drawOcclusion(occlusionMap, occlusion, seen(), dataset);
    occlusionMap.setAttribute("aria-label", `Occlusion map of ${prediction.label}`);
    occlusionNote.replaceChildren(...occlusionWords(occlusion, prediction.label));
  }

  function draw() {
    if (!dataset) return;
    const derivatives = prediction?.gradient?.flat(Infinity) ?? [];
    const vanished = largestMagnitude(derivatives) < VANISHED;
    why.replaceChildren(...whyWords(prediction, vanished, dataset));
    gradientMap.hidden = isVectors(dataset);
    influences.hidden = !isVectors(dataset);
    if (isVectors(dataset)) {
      influences.replaceChildren(
        ...(vanished ? [] : influenceRows(derivatives, dataset, deviations())),
      );
    } else {
      drawGradient(gradientMap, prediction && !vanished ? derivatives : [], seen(), dataset);
      const label = prediction ? `Input gradient of ${prediction.label}` : "No gradient yet";
      gradientMap.setAttribute("aria-label", label);
    }
    drawCovered();
  }

  return {
    element,
    draw,
    /** @param {Prediction | null} newPrediction @param {Dataset} newDataset of the model */
    show(newPrediction, newDataset) {
      if (newPrediction !== prediction) {
        occlusion = null;
        trouble.replaceChildren();
      }
      [prediction, dataset] = [newPrediction, newDataset];
      button.disabled = !prediction;
      draw();
    },
  };
}
