// @ts-check
// A request that predicts what the board shows.
import { isVectors, keyOf, nest, squareShape } from "./input.js";

/** @typedef {import("./history.js").BoardImage} BoardImage */
/** @typedef {"auto" | "none"} FitName how images are prepared */

/** Read how the address of the page wants images to be prepared. @param {URLSearchParams} query */
export const fitOf = (query) =>
  /** @type {FitName} */ (query.get("fit") === "none" ? "none" : "auto");

/** Find the test image on the board, if any. @param {BoardImage | null} image */
export const testImageOf = (image) =>
  image && "pixels" in image && image.index !== undefined ? image : null;

/**
 * Write the path of a request, with its query. Only files may be dark on light.
 * @param {string} model its id
 * @param {BoardImage | null} image in place of a drawing
 * @param {FitName} fit
 */
export function predictionPath(model, image, fit) {
  const invert = image && "file" in image ? "auto" : "never";
  const isSeen = image && "pixels" in image && !testImageOf(image); // what a network saw stays
  return `/predict?model=${model}&explain=true&fit=${isSeen ? "none" : fit}&invert=${invert}`;
}

/**
 * Write the path of a request that predicts a row of numbers.
 * @param {string} model its id
 */
export const vectorPath = (model) => `/predict?model=${model}&explain=true`;

/** Build the body of such a request. @param {number[]} values */
export const vectorContent = (values) => ({
  type: "application/json",
  body: JSON.stringify({ inputs: [values] }),
});

/**
 * Build the body, and find its content type.
 * @param {BoardImage | null} image in place of a drawing
 * @param {() => Uint8Array} drawing makes a PNG of the drawing
 * @returns {{ type: string, body: BodyInit }}
 */
export function requestContent(image, drawing) {
  if (image && "pixels" in image) {
    const shape =
      image.index === undefined ? squareShape(image.pixels.length) : image.dataset.shape;
    const rows = nest(image.pixels, shape ?? []);
    return { type: "application/json", body: JSON.stringify({ images: [rows] }) };
  }
  // The API recognizes the format of an image file itself.
  return { type: "image/png", body: /** @type {BodyInit} */ (image ? image.file : drawing()) };
}

/**
 * Tell whether the page should show a test sample at first: the example is a digit, which means
 * little to a network that learned something else.
 * @param {import("./history.js").Content} content
 * @param {import("./input.js").Dataset} dataset
 */
export const needsSample = ({ isExample }, dataset) =>
  Boolean(isExample) && !isVectors(dataset) && keyOf(dataset) === dataset.id;
