// @ts-check
// The settings of a training: in the form, in the address and in the request. Needs no browser.
import { parsePoints, pointsText } from "./points.js";

/** @typedef {import("./points.js").Point} Point */
/** @typedef {import("./network.js").Activation} Activation */
/**
 * @typedef {object} Settings
 * @property {string} data a key of `DATA`
 * @property {number[]} hidden
 * @property {Activation} activation
 * @property {number} learning_rate
 * @property {number} batch_size
 * @property {number} epochs
 * @property {"exact" | "published"} gradient
 * @property {number} noise of a generated data set
 * @property {Point[]} points the user's own
 * @property {string} function whose graph divides the points of "function"
 */

/**
 * @typedef {object} Data
 * @property {string} title
 * @property {string} [generate] the shape of a generated data set
 * @property {number} [classes]
 * @property {Partial<Settings>} [usual] settings that suit it better than those of most
 */

/** @type {Record<string, Data>} */
export const DATA = {
  moons: { title: "Two moons", generate: "moons", usual: { hidden: [6], epochs: 200 } },
  circles: { title: "Circles", generate: "circles", usual: { hidden: [6] } },
  xor: { title: "XOR", generate: "xor", usual: { hidden: [4] } },
  "spiral-2": { title: "2 spirals", generate: "spiral", classes: 2 },
  "spiral-3": { title: "3 spirals", generate: "spiral", classes: 3 },
  blobs: {
    title: "4 blobs",
    generate: "blobs",
    classes: 4,
    usual: { hidden: [4], epochs: 50, noise: 0.2 },
  },
  function: { title: "A function", usual: { hidden: [16, 16] } },
  own: { title: "Your own" },
};
const SAMPLES = 300;
export const MOST_LAYERS = 4;
export const MOST_NEURONS = 16;

/** @type {Record<"learning_rate" | "batch_size" | "epochs" | "noise", NumberField>} */
export const NUMBERS = {
  learning_rate: { low: 0, high: 10, above: true },
  batch_size: { low: 1, high: 200, whole: true },
  epochs: { low: 1, high: 1000, whole: true },
  noise: { low: 0, high: 1 },
};
/**
 * @typedef {object} NumberField
 * @property {number} low
 * @property {number} high
 * @property {boolean} [above] the lowest value itself is not allowed
 * @property {boolean} [whole]
 */

/** The settings that suit a data set. @param {string} data @returns {Settings} */
export const usualSettings = (data) => ({
  data,
  hidden: [8, 8],
  activation: "tanh",
  learning_rate: 0.1,
  batch_size: 5,
  epochs: 300,
  gradient: "exact",
  noise: 0.05,
  points: [],
  function: "sin(3*x)/2",
  ...DATA[data].usual,
});

const LAYER_SEPARATOR = "-"; // in the address, which has it as it is

/** Read the sizes of hidden layers; null if they are not allowed. @param {string} text */
export function parseHidden(text) {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  const sizes = parts.map(Number);
  const isAllowed = (/** @type {number} */ size) =>
    Number.isInteger(size) && size >= 1 && size <= MOST_NEURONS;
  return sizes.length <= MOST_LAYERS && sizes.every(isAllowed) ? sizes : null;
}

/**
 * Read a number of the form; null if it is not allowed.
 * @param {keyof typeof NUMBERS} name
 * @param {string | null} text
 */
export function parseNumber(name, text) {
  const { low, high, above, whole } = NUMBERS[name];
  const value = text?.trim() ? Number(text) : NaN;
  const isAllowed = value <= high && (above ? value > low : value >= low);
  return isAllowed && (!whole || Number.isInteger(value)) ? value : null;
}

/** Say which numbers a field allows. @param {keyof typeof NUMBERS} name */
export function allowedText(name) {
  const { low, high, above, whole } = NUMBERS[name];
  const range = above ? `above ${low}, up to ${high}` : `from ${low} to ${high}`;
  return `Enter a ${whole ? "whole " : ""}number ${range}.`;
}

