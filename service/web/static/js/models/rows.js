// @ts-check
// The rows of the list of models. Each one has images of the first layer's weights.
import { ask } from "../api.js";
import { h, numberCell, rowHeader, whenSeen } from "../dom.js";
import { count, fixed, percent } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { datasetName, engineName, layersText } from "../recipes.js";
import { SIDE } from "../sizes.js";
import { paintInTheme } from "../theme.js";
import { duration, localTime, timeOrDate } from "../times.js";
import { trainingSeconds } from "./listing.js";
import { remark } from "./remark.js";

/** @typedef {import("./listing.js").Listed} Listed */

const NEURONS = 8;
const GAP = 2; // columns without color between two neurons

/**
 * Read the weights of the neurons, side by side, from an image in which grey 128 is 0.
 * @param {Blob} blob
 */
async function readWeights(blob) {
  const bitmap = await createImageBitmap(blob);
  const neurons = Math.min(NEURONS, bitmap.width / SIDE);
  const width = neurons * (SIDE + GAP) - GAP;
  const canvas = new OffscreenCanvas(width, SIDE);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "rgb(128 128 128)";
  context.fillRect(0, 0, width, SIDE);
  for (let i = 0; i < neurons; i++) {
    const place = [i * (SIDE + GAP), 0, SIDE, SIDE];
    context.drawImage(bitmap, i * SIDE, 0, SIDE, SIDE, place[0], place[1], place[2], place[3]);
  }
  const { data } = context.getImageData(0, 0, width, SIDE);
  return {
    width,
    weights: Float32Array.from({ length: width * SIDE }, (_, k) => data[4 * k] - 128),
  };
}

/**
 * Show neurons of the first layer. The API's image is grey; the colors come from the theme.
 * @param {string} id
 * @param {HTMLCanvasElement} canvas
 */
async function showNeurons(id, canvas) {
  const image = await ask(`/models/${id}/first-layer.png?limit=${NEURONS}`);
  const { width, weights } = await readWeights(await image.blob());
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
  const { id, recipe, parameters, evaluation, created_at, tags = [] } = model;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const strip = h("td", { class: "strip" }, canvas);
  // Images that cannot be loaded, for example because the page is being left, stay empty.
  whenSeen(canvas, () => showNeurons(id, canvas).catch(() => {}));
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
          datasetName(model.dataset.name),
          engineName(recipe.engine),
          layersText(recipe.hidden_sizes),
        ].join(" · "),
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
