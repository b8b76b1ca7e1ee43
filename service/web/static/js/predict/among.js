// @ts-check
// The figure "Among the test samples": what the network sees, placed among the test samples.
import { $, whenSeen } from "../dom.js";
import { projectionFigure } from "../projection.js";

/** @typedef {import("../types.d.ts").Model} Model */

/** Build the figure. Return a function that updates it. */
export function createAmong() {
  const section = $("#among");
  /** @type {Model | null} */
  let model = null;
  /** @type {any[] | null} */
  let seen = null;
  /** @type {ReturnType<typeof projectionFigure> | null} */
  let showImage = null;
  let shownId = "";
  let isNear = false;

  function show() {
    section.hidden = !model;
    if (!model) return;
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
   * @param {any[] | null} newSeen what the network sees, in the shape of a sample
   */
  return (newModel, newSeen) => {
    [model, seen] = [newModel, newSeen];
    show();
  };
}
