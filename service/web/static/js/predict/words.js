// @ts-check
// Predictions and models in words.
import { withArticle } from "../class-names.js";
import { clamp, fixed, percent, shareText } from "../numbers.js";
import { datasetName } from "../recipes.js";
import { localText } from "../times.js";

/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("../types.d.ts").Model} Model */

/** Describe how certain a prediction is. @param {number} probability */
export function certainty(probability) {
  if (probability > 0.95) return "very certain";
  if (probability > 0.8) return "fairly certain";
  return probability > 0.5 ? "uncertain" : "very uncertain";
}

/**
 * Write a probability. A softmax is never exactly 0 or 1, but floating-point numbers round it.
 * @param {number} p
 */
export const probabilityText = (p) =>
  shareText(clamp(p, Number.MIN_VALUE, 1 - Number.EPSILON / 2), 1);

/** Write an entropy in nats. It is above 0, like all probabilities. @param {number} nats */
const natsText = (nats) => (nats < 0.005 ? "under 0.01" : fixed(nats, 2));

/** Write the distance of two probabilities in percentage points. @param {number} margin */
function leadText(margin) {
  const points = Number((100 * margin).toFixed(1));
  if (points === 100) return "over 99.9 percentage points";
  if (points === 0 && margin > 0) return "under 0.1 percentage points";
  return `${points} ${points === 1 ? "percentage point" : "percentage points"}`;
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
    .filter((i) => i !== index)
    .reduce((best, i) => (probabilities[i] > probabilities[best] ? i : best));
  const lead = `${leadText(margin)} ahead of ${classes[second]}`;
  const guessing = fixed(Math.log(classes.length), 2);
  return (
    `${probabilityText(probability)}, ${certainty(probability)}, ${lead}; ` +
    `uncertainty ${natsText(entropy)} (guessing: ${guessing} nats)`
  );
}

/** What the classes of a data set are. @type {Record<string, string>} */
const KNOWN = { mnist: "digits", "fashion-mnist": "clothes, shoes and bags" };

/** @typedef {{ label: string, probability: number, dataset: string }} Answer of a model */

/**
 * List the answer of a model, if there is one.
 * @param {Prediction | null} prediction
 * @param {Model} model
 * @returns {Answer[]}
 */
export const answerOf = (prediction, { dataset }) =>
  prediction
    ? [
        {
          label: prediction.label,
          probability: prediction.probabilities[prediction.index],
          dataset: dataset.name,
        },
      ]
    : [];

/** @param {Answer} answer */
const answerText = ({ label, probability }) =>
  `${withArticle(label)} (${probabilityText(probability)})`;

/** Describe the answers of models of the same data set. @param {Answer[]} answers */
function agreement(answers) {
  const texts = answers.map(answerText);
  const all = texts.length === 2 ? "Both" : "All";
  const percents = answers.map(({ probability }) => probabilityText(probability)).join(", ");
  if (texts.length === 1) return `The model predicts ${texts[0]}.`;
  if (new Set(answers.map(({ label }) => label)).size === 1) {
    return `${all} models predict ${withArticle(answers[0].label)} (${percents}).`;
  }
  if (texts.length === 2) return `One model predicts ${texts[0]}, the other ${texts[1]}.`;
  return `The models predict ${texts.join(", ")}.`;
}

/**
 * Describe the predictions of all models.
 * @param {Answer[]} answers one of each model
 */
export function summary(answers) {
  const datasets = [...new Set(answers.map(({ dataset }) => dataset))];
  if (datasets.length === 1) return agreement(answers);
  return datasets
    .map((dataset) => {
      const own = answers.filter((answer) => answer.dataset === dataset);
      return `Trained only on ${KNOWN[dataset]}: ${own.map(answerText).join(", ")}.`;
    })
    .join(" ");
}

/**
 * Say what models know that were trained on other images than the one shown: they name everything
 * after it. Models of several data sets are left out, since their summary says it.
 * @param {string[]} trained the data set of each model
 * @param {string} shown the data set of the image
 */
export function knowledge(trained, shown) {
  const datasets = [...new Set(trained)];
  if (datasets.length !== 1 || datasets[0] === shown) return "";
  const subject = trained.length === 1 ? "The model knows" : "The models know";
  return ` ${subject} only ${KNOWN[datasets[0]]}.`;
}

/**
 * Say what a test image shows, if a model tells the names of its classes.
 * @param {import("./history.js").TestImage | null} test
 * @param {Model[]} models
 */
export function truthText(test, models) {
  const model = test && models.find(({ dataset }) => dataset.name === test.dataset);
  return model ? ` The test image shows ${withArticle(model.classes[test.label])}.` : "";
}

/** Describe a model, so that it can be told apart from others. @param {Model} model */
export function describeModel({ dataset, evaluation, created_at }) {
  const right = `${percent(evaluation.accuracy, 2)} right on ${datasetName(dataset.name)}`;
  return `${right}, ${localText(created_at, false)}`;
}

/**
 * Tell whether a model contains all words of a search.
 * @param {{ model: Model, name: string }} named
 * @param {string} search
 */
export function matches({ model, name }, search) {
  const text = [name, model.recipe.name, describeModel(model), model.id, ...(model.tags ?? [])];
  const all = text.join(" ").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

const NOT_AN_IMAGE = {
  title: "This file is not an image",
  detail: "PNG, JPEG, GIF, BMP, WebP and TIFF can be read.",
};

/**
 * Say in plain words why a file was rejected.
 * @param {{ status: number, title: string, details: string }} problem of the API
 */
export function fileFault({ status, title, details }) {
  if (![400, 415, 422].includes(status)) return { title, detail: details };
  const isImage = /^(has|is) /.test(details) && !details.startsWith("is not an image");
  return isImage ? { title: "This image cannot be read", detail: `It ${details}.` } : NOT_AN_IMAGE;
}
