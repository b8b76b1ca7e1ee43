// @ts-check
// The learning curves of a model.
import { chart } from "../chart.js";
import { MEAN_WORDS, trainLossWords } from "../curve-words.js";
import { accuracyCurve, lossCurves } from "../curves.js";
import { $ } from "../dom.js";
import { sampleWord, trainedSamples } from "../models/card.js";
import { savable } from "../save-figure.js";
import { curveRows } from "../save/csv.js";

/** @typedef {import("../types.d.ts").Model} Model */

/** @param {Model} model @param {import("../types.d.ts").Epoch[] | undefined} published */
export function drawCurves(model, published) {
  const { id, classes, dataset, history, losses } = model;
  const { epochs } = model.recipe;
  const trained = trainedSamples(model);
  $("#learned-train").textContent = losses?.length
    ? trainLossWords(losses, epochs, sampleWord(dataset))
    : MEAN_WORDS;
  if (history.some((row) => row.validation_loss != null)) {
    $("#learned-validation").textContent = "Dashed: the validation loss.";
    $("#accuracy-validation").textContent = "Dashed: the validation accuracy.";
  }
  if (published) $("#learned-published").textContent = "Grey: the published run.";
  chart($("#learned"), (width) =>
    lossCurves({
      width,
      height: 330,
      history,
      losses,
      published,
      epochs,
      sizes: { classes: classes.length, trained },
    }),
  );
  const points = published?.filter((row) => row.test_accuracy != null && row.epoch <= epochs);
  chart($("#accuracy"), (width) => accuracyCurve({ width, history, published: points, epochs }));
  savable($("#learned").closest("figure"), {
    name: `loss-${id}`,
    rows: () => curveRows(history, { losses, published, trained }),
  });
  savable($("#accuracy").closest("figure"), {
    name: `accuracy-${id}`,
    rows: () => curveRows(history, { published, trained }),
  });
}
