// @ts-check
// Images of data sets on canvases, in their own colors. An <img> could not send a token.
import { ask } from "../api.js";
import { h } from "../dom.js";

/** Get an image of the API. @param {string} path */
export const getBitmap = async (path) => createImageBitmap(await (await ask(path)).blob());

/**
 * Cut one image out of a sheet.
 * @param {ImageBitmap} sheet
 * @param {number} index row by row
 * @param {number[]} shape of the image: height, width
 */
export function cutOut(sheet, index, [height, width]) {
  const columns = sheet.width / width;
  const canvas = h("canvas", { width, height, "aria-hidden": "true" });
  const [x, y] = [(index % columns) * width, Math.floor(index / columns) * height];
  canvas.getContext("2d")?.drawImage(sheet, x, y, width, height, 0, 0, width, height);
  return canvas;
}

/**
 * Cut the first images out of a sheet.
 * @param {ImageBitmap} sheet
 * @param {number} images
 * @param {number[]} shape of an image
 */
export const cutAll = (sheet, images, shape) =>
  Array.from({ length: images }, (_, index) => cutOut(sheet, index, shape));