/** Adapt a setting that depends on another one. @param {Settings} settings @returns {Settings} */
const consistent = (settings) =>
  settings.gradient === "published" ? { ...settings, batch_size: 1 } : settings;

/**
 * Read the settings in an address. What is missing or not allowed is as usual.
 * @param {URLSearchParams} query
 */
export function readSettings(query) {
  const data = query.get("data") ?? "";
  const settings = usualSettings(Object.hasOwn(DATA, data) ? data : "spiral-3");
  const hidden = query.get("hidden")?.replaceAll(LAYER_SEPARATOR, ",");
  if (hidden != null) settings.hidden = parseHidden(hidden) ?? settings.hidden;
  const activation = query.get("activation");
  if (activation === "tanh" || activation === "sigmoid" || activation === "relu") {
    settings.activation = activation;
  }
  for (const name of /** @type {(keyof typeof NUMBERS)[]} */ (Object.keys(NUMBERS))) {
    settings[name] = parseNumber(name, query.get(name)) ?? settings[name];
  }
  if (query.get("gradient") === "published") settings.gradient = "published";
  settings.points = parsePoints(query.get("points"));
  settings.function = query.get("function") ?? settings.function;
  return consistent(settings);
}

/**
 * Take the settings that suit another data set, except those that the user has changed.
 * @param {Settings} settings
 * @param {string} data
 * @returns {Settings}
 */
function withData(settings, data) {
  /** @type {Record<string, unknown>} */
  const usual = { ...usualSettings(settings.data) };
  const kept = Object.entries(settings).filter(
    ([name, value]) => String(value) !== String(usual[name]),
  );
  return { ...usualSettings(data), ...Object.fromEntries(kept) };
}

/** Change some settings. @param {Settings} settings @param {Partial<Settings>} changes */
export function changed(settings, changes) {
  const { data } = changes;
  return consistent({ ...(data ? withData(settings, data) : settings), ...changes });
}

/**
 * Write the settings for the address. A parameter that is null is left out.
 * @param {Settings} settings
 * @returns {Record<string, string | number | null>}
 */
export function settingsState(settings) {
  const { data, hidden, points, noise, ...others } = settings;
  const { activation, learning_rate, batch_size, epochs, gradient } = others;
  return {
    data,
    hidden: hidden.join(LAYER_SEPARATOR),
    ...{ activation, learning_rate, batch_size, epochs, gradient },
    noise: DATA[data].generate ? noise : null,
    points: data === "own" && points.length ? pointsText(points) : null,
    function: data === "function" ? others.function : null,
  };
}

/**
 * Describe the data set as POST /train takes it.
 * @param {Settings} settings
 * @param {Point[]} points if it is not generated
 */
export function datasetBody({ data, noise }, points) {
  const { generate, classes } = DATA[data];
  if (!generate) return { points };
  return { generate, ...(classes && { classes }), samples: SAMPLES, noise, seed: 0 };
}

/**
 * Write the request that trains.
 * @param {Settings} settings
 * @param {Point[]} points if the data set is not generated
 */
export function trainBody(settings, points) {
  const { hidden, activation, learning_rate, batch_size, epochs, gradient } = settings;
  return {
    recipe: "playground",
    dataset: datasetBody(settings, points),
    hidden_sizes: hidden,
    ...{ activation, learning_rate, batch_size, epochs, gradient },
  };
}

/**
 * Tell whether a job has trained with these settings, apart from its data set.
 * @param {Settings} settings
 * @param {Record<string, any>} recipe
 */
export const isTrainedSo = (settings, recipe) =>
  Object.entries(trainBody(settings, [])).every(
    ([name, value]) =>
      name === "recipe" || name === "dataset" || String(value) === String(recipe[name]),
  );

/** Count the steps of a training. @param {Settings} settings @param {number} trained points */
export const stepsOf = ({ epochs, batch_size }, trained) =>
  epochs * Math.ceil(trained / batch_size);
