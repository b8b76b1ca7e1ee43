// @ts-check
// The test images that the page offers: one of each class.
import { get } from "../api.js";
import { $, h } from "../dom.js";
import { drawImage } from "../pixels.js";
import { samples } from "../samples.js";
import { paintInTheme } from "../theme.js";

/**
 * Offer a test image of each class of a data set.
 * @param {string} dataset
 * @param {(image: import("./history.js").TestImage) => void} choose
 */
export async function offerSamples(dataset, choose) {
  const row = $(`#samples-${dataset}`);
  const [images, { datasets }] = await Promise.all([samples(dataset), get("/datasets")]);
  const { classes } = datasets.find((/** @type {{ name: string }} */ one) => one.name === dataset);
  const canvases = images.map((image) => {
    const canvas = h("canvas");
    const name = classes[image.label];
    const show = () => choose({ ...image, dataset });
    const attributes = { title: name, "aria-label": `Test image: ${name}`, onclick: show };
    row.append(h("button", { class: "tile", type: "button", ...attributes }, canvas));
    return canvas;
  });
  paintInTheme(() => canvases.forEach((canvas, i) => drawImage(canvas, images[i].pixels)), row);
}
