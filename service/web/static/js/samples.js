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
 * Get images of a test set.
 * @param {string} dataset
 * @param {string | number[]} indexes
 * @returns {Promise<TestImage[]>}
 */
export async function testImages(dataset, indexes) {
  const { images } = await get(`/datasets/${dataset}/test?index=${indexes}`);
  return images.map((/** @type {{ pixels: number[][] }} */ image) => ({
    ...image,
    pixels: image.pixels.flat(),
  }));
}

/** Get one test image of each class. @param {string} dataset */
export function samples(dataset) {
  const images = loading.get(dataset) ?? testImages(dataset, ONE_OF_EACH[dataset]);
  loading.set(dataset, images);
  return images;
}
