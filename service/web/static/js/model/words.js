// @ts-check
// The page of a model in words: what the model reaches, and what its samples and inputs are called.
import { areDigits, haveArticles, withArticle } from "../class-names.js";
import { $, $$ } from "../dom.js";
import { guessingAccuracy, sampleWord } from "../models/card.js";
import { count, percent } from "../numbers.js";
import { isColor, isDark, isVectors } from "../predict/input.js";
import {
  cellText,
  correctCount,
  onlyPrediction,
  totalCount,
  worstMistake,
} from "./confusion-matrix.js";

/** @typedef {import("../types.d.ts").Model} Model */

/** Name a class in a sentence. @param {string[]} classes @param {number} i */
function className(classes, i) {
  if (areDigits(classes)) return classes[i];
  return haveArticles(classes) ? withArticle(classes[i]) : `“${classes[i]}”`;
}

/** @param {Model} model */
export function summary(model) {
  const { classes, dataset, evaluation } = model;
  const { accuracy, confusion_matrix: matrix } = evaluation;
  const [right, total] = [correctCount(matrix), totalCount(matrix)].map(count);
  const share = percent(accuracy, 2);
  const guessing = percent(guessingAccuracy(model), 1);
  const correct =
    `Classifies ${right} of ${total} test ${sampleWord(dataset)} correctly (${share}). ` +
    `Always guessing the most frequent class reaches ${guessing}.`;
  const only = onlyPrediction(matrix);
  if (only != null) {
    const name = className(classes, only);
    return `${correct} It predicts ${name} for every ${sampleWord(dataset, 1)}.`;
  }
  const worst = worstMistake(matrix);
  if (!worst.count) return correct;
  const mistake = cellText(
    classes,
    worst.label,
    worst.predicted,
    worst.count,
    sampleWord(dataset, 1),
  );
  return `${correct} Its most frequent mistake: ${mistake}.`;
}

/** Say what the samples and the inputs of the network are. @param {Model} model */
export function showWords({ dataset }) {
  for (const place of $$("[data-noun]")) {
    place.textContent = sampleWord(dataset, place.dataset.noun === "one" ? 1 : 2);
  }
  const [height, width] = dataset.shape;
  const colors = isColor(dataset) ? "each color of " : "";
  const pixels = `${colors}each of the ${height} × ${width} pixels`;
  $("#inputs").textContent = isVectors(dataset) ? `each of the ${count(height)} columns` : pixels;
  const brighter = isDark(dataset) ? "ink" : "more light";
  $("#larger").textContent = isVectors(dataset) ? "a larger number" : brighter;
}
