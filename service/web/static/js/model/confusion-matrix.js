// @ts-check
// Calculations with a confusion matrix: rows are the true classes, columns the predicted ones.
// Needs no browser.
import { areDigits, withArticle } from "../class-names.js";
import { count, indexOfLargest, sum } from "../numbers.js";

/** Count all images. @param {number[][]} matrix */
export const totalCount = (matrix) => sum(matrix.flat());

/** Count the images on the diagonal. @param {number[][]} matrix */
export const correctCount = (matrix) => sum(matrix.map((row, i) => row[i]));

/** List the counts row by row, with 0 on the diagonal. @param {number[][]} matrix */
export const mistakes = (matrix) =>
  matrix.flatMap((row, label) => row.map((n, predicted) => (label === predicted ? 0 : n)));

/** Find the class that all images are predicted as, or null. @param {number[][]} matrix */
export function onlyPrediction(matrix) {
  const predicted = matrix.map((_, i) => i).filter((i) => matrix.some((row) => row[i]));
  return predicted.length === 1 ? predicted[0] : null;
}

/** Find the most frequent mistake. @param {number[][]} matrix */
export function worstMistake(matrix) {
  const counts = mistakes(matrix);
  const worst = indexOfLargest(counts);
  return {
    label: Math.floor(worst / matrix.length),
    predicted: worst % matrix.length,
    count: counts[worst],
  };
}

/**
 * Say what a cell counts, such as "7 images of a 4, read as 9".
 * @param {string[]} classes
 * @param {number} label
 * @param {number} predicted
 * @param {number} n
 */
export function cellText(classes, label, predicted, n) {
  const images = `${n ? count(n) : "No"} ${n === 1 ? "image" : "images"}`;
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
  const mostCorrect = Math.max(1, ...matrix.map((row, i) => row[i]));
  const mostMistaken = Math.max(1, ...mistakes(matrix));
  return (/** @type {number} */ label, /** @type {number} */ predicted) => {
    const n = matrix[label][predicted];
    return label === predicted ? 0.75 * (n / mostCorrect) ** 3 : -0.8 * Math.sqrt(n / mostMistaken);
  };
}
