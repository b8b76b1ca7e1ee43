// @ts-check
// What a model takes: images of some size and color, or rows of numbers. Needs no browser.
import { SIDE } from "../sizes.js";

/** @typedef {import("../types.d.ts").Dataset} Dataset */
/** @typedef {{ shape: number[], background?: "dark" | "light" | null }} Picture how to draw it */

/** The data set of a page without a model. @type {Picture} */
export const DIGIT = { shape: [SIDE, SIDE], background: "dark" };

/** @param {{ shape: number[] }} picture */
export const isColor = ({ shape }) => shape.length === 3;

/** Tell whether images are drawn light on dark, as MNIST's are. @param {Picture} picture */
export const isDark = (picture) => !isColor(picture) && picture.background === "dark";

/** @param {Dataset} dataset */
export const isVectors = ({ kind }) => kind === "vectors";

/** Write the size of images. @param {{ shape: number[] }} picture */
export const sizeText = ({ shape: [height, width] }) => `${width}×${height}`;

/** Count the numbers of a sample. @param {{ shape: number[] }} sample */
export const featureCount = ({ shape }) => shape.reduce((product, side) => product * side, 1);

/** Name the columns of vectors, or number them from 1. @param {Dataset} dataset */
export const columnNames = ({ shape, columns }) =>
  columns ?? Array.from({ length: shape[0] }, (_, i) => `column ${i + 1}`);

/**
 * Tell whether models can look at the same sample: at images of any size, or at vectors with the
 * same columns.
 * @param {Dataset} one
 * @param {Dataset} other
 */
export const areAlike = (one, other) =>
  one.kind === other.kind &&
  (!isVectors(one) || String(columnNames(one)) === String(columnNames(other)));

/** Guess the shape of the pixels in a link: those of a square image. @param {number} count */
export function squareShape(count) {
  const grey = Math.sqrt(count);
  const color = Math.sqrt(count / 3);
  if (Number.isInteger(grey)) return [grey, grey];
  return Number.isInteger(color) ? [color, color, 3] : null;
}

/**
 * Cut a list of values into rows, and color images into pixels.
 * @param {number[]} values
 * @param {number[]} shape
 * @returns {any[]}
 */
export function nest(values, shape) {
  if (shape.length < 2) return values;
  const size = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) =>
    nest(values.slice(size * i, size * (i + 1)), shape.slice(1)),
  );
}

/**
 * Add up the values of the channels, so that each pixel has one number.
 * @param {number[]} values
 * @param {{ shape: number[] }} picture
 */
export function perPixel(values, picture) {
  if (!isColor(picture)) return values;
  const channels = picture.shape[2];
  return Array.from({ length: values.length / channels }, (_, pixel) => {
    let total = 0;
    for (let k = 0; k < channels; k++) total += values[channels * pixel + k];
    return total;
  });
}

/** Return how addresses name a data set: a built-in one by its name. @param {Dataset} dataset */
export const keyOf = ({ id, name, checksums }) => (Object.keys(checksums ?? {}).length ? name : id);
