// @ts-check
// The steps of a model, from the API, and the weights of their layers.
import { get } from "../api.js";
import { allLayers } from "../model/network.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {"exact" | "published"} Kind of the gradient */
/** @typedef {{ dtype: string, shape: number[], data: string }} Packed numbers */
/** @typedef {Float32Array | Float64Array | Uint8Array} Values */

/**
 * @typedef {object} StepLayer the numbers of a layer, as flat lists
 * @property {NetworkLayer} spec
 * @property {number} number from 1
 * @property {boolean} isLast
 * @property {string | null} activation
 * @property {number[]} z
 * @property {number[]} a in the last layer, the probabilities
 * @property {number[] | null} slope
 * @property {number[] | null} bias
 * @property {Record<string, number[]>} delta by the kind of the gradient
 * @property {Record<string, number | null>} angle
 * @property {Record<string, number | null>} ratio
 * @property {{ norm: number, largest: number } | null} gradient
 * @property {{ norm: number, share: number | null } | null} update
 */

/** @typedef {{ loss: number, loss_same_length: number | null, probabilities: number[] }} Outcome */

/**
 * @typedef {object} Step
 * @property {string} model
 * @property {number} step
 * @property {number} steps
 * @property {number} epoch
 * @property {number} learning_rate
 * @property {string} trained_with
 * @property {number} batch_size
 * @property {number} position
 * @property {number} sample
 * @property {number | null} next_epoch
 * @property {number} label
 * @property {number} said
 * @property {Values} raw the sample as it is stored, such as grey values
 * @property {number[]} x the input of the network
 * @property {number} weight of the loss
 * @property {number} loss
 * @property {number[]} probabilities
 * @property {Record<string, Outcome> | null} after by the kind of the gradient
 * @property {StepLayer[]} layers
 * @property {{ snapshot: number, checked_at: number | null, difference: number | null,
 *   goal: number, within_goal: boolean | null }} replay
 * @property {{ mean: number[], deviation: number[] } | null} standardized_by
 * @property {string} pixel_scale
 */

/** @typedef {{ weight: Values, gradient: Values }} Weights of a layer before the step, and ∂C/∂W */

const TYPES = { uint8: Uint8Array, float32: Float32Array, float64: Float64Array };

/** Read numbers in base64, little-endian. @param {Packed} packed @returns {Values} */
export function unpack({ dtype, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return new TYPES[/** @type {keyof typeof TYPES} */ (dtype)](bytes.buffer);
}

/**
 * Calculate the input of the network from a sample, as the API does.
 * @param {Values} raw
 * @param {{ pixel_scale: string, standardized_by: Step["standardized_by"] }} how
 * @param {boolean} isImage
 */
export function networkInput(raw, { pixel_scale, standardized_by }, isImage) {
  const scale = isImage && pixel_scale === "unit" ? 255 : 1;
  return Array.from(raw, (value, i) => {
    const x = value / scale;
    if (!standardized_by) return x;
    const { mean, deviation } = standardized_by;
    return (x - mean[i % mean.length]) / deviation[i % deviation.length];
  });
}

/**
 * Make a step of the JSON of the API.
 * @param {any} answer
 * @param {Model} model
 * @returns {Step}
 */
export function readStep(answer, model) {
  const specs = allLayers(model);
  const raw = unpack(answer.input);
  const flat = (/** @type {any[] | null} */ values) => values && values.flat(Infinity);
  const layers = answer.layers.map((/** @type {any} */ layer, /** @type {number} */ i) => ({
    ...layer,
    spec: specs[i],
    number: i + 1,
    isLast: i === specs.length - 1,
    z: flat(layer.z),
    a: flat(layer.a),
    slope: flat(layer.slope),
    delta: Object.fromEntries(
      Object.entries(layer.delta).map(([kind, values]) => [kind, flat(values)]),
    ),
  }));
  const x = networkInput(raw, answer, model.dataset.kind === "images");
  return { ...answer, raw, x, layers };
}

/** The inputs of a layer: the network's, or the activations of the layer before.
 * @param {Step} step @param {number} number of the layer, from 1 */
export const inputsOf = (step, number) => (number === 1 ? step.x : step.layers[number - 2].a);

const KEPT = 60; // answers; more than a reader goes back and forth between

/** Keep the latest answers of a function of a text. @template T
 * @param {(key: string) => Promise<T>} load */
function remember(load) {
  /** @type {Map<string, Promise<T>>} */
  const kept = new Map();
  return (/** @type {string} */ key) => {
    const answer = kept.get(key) ?? load(key);
    kept.delete(key); // so that it becomes the newest
    kept.set(key, answer);
    if (kept.size > KEPT) kept.delete([...kept.keys()][0]);
    answer.catch(() => kept.delete(key));
    return answer;
  };
}

/** The parameters of a request in the address, without those that are at their defaults.
 * @param {Record<string, string | number | null>} parameters */
function search(parameters) {
  const entries = Object.entries(parameters).filter(([, value]) => value);
  return entries.length ? `?${new URLSearchParams(entries.map(([k, v]) => [k, String(v)]))}` : "";
}

/**
 * Make the functions that load the steps of a model.
 * @param {Model} model
 */
export function stepLoader(model) {
  const path = `/models/${model.id}/steps`;
  const steps = remember(async (key) => readStep(await get(path + key), model));
  const weights = remember(async (key) => {
    const [layer] = (await get(path + key)).layers;
    const unpacked = { weight: unpack(layer.weight), gradient: unpack(layer.gradient.weight) };
    return /** @type {Weights} */ (unpacked);
  });
  /** @param {number} step @param {number} position in the batch */
  const stepKey = (step, position) => `/${step}${search({ sample: position })}`;
  return {
    path,
    /** @param {number} step @param {number} position */
    pathOf: (step, position) => path + stepKey(step, position),
    /** @param {number} step @param {number} position */
    step: (step, position) => steps(stepKey(step, position)),
    /** Load the weights of a layer before a step. @param {Step} step @param {number} number
     * @param {Kind} gradient */
    weights: ({ step, position }, number, gradient) => {
      const kind = gradient === "exact" ? null : gradient;
      const layer = String(number - 1); // as text, because layer 0 is not a default
      return weights(
        `/${step}${search({ include: "weights", layer, sample: position, gradient: kind })}`,
      );
    },
    /** Find a step. @param {"wrong" | "largest"} where @param {number} after */
    find: (where, after) => get(`${path}${search({ where, after })}`),
  };
}

/**
 * Find the step nearest to another one that can be opened: the training kept its parameters only
 * before some steps, and only so many can be replayed from there.
 * @param {{ steps: number, snapshots: number[], reach: number }} index
 * @param {number} step
 */
export function nearestOpenable({ steps, snapshots, reach }, step) {
  const wanted = Math.max(1, Math.min(steps, Math.round(step) || 1));
  const after = snapshots.findIndex((snapshot) => snapshot > wanted);
  const before = snapshots[(after < 0 ? snapshots.length : after) - 1];
  if (wanted < before + reach) return wanted;
  const last = Math.min(steps, before + reach - 1);
  const next = snapshots[after] ?? Infinity;
  return wanted - last <= next - wanted ? last : next;
}

/**
 * Find the first step after another one that can be opened, or null.
 * @param {{ steps: number, snapshots: number[], reach: number }} index
 * @param {number} step
 */
export function nextOpenable(index, step) {
  if (step >= index.steps) return null;
  const next = nearestOpenable(index, step + 1);
  if (next > step) return next;
  return index.snapshots.find((snapshot) => snapshot > step) ?? null;
}
