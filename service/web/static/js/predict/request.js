// @ts-check
// The body of a request that predicts what the board shows.
import { SIDE } from "../sizes.js";

/**
 * Build the body, and find its content type.
 * @param {import("./history.js").BoardImage | null} image in place of a drawing
 * @param {() => Uint8Array} drawing makes a PNG of the drawing
 * @returns {{ type: string, body: BodyInit }}
 */
export function requestContent(image, drawing) {
  if (image && "pixels" in image) {
    const rows = Array.from({ length: SIDE }, (_, y) =>
      image.pixels.slice(SIDE * y, SIDE * (y + 1)),
    );
    return { type: "application/json", body: JSON.stringify({ images: [rows] }) };
  }
  // The API recognizes the format of an image file itself.
  return { type: "image/png", body: /** @type {BodyInit} */ (image ? image.file : drawing()) };
}
