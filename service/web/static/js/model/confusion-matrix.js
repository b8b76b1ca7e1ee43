// @ts-check
// Calculations with a confusion matrix: rows are the true classes, columns the predicted ones.
// Needs no browser.
import { areDigits, haveArticles, withArticle } from "../class-names.js";
import { count, sum } from "../numbers.js";

/** Count all images. @param {number[][]} matrix */
export const totalCount = (matrix) => sum(matrix.map(sum));

/** Count the images on the diagonal. @param {number[][]} matrix */
export const correctCount = (matrix) => sum(matrix.map((row, i) => row[i]));

/**
 * List the pairs of classes that are confused, the most frequent mistake first.
 * @param {number[][]} matrix
 */
export const confusedPairs = (matrix) =>
  matrix
    .flatMap((row, label) => row.map((n, predicted) => ({ label, predicted, count: n })))
    .filter(({ label, predicted, count: n }) => n && label !== predicted)
    .sort((a, b) => b.count - a.count);

/** Find the class that all images are predicted as, or null. @param {number[][]} matrix */
export function onlyPrediction(matrix) {
  const predicted = matrix.map((_, i) => i).filter((i) => matrix.some((row) => row[i]));
  return predicted.length === 1 ? predicted[0] : null;
}

/** Find the most frequent mistake. @param {number[][]} matrix */
export function worstMistake(matrix) {
  const worst = { label: 0, predicted: 0, count: 0 };
  matrix.forEach((row, label) =>
    row.forEach((n, predicted) => {
      if (label === predicted || n <= worst.count) return;
      Object.assign(worst, { label, predicted, count: n });
    }),
  );
  return worst;
}

/**
 * Say what a cell counts, such as "7 images of a 4, read as 9".
 * @param {string[]} classes
 * @param {number} label
 * @param {number} predicted
 * @param {number} n
 * @param {string} noun what a sample is called
 */
export function cellText(classes, label, predicted, n, noun = "image") {
  const images = `${n ? count(n) : "No"} ${noun}${n === 1 ? "" : "s"}`;
  // Names that people chose are quoted: they may be anything, also several words.
  if (!haveArticles(classes)) {
    const taken = label === predicted ? "recognized" : `taken for “${classes[predicted]}”`;
    return `${images} of “${classes[label]}”, ${taken}`;
  }
  const subject = `${images} of ${withArticle(classes[label])}`;
  if (areDigits(classes)) return `${subject}, read as ${classes[predicted]}`;
  return label === predicted
    ? `${subject}, recognized`
    : `${subject}, taken for ${withArticle(classes[predicted])}`;
}

/**
 * Make a function that returns the number to color a cell by: positive on the diagonal, negative
 * for mistakes. The largest count of each kind gets the strongest color.
 * @param {number[][]} matrix
 */
export function cellScale(matrix) {
  let [mostCorrect, mostMistaken] = [1, 1];
  matrix.forEach((row, label) =>
    row.forEach((n, predicted) => {
      if (label === predicted) mostCorrect = Math.max(mostCorrect, n);
      else mostMistaken = Math.max(mostMistaken, n);
    }),
  );
  return (/** @type {number} */ label, /** @type {number} */ predicted) => {
    const n = matrix[label][predicted];
    return label === predicted ? 0.75 * (n / mostCorrect) ** 3 : -0.8 * Math.sqrt(n / mostMistaken);
  };
}
