// @ts-check
// The form that lets a model predict a whole data set.
import { catchProblem, get, post } from "../api.js";
import { keyOf, plural } from "../data/words.js";
import { $, h } from "../dom.js";

/** @typedef {import("../data/words.js").Dataset} Dataset */
/** @typedef {import("../types.d.ts").Model} Model */

/**
 * Tell whether a model takes the samples of a data set.
 * @param {Model} model
 * @param {Dataset} dataset
 */
export const takes = ({ dataset: wanted }, { kind, shape, columns }) =>
  wanted.kind === kind &&
  String(wanted.shape) === String(shape) &&
  (!wanted.columns || !columns || String(wanted.columns) === String(columns));

/** Prepare the button and its dialog. @param {Model} model */
export function preparePrediction(model) {
  const dialog = $("#predicting");
  const [chosen, split] = [$("#predicted-data"), $("#predicted-split")];
  /** @type {Dataset[]} */
  let fitting = [];
  const countSamples = () => {
    const dataset = fitting.find((one) => keyOf(one) === chosen.value);
    for (const option of split.options) {
      const part = option.value === "train" ? dataset?.train : dataset?.test;
      option.textContent = `${option.value}, ${plural(part?.samples ?? 0, "sample")}`;
    }
  };
  /** @param {import("../api.js").ProblemError} problem */
  const fail = ({ errors, detail }) => {
    $("#predicted-fault").textContent = errors[0]?.detail ?? detail;
  };
  const open = async () => {
    const { datasets } = await get("/datasets");
    fitting = datasets.filter((/** @type {Dataset} */ dataset) => takes(model, dataset));
    chosen.replaceChildren(
      ...fitting.map((one) => h("option", { value: keyOf(one) }, one.title || one.name)),
    );
    countSamples();
  };
  const start = async () => {
    const body = { model: model.id, dataset: chosen.value, split: split.value };
    const { id } = await post("/predictions", body);
    location.assign(`/ui/jobs/${id}`);
  };
  chosen.addEventListener("change", countSamples);
  $("#predict-data").addEventListener("click", () => {
    $("#predicted-fault").textContent = "";
    dialog.showModal();
    catchProblem(open, fail);
  });
  $("#unpredicted").addEventListener("click", () => dialog.close());
  $("form", dialog).addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    catchProblem(start, fail);
  });
}
