// @ts-check
// The figure "What the network sees": the pixels of the first model, and how they were made.
import { $ } from "../dom.js";
import { drawPicture } from "../pixels.js";
import { fromPixels } from "../save/csv.js";
import { savable } from "../save-figure.js";
import { fitText } from "./fit.js";
import { DIGIT, featureCount, isDark, sizeText } from "./input.js";

/** @typedef {import("../types.d.ts").Prediction} Prediction */
/** @typedef {import("./history.js").BoardImage} BoardImage */

/** Build the figure. */
export function createSeen() {
  /** @type {import("./input.js").Picture} */
  let picture = DIGIT;
  /** @type {Prediction | null} */
  let prediction = null;

  /** @returns {ArrayLike<number>} */
  const pixels = () =>
    prediction?.seen?.flat(Infinity) ??
    new Uint8Array(featureCount(picture)).fill(isDark(picture) ? 0 : 255);

  function draw() {
    drawPicture($("#seen"), pixels(), picture);
    const size = sizeText(picture).replace("×", " by ");
    $("#seen").setAttribute("aria-label", `The ${size} image that the network sees`);
  }

  /** @param {BoardImage | null} image @param {boolean} isEmpty whether the board is */
  function words(image, isEmpty) {
    if (!prediction) return isEmpty ? "Nothing yet: the board is empty." : "";
    const size = sizeText(picture);
    if (image && "pixels" in image) {
      if (image.index === undefined) return "The pixels in the link, unchanged.";
      const { dataset, index } = image;
      const isSame = sizeText(dataset) === size && dataset.shape.length === picture.shape.length;
      const how = isSame ? "unchanged" : `scaled to ${size} pixels`;
      return `Test image ${index} of ${dataset.title}, ${how}.`;
    }
    return prediction.ink === false || !prediction.fit ? "" : fitText(prediction.fit, size);
  }

  savable($("#seen").closest("figure"), {
    name: "what-the-network-sees",
    rows: () => fromPixels(pixels(), picture.shape),
  });
  return {
    draw,
    /**
     * @param {Prediction | null} newPrediction
     * @param {import("./input.js").Picture} newPicture what the model takes
     * @param {BoardImage | null} image on the board, in place of a drawing
     * @param {boolean} isEmpty whether the board is
     */
    show(newPrediction, newPicture, image, isEmpty) {
      [prediction, picture] = [newPrediction, newPicture];
      draw();
      $("#steps").textContent = words(image, isEmpty);
    },
  };
}
