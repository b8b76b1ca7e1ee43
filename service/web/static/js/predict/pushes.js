// @ts-check
// What neurons add to the logits, in numbers and words. Needs no browser.
import { fixed, largestMagnitude } from "../numbers.js";
import { isVectors } from "./input.js";

/** @typedef {{ index: number, value: number }} Push */

const MOST_PUSHES = 5; // of each direction
const MOST_LOGITS = 12; // that a neuron's description names
const CHANNELS = ["red", "green", "blue"];
// Sides of cells in pixels, for a mouse and for a finger. The largest layers would be too long in
// cells of a finger's size.
const CELLS = [
  { most: 64, side: 22, finger: 32 },
  { most: 512, side: 14, finger: 32 },
  { most: Infinity, side: 10, finger: 14 },
];

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
 * Describe a neuron.
 * @param {{ layer: number, neuron: number, isOff: boolean, activation: number | null,
 *   pushes: number[] | null, classes: string[] }} state `layer` counts from 1; `pushes` has what
 *   a neuron of the last hidden layer adds to each logit
 */
export function neuronText({ layer, neuron, isOff, activation, pushes, classes }) {
  const name = `Hidden layer ${layer}, neuron ${neuron}: `;
  if (isOff) return `${name}switched off.`;
  if (activation == null) return `${name}not known yet.`;
  const value = `${name}activation ${fixed(activation, 3)}.`;
  if (!pushes) return value;
  const digits = digitsFor(largestMagnitude(pushes));
  const isMany = classes.length > MOST_LOGITS;
  const list = classes.map((label, i) => ({ label, push: pushes[i] }));
  const strongest = isMany
    ? list.toSorted((a, b) => Math.abs(b.push) - Math.abs(a.push)).slice(0, MOST_LOGITS)
    : list;
  const texts = strongest.map(({ label, push }) => `${label}: ${signed(push, digits)}`);
  return `${value} It adds ${isMany ? "most " : ""}to the logits: ${texts.join(", ")}.`;
}

/**
 * Arrange the cells of a layer in rows.
 * @param {number} count
 * @param {number} width pixels
 * @param {"side" | "finger"} kind which side the cells have
 */
export function arrange(count, width, kind = "side") {
  const { [kind]: side } = /** @type {(typeof CELLS)[0]} */ (
    CELLS.find(({ most }) => count <= most)
  );
  const columns = Math.max(1, Math.min(count, Math.floor(width / side)));
  return { side, columns, rows: Math.ceil(count / columns) };
}

/**
 * Move to the next cell; stay at the edges.
 * @param {number} at
 * @param {[right: number, down: number]} step
 * @param {{ count: number, columns: number }} grid
 */
export function nextCell(at, [right, down], { count, columns }) {
  const next = at + right + columns * down;
  return next >= 0 && next < count ? next : at;
}
