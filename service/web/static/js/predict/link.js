// @ts-check
// What the board shows, in the address of the page. Needs no browser.
import { decodeDrawing, decodePixels, encodeDrawing, encodePixels } from "./drawing.js";
import { SEVEN } from "./strokes.js";

/** @typedef {import("./history.js").Content} Content */
/** @typedef {{ sample: string | null, drawing: string | null, pixels: string | null }} State */

/**
 * Read what the board shows at first: a drawing or pixels, or else the example. A test image must
 * be loaded, so the board is empty before it.
 * @param {URLSearchParams} query
 * @returns {{ content: Content, sample: [dataset: string, index: string] | null, fault: string }}
 */
export function readContent(query) {
  const [text, drawing, letters] = ["sample", "drawing", "pixels"].map((name) => query.get(name));
  const match = text?.match(/^(mnist|fashion-mnist)-(\d{1,6})$/);
  if (match) return { content: { strokes: [] }, sample: [match[1], match[2]], fault: "" };
  const strokes = drawing == null ? null : decodeDrawing(drawing);
  if (strokes) return { content: { strokes }, sample: null, fault: "" };
  const pixels = letters == null ? null : decodePixels(letters);
  if (pixels) return { content: { strokes: [], image: { pixels } }, sample: null, fault: "" };
  const content = { strokes: [SEVEN], isExample: true };
  const isDamaged = drawing != null || letters;
  const fault = isDamaged
    ? "The drawing in this link is damaged, so the page shows an example."
    : text
      ? `There is no test image “${text}”, so the page shows an example.`
      : "";
  return { content, sample: null, fault };
}

/**
 * Write what the board shows, and say what a link contains if this is not clear.
 * @param {Content} content
 * @param {number[] | null} seen the pixels that the first model sees
 * @returns {{ state: State, note: string }}
 */
export function writeContent({ strokes, image, isExample }, seen) {
  const state = { sample: null, drawing: null, pixels: null };
  if (isExample) return { state, note: "" };
  if (!image) {
    const drawing = encodeDrawing(strokes);
    const note = drawing == null ? "The drawing is too long for a link to contain it." : "";
    return { state: { ...state, drawing }, note };
  }
  if ("file" in image) {
    if (!seen) return { state, note: "" };
    const note = "A link contains the 28×28 pixels that the first model sees.";
    return { state: { ...state, pixels: encodePixels(seen) }, note };
  }
  if (image.index === undefined) {
    return { state: { ...state, pixels: encodePixels(image.pixels) }, note: "" };
  }
  return { state: { ...state, sample: `${image.dataset}-${image.index}` }, note: "" };
}
