// @ts-check
// Predictions and models in words.
import { withArticle } from "../class-names.js";
import { clamp, count, fixed, percent, shareText } from "../numbers.js";
import { localText } from "../times.js";
import { isVectors, keyOf } from "./input.js";

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

/** What the classes of the built-in data sets are. @type {Record<string, string>} */
const KNOWN = { mnist: "digits", "fashion-mnist": "clothes, shoes and bags" };
const MOST_NAMED = 6; // classes in a sentence

/** @typedef {import("./input.js").Dataset} Dataset */
/** @typedef {{ label: string, probability: number, dataset: Dataset }} Answer of a model */

/** Say what the classes of a data set are. @param {Dataset} dataset */
function classesText(dataset) {
  const { classes, title } = dataset;
  if (keyOf(dataset) in KNOWN) return KNOWN[keyOf(dataset)];
  if (classes.length > MOST_NAMED) return `the ${count(classes.length)} classes of ${title}`;
  return `${classes.slice(0, -1).join(", ")} and ${classes.at(-1)}`;
}

/**
 * Name a class in a sentence: those of the built-in data sets are nouns.
 * @param {string} label
 * @param {Dataset} dataset
 */
const className = (label, dataset) => (keyOf(dataset) in KNOWN ? withArticle(label) : label);

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
          dataset,
        },
      ]
    : [];

/** @param {Answer} answer */
const answerText = ({ label, probability, dataset }) =>
  `${className(label, dataset)} (${probabilityText(probability)})`;

/** Describe the answers of models of the same data set. @param {Answer[]} answers */
function agreement(answers) {
  const texts = answers.map(answerText);
  const all = texts.length === 2 ? "Both" : "All";
  const percents = answers.map(({ probability }) => probabilityText(probability)).join(", ");
  if (texts.length === 1) return `The model predicts ${texts[0]}.`;
  if (new Set(answers.map(({ label }) => label)).size === 1) {
    const name = className(answers[0].label, answers[0].dataset);
    return `${all} models predict ${name} (${percents}).`;
  }
  if (texts.length === 2) return `One model predicts ${texts[0]}, the other ${texts[1]}.`;
  return `The models predict ${texts.join(", ")}.`;
}

/**
 * Describe the predictions of all models.
 * @param {Answer[]} answers one of each model
 */
export function summary(answers) {
  const datasets = new Map(answers.map(({ dataset }) => [dataset.id, dataset]));
  if (datasets.size === 1) return agreement(answers);
  return Array.from(datasets.values(), (dataset) => {
    const own = answers.filter((answer) => answer.dataset.id === dataset.id);
    return `Trained only on ${classesText(dataset)}: ${own.map(answerText).join(", ")}.`;
  }).join(" ");
}

/**
 * Say what models know that were trained on other images than the one shown: they name everything
 * after it. Models of several data sets are left out, since their summary says it.
 * @param {Dataset[]} trained the data set of each model
 * @param {Dataset | null} shown the data set of a test image; null for any other image
 */
export function knowledge(trained, shown) {
  const ids = new Set(trained.map(({ id }) => id));
  if (ids.size !== 1 || (shown ? ids.has(shown.id) : keyOf(trained[0]) === "mnist")) return "";
  const subject = trained.length === 1 ? "The model knows" : "The models know";
  return ` ${subject} only ${classesText(trained[0])}.`;
}

/**
 * Say what a test sample is.
 * @param {{ label: number, dataset: Dataset } | null} test
 */
export function truthText(test) {
  if (!test) return "";
  const name = className(test.dataset.classes[test.label], test.dataset);
  return isVectors(test.dataset)
    ? ` The test sample is ${name}.`
    : ` The test image shows ${name}.`;
}

/** Say what people do on the page. @param {Dataset} dataset of the first model */
export function pageTitle(dataset) {
  if (isVectors(dataset)) return "Enter numbers";
  return keyOf(dataset) === "mnist" ? "Draw a digit" : "Draw an image";
}

/** Describe a model, so that it can be told apart from others. @param {Model} model */
export function describeModel({ dataset, evaluation, created_at }) {
  const right = `${percent(evaluation.accuracy, 2)} right on ${dataset.title}`;
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
