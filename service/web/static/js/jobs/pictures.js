// @ts-check
// What the data set that the form has chosen contains: test images, one of each class, or the names
// of its columns.
import { catchProblem, get } from "../api.js";
import { firstOf } from "../data/words.js";
import { datasetOf } from "../datasets.js";
import { $, $$ } from "../dom.js";
import { drawPicture } from "../pixels.js";
import { paintInTheme } from "../theme.js";

const MOST = 10; // images or names of columns
let shown = "";

/**
 * Get test images, one of each of the first classes.
 * @param {string} key of the data set
 * @returns {Promise<number[][]>} their values row by row
 */
async function oneOfEach(key) {
  const { classes } = await get(`/datasets/${key}/summary?split=test&samples=1`);
  const indices = classes.slice(0, MOST).flatMap((/** @type {any} */ { samples }) => samples);
  const { images } = await get(`/datasets/${key}/test?index=${indices}`);
  return images.map((/** @type {any} */ { pixels }) => pixels.flat(2));
}

/** Show what a network learns from. @param {string} key of the data set */
export async function showPictures(key) {
  if (key === shown) return;
  shown = key;
  for (const words of $$("#data [data-dataset]")) words.hidden = words.dataset.dataset !== key;
  const dataset = datasetOf(key);
  const isTable = dataset?.kind === "vectors";
  $("#faces").hidden = isTable;
  $("#columns").hidden = !isTable;
  if (!dataset) return;
  if (isTable) {
    $("#columns").textContent = firstOf(dataset.columns ?? [], MOST);
    return;
  }
  const load = async () => {
    const images = await oneOfEach(key);
    if (key !== shown) return; // another one was chosen meanwhile
    const canvases = $$("#faces canvas");
    canvases.forEach((canvas, i) => (canvas.hidden = i >= images.length));
    const paint = () =>
      images.forEach((values, i) => drawPicture(canvases[i], values, /** @type {any} */ (dataset)));
    paintInTheme(paint, canvases);
  };
  await catchProblem(load, () => {}); // the pictures stay empty if the data set is missing
}
