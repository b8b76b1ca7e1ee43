// @ts-check
// The files of a model, for download.
import { ask, catchProblem } from "../api.js";
import { $, h } from "../dom.js";
import { hasToken } from "../token.js";

const KEPT_MS = 10000; // enough for a download to begin

/**
 * Make a link to a file of a model. With a token, this page fetches the file: a link cannot send a
 * token.
 * @param {HTMLAnchorElement} link
 * @param {string} file its path
 * @param {string} name what to call it
 * @param {(problem: import("../api.js").ProblemError) => void} showTrouble
 */
function linkToFile(link, file, name, showTrouble) {
  const fetchFile = async () => {
    const blob = await (await ask(file)).blob();
    const download = h("a", { href: URL.createObjectURL(blob), download: name });
    download.click();
    setTimeout(() => URL.revokeObjectURL(download.href), KEPT_MS);
  };
  link.href = file;
  link.addEventListener("click", (event) => {
    if (!hasToken()) return;
    event.preventDefault();
    catchProblem(fetchFile, showTrouble);
  });
  return link;
}

/**
 * Prepare the button that downloads the weights.
 * @param {string} id
 * @param {(problem: import("../api.js").ProblemError) => void} showTrouble
 */
export function prepareDownload(id, showTrouble) {
  linkToFile($("#download"), `/models/${id}/weights`, `${id}.safetensors`, showTrouble);
}

/**
 * Build links to the files for other programs.
 * @param {string} id
 * @param {(problem: import("../api.js").ProblemError) => void} showTrouble
 */
export function exportLinks(id, showTrouble) {
  /** @param {string} format @param {string} text @param {string} name */
  const link = (format, text, name) =>
    linkToFile(h("a", null, text), `/models/${id}/export?format=${format}`, name, showTrouble);
  return [
    link("onnx", "ONNX", `${id}.onnx`),
    ", ",
    link("torch", "torch", `${id}-torch.zip`),
    ", ",
    link("npz", "NumPy", `${id}.npz`),
  ];
}
