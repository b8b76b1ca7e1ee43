// @ts-check
// The files of a model, for download.
import { $, h } from "../dom.js";
import { downloadWith } from "../file-link.js";

/**
 * Prepare the button that downloads the weights.
 * @param {string} id
 * @param {(problem: import("../api.js").ProblemError) => void} showTrouble
 */
export function prepareDownload(id, showTrouble) {
  downloadWith($("#download"), `/models/${id}/weights`, `${id}.safetensors`, showTrouble);
}

/**
 * Build links to the files for other programs.
 * @param {string} id
 * @param {(problem: import("../api.js").ProblemError) => void} showTrouble
 */
export function exportLinks(id, showTrouble) {
  /** @param {string} format @param {string} text @param {string} name */
  const link = (format, text, name) => {
    const element = h("a", null, text);
    downloadWith(element, `/models/${id}/export?format=${format}`, name, showTrouble);
    return element;
  };
  return [
    link("onnx", "ONNX", `${id}.onnx`),
    ", ",
    link("torch", "torch", `${id}-torch.zip`),
    ", ",
    link("npz", "NumPy", `${id}.npz`),
  ];
}
