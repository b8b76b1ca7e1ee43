// @ts-check
// What the prediction of a data set has found: its figures, its files, and the samples of whose
// class the model is most uncertain.
import { get } from "../api.js";
import { plural } from "../data/words.js";
import { $, facts, h, notice, numberCell, table } from "../dom.js";
import { downloadWith } from "../file-link.js";
import { count, fixed, percent } from "../numbers.js";

/** @typedef {import("../types.d.ts").PredictionJob} PredictionJob */
/** @typedef {import("../types.d.ts").Prediction} Prediction */

/** Say what a job predicts. @param {PredictionJob} job @returns {[string, string | Element][]} */
export function predictionFacts({ prediction: { model, dataset, split, file } }) {
  /** @type {[string, string | Element][]} */
  const samples = file
    ? [["File", `${(file.bytes / 2 ** 20).toFixed(1)} MiB`]]
    : [
        ["Data set", h("a", { href: `/ui/data/${dataset}` }, dataset)],
        ["Samples", split === "train" ? "training samples" : "test samples"],
      ];
  return [["Model", h("a", { href: `/ui/models/${model}` }, model)], ...samples];
}

/** @param {PredictionJob} job @param {"parquet" | "csv"} format */
function fileButton({ id, links }, format) {
  const link = h("a", { class: "button" }, format === "csv" ? "CSV" : "Parquet");
  const path = `${links.result}/result?format=${format}`;
  downloadWith(link, path, `predictions-${id}.${format}`, (problem) =>
    $("#problem").replaceChildren(notice(problem)),
  );
  return link;
}

/** The buttons that download the result. @param {PredictionJob} job */
export const fileButtons = (job) =>
  job.links.result ? [fileButton(job, "csv"), fileButton(job, "parquet")] : [];

/** @param {PredictionJob} job @param {Prediction["uncertain"][number]} sample */
function sampleRow({ prediction: { model, dataset, split } }, sample) {
  const { index, label, predicted, probability, entropy } = sample;
  const href = `/ui/predict?sample=${dataset}-${index}&models=${model}`;
  const wrong = label != null && label !== predicted;
  return h(
    "tr",
    null,
    // The page "Predict" has the test samples.
    numberCell(split === "test" ? h("a", { href }, count(index)) : count(index)),
    h("td", null, label ?? "—"),
    h("td", { class: wrong ? "orange" : null }, predicted),
    numberCell(percent(probability)),
    numberCell(fixed(entropy, 3)),
  );
}

/** @param {Prediction} found @returns {[string, string | Element][]} */
function figures({ samples, evaluation }) {
  const rows = /** @type {[string, string][]} */ ([["Samples", count(samples)]]);
  if (!evaluation) return [...rows, ["Accuracy", "not known"]];
  return [
    ...rows,
    ["Accuracy", percent(evaluation.accuracy, 2)],
    ["Loss", fixed(evaluation.loss, 4)],
    ["Calibration error", percent(evaluation.expected_calibration_error, 2)],
  ];
}

/** Show what a job has found. @param {PredictionJob} job @param {HTMLElement} host */
export async function showPrediction(job, host) {
  /** @type {Prediction} */
  const found = await get(/** @type {string} */ (job.links.result));
  /** @type {import("../dom.js").Header[]} */
  const headers = [
    ["Sample", true],
    ["Class"],
    ["Predicted"],
    ["Probability", true],
    ["Entropy", true],
  ];
  const rows = found.uncertain.map((sample) => sampleRow(job, sample));
  host.replaceChildren(
    h("h2", null, "Result"),
    h("dl", { class: "facts", id: "figures" }, ...facts(figures(found))),
    h("h2", null, "The most uncertain samples"),
    h(
      "p",
      null,
      `The ${plural(rows.length, "sample")} with the highest entropy of the probabilities, in ` +
        "nats. It is 0 if the model is sure, and the largest if all classes are equally probable.",
    ),
    h("div", { class: "scroll" }, table(headers, rows, { id: "uncertain" })),
  );
}
