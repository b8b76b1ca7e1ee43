// @ts-check
// Test images, one of each class, in the order of the classes.
import { get } from "./api.js";

/** @type {Record<string, number[]>} */
const ONE_OF_EACH = {
  mnist: [3, 2, 1, 18, 4, 8, 11, 0, 61, 7],
  "fashion-mnist": [19, 2, 1, 13, 6, 8, 4, 9, 18, 0],
};
/** @typedef {import("./types.d.ts").TestImage} TestImage with its pixels row by row, 0 to 255 */
/** @type {Map<string, Promise<TestImage[]>>} */
const loading = new Map();

/**
 * Get samples of a test set: images, or rows of numbers.
 * @param {string} dataset
 * @param {string | number[]} indexes
 * @returns {Promise<{ index: number, label: number, pixels?: any[], values?: number[] }[]>}
 */
export async function testSamples(dataset, indexes) {
  const { images, vectors } = await get(`/datasets/${dataset}/test?index=${indexes}`);
  return images ?? vectors;
}

/**
 * Get images of a test set.
 * @param {string} dataset
 * @param {string | number[]} indexes
 * @returns {Promise<TestImage[]>}
 */
export async function testImages(dataset, indexes) {
  const images = /** @type {any[]} */ (await testSamples(dataset, indexes));
  return images.map((image) => ({ ...image, pixels: image.pixels.flat() }));
}

/** Tell whether an image of each class is chosen. @param {string} dataset */
export const hasFaces = (dataset) => Object.hasOwn(ONE_OF_EACH, dataset);

/** Get one test image of each class. @param {string} dataset */
export function samples(dataset) {
  const images = loading.get(dataset) ?? testImages(dataset, ONE_OF_EACH[dataset]);
  loading.set(dataset, images);
  return images;
}
