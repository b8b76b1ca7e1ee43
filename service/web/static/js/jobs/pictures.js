// @ts-check
// Test images of the data set that the form has chosen, one of each class.
import { catchProblem } from "../api.js";
import { $$ } from "../dom.js";
import { drawImage } from "../pixels.js";
import { samples } from "../samples.js";
import { paintInTheme } from "../theme.js";

const canvases = $$("#faces canvas");
let shown = "";

/** Show what a network learns from. @param {string} dataset */
export async function showPictures(dataset) {
  if (dataset === shown) return;
  shown = dataset;
  for (const words of $$("#data [data-dataset]")) words.hidden = words.dataset.dataset !== dataset;
  const load = async () => {
    const images = await samples(dataset);
    if (dataset !== shown) return; // another one was chosen meanwhile
    const paint = () => canvases.forEach((canvas, i) => drawImage(canvas, images[i].pixels));
    paintInTheme(paint, canvases);
  };
  await catchProblem(load, () => {}); // the pictures stay empty if the data set is missing
}
