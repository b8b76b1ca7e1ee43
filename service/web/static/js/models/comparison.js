// @ts-check
// What differs between models, and how the figures tell them apart. Needs no browser.
import { valueColor } from "../color.js";
import { fixed, percent } from "../numbers.js";
import { datasetOf, sampleWord, titleOf } from "./card.js";
import { fieldValue, fieldWords, sameValue } from "../recipes.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("./listing.js").Listed} Listed */

export const MOST_COMPARED = 8; // curves that people can still tell apart

// Solid, and dashes that differ also without color: lengths of strokes and gaps in pixels
const DASHES = ["", "6 3", "2 2", "10 3 2 3", "12 4", "6 2 2 2 2 2", "1 4", "16 3 4 3"];

/**
 * @typedef {object} Series how one of the compared models is shown
 * @property {Listed} listed
 * @property {string} mark a letter, or the value of the only field that differs
 * @property {string} label the mark, and unless it is a value, the name
 * @property {string} short the label without a recipe that several names begin with
 * @property {string} color
 * @property {string} dash
 */

/**
 * @typedef {object} FieldRow a field of the recipes
 * @property {string} field its name in words
 * @property {string[]} values of each model
 * @property {boolean} differs
 * @property {boolean[]} rare whether fewer models have a value than the most frequent one; if all
 *   values that differ are equally frequent, all are rare
 */

/** @param {string[]} values */
function rareValues(values) {
  const counts = values.map((value) => values.filter((other) => other === value).length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return counts.map((n) => n < most || (least === most && n < values.length));
}

/**
 * List the fields of the models' recipes, with the value of each model.
 * @param {Model[]} models
 * @returns {FieldRow[]}
 */
export function fieldRows(models) {
  const fields = new Set(models.flatMap(({ recipe }) => Object.keys(recipe)));
  return [...fields].map((field) => {
    const values = models.map(({ recipe }) => recipe[field]);
    const texts = models.map((model) =>
      field === "dataset" ? titleOf(model.dataset) : fieldValue(field, model.recipe[field]),
    );
    return {
      field: field === "name" ? "recipe" : fieldWords(field),
      values: texts,
      rare: rareValues(texts),
      differs: values.some((value) => !sameValue(value, values[0])),
    };
  });
}

/**
 * Find the field whose values order the models: the only one that differs, if it is a number.
 * @param {Model[]} models
 */
export function orderingField(models) {
  const fields = Object.keys(models[0]?.recipe ?? {});
  /** @param {string} field */
  const values = (field) => models.map(({ recipe }) => recipe[field]);
  const differing = fields.filter((field) =>
    values(field).some((value, _, all) => !sameValue(value, all[0])),
  );
  if (differing.length !== 1) return null;
  return values(differing[0]).every((value) => typeof value === "number") ? differing[0] : null;
}

/**
 * Leave out the recipe that names begin with, where several begin with the same: what follows tells
 * them apart, such as "learning rate 0.1".
 * @param {string[]} names
 */
export function distinctParts(names) {
  const starts = names.map((name) => name.split(", ")[0]);
  return names.map((name, i) => {
    const shared = starts.filter((start) => start === starts[i]).length > 1;
    return (shared && name.slice(starts[i].length + 2)) || name;
  });
}

/**
 * Choose a mark, a color and a dash pattern for each model. If one number alone differs, it is the
 * mark, it orders the models, and the colors are on a scale in this order.
 * @param {Listed[]} compared
 * @returns {Series[]}
 */
export function seriesOf(compared) {
  const field = orderingField(compared.map(({ model }) => model));
  if (!field) {
    const parts = distinctParts(compared.map(({ name }) => name));
    return compared.map((listed, i) => {
      const mark = "ABCDEFGH"[i];
      const look = { color: `var(--series-${i + 1})`, dash: DASHES[i] };
      return {
        listed,
        mark,
        label: `${mark} ${listed.name}`,
        short: `${mark} ${parts[i]}`,
        ...look,
      };
    });
  }
  /** @param {Listed} listed */
  const value = ({ model }) => /** @type {number} */ (model.recipe[field]);
  const ranks = [...new Set(compared.map(value))].sort((a, b) => a - b);
  return compared
    .toSorted((a, b) => value(a) - value(b))
    .map((listed) => {
      const mark = String(value(listed));
      const color = valueColor(ranks.indexOf(value(listed)) / (ranks.length - 1));
      return { listed, mark, label: mark, short: mark, color, dash: "" };
    });
}

/** Compare the most and the least accurate model. @param {Series[]} series */
export function verdict(series) {
  const models = series.map(({ listed }) => listed.model);
  const { dataset } = models[0];
  if (models.some((model) => datasetOf(model) !== datasetOf(models[0]))) {
    const reason = "These models were tested on different data sets";
    return `${reason}, so their accuracies cannot be compared.`;
  }
  /** @param {Series} one */
  const accuracy = ({ listed }) => listed.model.evaluation.accuracy;
  const sorted = series.toSorted((a, b) => accuracy(b) - accuracy(a));
  const [best, worst] = [sorted[0], sorted[sorted.length - 1]];
  const field = orderingField(models);
  const words = field && fieldWords(field);
  const points = fixed(100 * (accuracy(best) - accuracy(worst)), 2);
  const highest = percent(accuracy(best), 2);
  const subject = words ? `The ${words} ${best.mark}` : best.label;
  const sentences = [
    points === fixed(0, 2)
      ? `All have an accuracy of ${highest}.`
      : `${subject} has the highest accuracy, ${highest}. ` +
        `This is ${points} percentage points more than ${words ? "with " : ""}${worst.label}.`,
    words && `Nothing but the ${words} differs.`,
    `All were tested on the same ${titleOf(dataset)} ${sampleWord(dataset)}.`,
  ];
  return sentences.filter(Boolean).join(" ");
}
