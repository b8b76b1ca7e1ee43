// @ts-check
// Predictions in words. Needs no browser.
import { withArticle } from "../class-names.js";
import { fixed, percent } from "../numbers.js";

/** @typedef {import("../types.d.ts").Prediction} Prediction */

/** Describe how certain a prediction is. @param {number} probability */
export function certainty(probability) {
  if (probability > 0.95) return "very certain";
  if (probability > 0.8) return "fairly certain";
  return probability > 0.5 ? "uncertain" : "guessing";
}

/**
 * Compare a prediction with the next most probable class.
 * @param {Prediction} prediction
 * @param {string[]} classes
 */
export function certaintyText({ probabilities, index, margin, entropy }, classes) {
  const probability = probabilities[index];
  const second = probabilities
    .map((_, i) => i)
    .sort((a, b) => probabilities[b] - probabilities[a])[1];
  const lead = `${Math.round(100 * margin)} points ahead of ${classes[second]}`;
  const most = fixed(Math.log(classes.length), 2);
  return (
    `${percent(probability)}, ${certainty(probability)}. ${lead}; ` +
    `entropy ${fixed(entropy, 2)} of at most ${most} nats.`
  );
}

/**
 * Describe the predictions of all models in one sentence.
 * @param {string[]} labels the class that each model predicts
 */
export function summary(labels) {
  const names = labels.map(withArticle);
  const [first, second] = names;
  if (names.length === 1) return `The model predicts ${first}.`;
  if (new Set(names).size === 1) {
    return `${names.length === 2 ? "Both" : "All"} models predict ${first}.`;
  }
  if (names.length === 2) return `One model predicts ${first}, the other ${second}.`;
  return `The models predict ${names.join(", ")}.`;
}
