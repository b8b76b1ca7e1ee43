// @ts-check
// What the board shows, in the address of the page. Needs no browser.
import { decodeDrawing, decodePixels, encodeDrawing, encodePixels } from "./drawing.js";
import { keyOf } from "./input.js";
import { SEVEN } from "./strokes.js";

/** @typedef {import("./history.js").Content} Content */
/** @typedef {{ [name in "sample" | "drawing" | "pixels" | "values"]: string | null }} State */

const MOST_LETTERS = 4000; // of a row of numbers; with other parameters, less than servers accept
/** A link that restores nothing. @type {State} */
const NOTHING = { sample: null, drawing: null, pixels: null, values: null };

/**
 * Read what the board shows at first: a drawing or pixels, or else the example. A test image must
 * be loaded, so the board is empty before it.
 * @param {URLSearchParams} query
 * @returns {{ content: Content, sample: [dataset: string, index: string] | null, fault: string }}
 */
export function readContent(query) {
  const [text, drawing, letters] = ["sample", "drawing", "pixels"].map((name) => query.get(name));
  const match = text?.match(/^([a-z0-9][a-z0-9._-]{0,59})-(\d{1,9})$/);
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
  const state = NOTHING;
  if (isExample) return { state, note: "" };
  if (!image) {
    const drawing = encodeDrawing(strokes);
    const note = drawing == null ? "The drawing is too long for a link to contain it." : "";
    return { state: { ...state, drawing }, note };
  }
  if ("file" in image) {
    if (!seen) return { state, note: "" };
    const pixels = encodePixels(seen);
    const note = pixels
      ? "A link contains the pixels that the first model sees."
      : "The image is too large for a link to contain it.";
    return { state: { ...state, pixels }, note };
  }
  if (image.index === undefined) {
    return { state: { ...state, pixels: encodePixels(image.pixels) }, note: "" };
  }
  return { state: { ...state, sample: `${keyOf(image.dataset)}-${image.index}` }, note: "" };
}

/**
 * Write a row of numbers, or the test sample that it is.
 * @param {number[] | null} values null if some are missing
 * @param {string | null} sample such as iris-3
 * @returns {{ state: State, note: string }}
 */
export function writeValues(values, sample) {
  if (sample) return { state: { ...NOTHING, sample }, note: "" };
  const text = values?.join(",") ?? "";
  if (text.length <= MOST_LETTERS) return { state: { ...NOTHING, values: text || null }, note: "" };
  return { state: NOTHING, note: "The row of numbers is too long for a link to contain it." };
}
