// @ts-check
// The figure "Among the test images": what the network sees, placed among the test images.
import { $, whenSeen } from "../dom.js";
import { projectionFigure } from "../projection.js";
import { CLASSES, PIXELS } from "../sizes.js";
import { featureCount, isDark } from "./input.js";

/** @typedef {import("../types.d.ts").Model} Model */

/** Tell whether the figure can show a model's test images. @param {Model} model */
const isProjected = ({ dataset }) =>
  isDark(dataset) && featureCount(dataset) === PIXELS && dataset.classes.length <= CLASSES;

/** Build the figure. Return a function that updates it. */
export function createAmong() {
  const section = $("#among");
  /** @type {Model | null} */
  let model = null;
  /** @type {number[][] | null} */
  let seen = null;
  /** @type {ReturnType<typeof projectionFigure> | null} */
  let showImage = null;
  let shownId = "";
  let isNear = false;

  function show() {
    section.hidden = !model || !isProjected(model);
    if (!model || section.hidden) return;
    // The empty figure keeps the place of its images.
    if (shownId !== model.id) showImage = projectionFigure($("#projection"), model);
    shownId = model.id;
    if (isNear) return showImage?.(seen);
  }

  whenSeen(section, () => {
    isNear = true;
    return show();
  });
  /**
   * @param {Model | null} newModel
   * @param {number[][] | null} newSeen what the network sees: 28×28 numbers, 0 to 255
   */
  return (newModel, newSeen) => {
    [model, seen] = [newModel, newSeen];
    show();
  };
}
