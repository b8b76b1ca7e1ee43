// @ts-check
// What neurons add to the logits, in numbers and words. Needs no browser.
import { mapShape, perChannel } from "../maps/shapes.js";
import { fixed, largestMagnitude } from "../numbers.js";
import { isVectors } from "./input.js";

/** @typedef {{ index: number, value: number }} Push */

const MOST_PUSHES = 5; // of each direction
const MOST_LOGITS = 12; // that a neuron's description names
const CHANNELS = ["red", "green", "blue"];

/**
 * Get what each neuron or each feature map of the last hidden layer adds to a logit: of a map, the
 * sum of what its cells add. Without hidden layers, what each input adds.
 * @param {number[]} contributions to a logit
 * @param {import("../types.d.ts").NetworkLayer[]} layers the hidden layers
 */
export function pushesOf(contributions, layers) {
  const shape = layers.at(-1)?.output_shape;
  return shape ? perChannel(contributions, mapShape(shape).channels) : contributions;
}

/** Choose how many digits show differences among numbers. @param {number} largest magnitude */
export const digitsFor = (largest) => (largest >= 1 ? 2 : largest >= 0.1 ? 3 : 4);

/** Find the smallest number that is not written as 0. @param {number} largest magnitude */
export const leastShown = (largest) => 0.5 * 10 ** -digitsFor(largest);

/**
 * Find the inputs that raise and lower a logit the most, without those that are written as 0.
 * @param {number[]} contributions to this logit
 */
export function strongestPushes(contributions) {
  const pushes = contributions.map((value, index) => ({ index, value }));
  const least = leastShown(largestMagnitude(contributions));
  const sorted = pushes
    .filter(({ value }) => Math.abs(value) >= least)
    .sort((a, b) => b.value - a.value);
  return {
    up: sorted.filter(({ value }) => value > 0).slice(0, MOST_PUSHES),
    down: sorted
      .filter(({ value }) => value < 0)
      .reverse()
      .slice(0, MOST_PUSHES),
  };
}

/** Write a number with its sign. @param {number} x */
export const signed = (x, digits = 2) => {
  const text = fixed(x, digits);
  return x > 0 && Number(text) !== 0 ? `+${text}` : text;
};

/**
 * Name a value of a sample: a pixel, a color of a pixel, or a column.
 * @param {number} index
 * @param {import("./input.js").Dataset} dataset
 */
export function inputName(index, dataset) {
  if (isVectors(dataset)) return dataset.columns?.[index] ?? `column ${index + 1}`;
  const [, width, channels = 1] = dataset.shape;
  const pixel = Math.floor(index / channels);
  const place = `row ${Math.floor(pixel / width)}, column ${pixel % width}`;
  return channels === 1 ? place : `${place}, ${CHANNELS[index % channels]}`;
}

/**
 * Describe a neuron or a feature map.
 * @param {{ layer: number, name: string, isOff: boolean, value: string | null,
 *   pushes: number[] | null, classes: string[] }} state `layer` counts from 1; `name` is such as
 *   neuron 17; `value` describes what it puts out; `pushes` has what one of the last hidden layer
 *   adds to each logit
 */
export function neuronText({ layer, name, isOff, value, pushes, classes }) {
  const start = `Hidden layer ${layer}, ${name}: `;
  if (isOff) return `${start}switched off.`;
  if (value == null) return `${start}not known yet.`;
  if (!pushes) return `${start}${value}.`;
  const digits = digitsFor(largestMagnitude(pushes));
  const isMany = classes.length > MOST_LOGITS;
  const list = classes.map((label, i) => ({ label, push: pushes[i] }));
  const strongest = isMany
    ? list.toSorted((a, b) => Math.abs(b.push) - Math.abs(a.push)).slice(0, MOST_LOGITS)
    : list;
  const texts = strongest.map(({ label, push }) => `${label}: ${signed(push, digits)}`);
  return `${start}${value}. It adds ${isMany ? "most " : ""}to the logits: ${texts.join(", ")}.`;
}

/** Count what is switched off. @param {string[]} off such as 1.17 @param {boolean[]} areMaps */
export function offText(off, areMaps) {
  const maps = off.filter((name) => areMaps[parseInt(name, 10) - 1]).length;
  const neurons = off.length - maps;
  const parts = [
    maps > 0 && `${maps} ${maps === 1 ? "feature map" : "feature maps"}`,
    (neurons > 0 || !maps) && `${neurons} ${neurons === 1 ? "neuron" : "neurons"}`,
  ];
  return `${parts.filter(Boolean).join(" and ")} off`;
}
