// @ts-check
// What the drawing board showed, for Undo. Needs no browser.

/** @typedef {import("./strokes.js").Stroke} Stroke */
/** @typedef {import("./input.js").Dataset} Dataset */
/** @typedef {import("../types.d.ts").TestImage & { dataset: Dataset }} TestImage of a data set */
/** @typedef {{ pixels: number[], index?: undefined }} LinkImage what a network saw, from a link */
/** @typedef {{ file: File, bitmap: ImageBitmap | null }} FileImage null if it cannot be shown */
/** @typedef {TestImage | LinkImage | FileImage} BoardImage shown in place of a drawing */
/**
 * @typedef {object} Content of the board; the strokes are not shown if there is an image
 * @property {Stroke[]} strokes
 * @property {BoardImage | null} [image]
 * @property {boolean} [isExample] whether the strokes are the example
 */

const MOST_CONTENTS = 100; // images are kept too, so there must be some limit

/**
 * Keep what the board shows, and what it showed before.
 * @param {Content} first
 */
export function createHistory(first) {
  const contents = [first];
  const current = () => /** @type {Content} */ (contents.at(-1));
  const isEmpty = () => !current().image && !current().strokes.length;

  /** @param {Content} content */
  function push(content) {
    contents.push(content);
    if (contents.length > MOST_CONTENTS) contents.shift();
  }

  return {
    current,
    isEmpty,
    /**
     * Add a stroke to the user's drawing. It replaces an image or the example.
     * @param {Stroke} stroke
     */
    begin(stroke) {
      const { strokes, image, isExample } = current();
      push({ strokes: image || isExample ? [stroke] : [...strokes, stroke] });
    },
    /** Show an image instead. @param {BoardImage} image */
    show: (image) => push({ strokes: [], image }),
    clear() {
      if (!isEmpty()) push({ strokes: [] });
    },
    /** Go back to what was shown before the last stroke, image or Clear. */
    undo() {
      if (contents.length > 1) contents.pop();
    },
  };
}
