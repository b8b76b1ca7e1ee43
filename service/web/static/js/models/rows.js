// @ts-check
// The rows of the list of models. Each one has images of the first layer's weights.
import { ask } from "../api.js";
import { h, numberCell, rowHeader, whenSeen } from "../dom.js";
import { count, fixed, percent } from "../numbers.js";
import { filterChoices } from "../model/network.js";
import { drawHeatmap } from "../pixels.js";
import { isVectors } from "../predict/input.js";
import { engineName } from "../recipes.js";
import { paintInTheme } from "../theme.js";
import { duration, localTime, timeOrDate } from "../times.js";
import { otherAccuracies, sizesText, titleOf } from "./card.js";
import { trainingSeconds } from "./listing.js";
import { remark } from "./remark.js";

/** @typedef {import("./listing.js").Listed} Listed */
/** @typedef {import("../types.d.ts").Model} Model */

const NEURONS = 8;
const GAPS = 14; // the width of a neuron, as a multiple of the gap beside it

/**
 * Read the weights of the neurons or filters, side by side, from an image in which grey 128 is 0.
 * The place of neurons that a layer does not have stays empty.
 * @param {Blob} blob
 * @param {number[]} shape of the weights of one
 */
async function readWeights(blob, [height, side]) {
  const bitmap = await createImageBitmap(blob);
  const neurons = Math.min(NEURONS, bitmap.width / side);
  const gap = Math.ceil(side / GAPS);
  const width = NEURONS * (side + gap) - gap;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "rgb(128 128 128)";
  context.fillRect(0, 0, width, height);
  for (let i = 0; i < neurons; i++) {
    context.drawImage(bitmap, i * side, 0, side, height, i * (side + gap), 0, side, height);
  }
  const { data } = context.getImageData(0, 0, width, height);
  return {
    width,
    height,
    weights: Float32Array.from({ length: width * height }, (_, pixel) => {
      const [red, green, blue] = data.subarray(4 * pixel);
      return (red + green + blue) / 3 - 128; // the mean weight of the channels of color images
    }),
  };
}

/**
 * Show neurons or filters of the first layer with weights. The API's image is grey; the colors come
 * from the theme.
 * @param {Model} model
 * @param {HTMLCanvasElement} canvas
 */
async function showNeurons(model, canvas) {
  const image = await ask(`/models/${model.id}/first-layer.png?limit=${NEURONS}`);
  const [{ shape }] = filterChoices(model);
  const { width, height, weights } = await readWeights(await image.blob(), shape);
  canvas.style.aspectRatio = `${width} / ${height}`;
  paintInTheme(() => drawHeatmap(canvas, weights, 127, width), canvas);
}

/** @param {string} label @param {Element | string} content */
function figure(label, content) {
  const cell = numberCell(content);
  cell.dataset.label = label; // shown on phones, where the columns have no headers
  return cell;
}

/**
 * Build the row of a model.
 * @param {Listed} listed
 */
export function modelRow({ model, name, aliases }) {
  const { id, recipe, dataset, parameters, evaluation, created_at, tags = [] } = model;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const strip = h("td", { class: "strip" }, !isVectors(dataset) && canvas);
  // Images that cannot be loaded, for example because the page is being left, stay empty.
  if (!isVectors(dataset)) whenSeen(canvas, () => showNeurons(model, canvas).catch(() => {}));
  const checkbox = h("input", { type: "checkbox", value: id });
  return h(
    "tr",
    null,
    h(
      "td",
      { class: "tick" },
      h("label", { class: "check" }, checkbox, h("span", { class: "sr" }, `Compare ${name} ${id}`)),
    ),
    rowHeader(
      h("a", { class: "name", href: `/ui/models/${id}` }, name),
      h("p", { class: "small" }, [id, ...aliases].join(" · ")),
      h(
        "p",
        { class: "small" },
        [
          titleOf(dataset),
          engineName(recipe.engine),
          sizesText(model),
          ...otherAccuracies(model).map(
            ([text, value]) => `${text} ${value == null ? "—" : percent(value, 2)}`,
          ),
        ].join(" · "),
      ),
      typeof recipe.from_model === "string" &&
        h(
          "p",
          { class: "small" },
          "continues ",
          h("a", { href: `/ui/models/${recipe.from_model}` }, recipe.from_model),
        ),
      tags.length > 0 && h("p", { class: "small" }, `Tags: ${tags.join(", ")}`),
      remark(model),
    ),
    figure("Accuracy", percent(evaluation.accuracy, 2)),
    figure("Loss, nats", fixed(evaluation.loss, 3)),
    figure("Training time", duration(trainingSeconds(model))),
    figure("Parameters", count(parameters)),
    figure("Created", localTime(created_at, timeOrDate)),
    strip,
    h(
      "td",
      { class: "try" },
      h("a", { href: `/ui/predict?models=${id}`, "aria-label": `Try ${name} ${id}` }, "Try"),
    ),
  );
}
