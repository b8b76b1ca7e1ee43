// @ts-check
// The confusion matrix of many classes: an image without labels, and the most confused pairs.
import { $, h, plainButton } from "../dom.js";
import { count } from "../numbers.js";
import { heatColor, paintInTheme } from "../theme.js";
import { cellScale, confusedPairs } from "./confusion-matrix.js";

const PAIRS = 30; // that are listed
const SMALLEST = 400; // pixels, below which each cell is drawn as several pixels

/** @param {HTMLCanvasElement} canvas @param {number[][]} matrix */
function paint(canvas, matrix) {
  const size = matrix.length;
  const image = new ImageData(size, size);
  const scale = cellScale(matrix);
  const empty = heatColor(0);
  matrix.forEach((row, label) =>
    row.forEach((n, predicted) => {
      const color = n ? heatColor(scale(label, predicted)) : empty;
      image.data.set([...color, 255], 4 * (label * size + predicted));
    }),
  );
  canvas.width = canvas.height = size;
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/**
 * Show the matrix. A click in the image or on a pair chooses a cell.
 * @param {import("../types.d.ts").Model} model
 * @param {(label: number, predicted: number) => void} choose
 */
export function showLargeMatrix({ classes, evaluation: { confusion_matrix: matrix } }, choose) {
  const size = matrix.length;
  const canvas = h("canvas", {
    class: size < SMALLEST ? "matrix pixelated" : "matrix",
    role: "img",
    "aria-label": `Confusion matrix of ${size} classes`,
    onclick: (/** @type {MouseEvent} */ { clientX, clientY }) => {
      const box = canvas.getBoundingClientRect();
      const [label, predicted] = [
        (clientY - box.top) / box.height,
        (clientX - box.left) / box.width,
      ].map((share) => Math.min(size - 1, Math.max(0, Math.floor(size * share))));
      choose(label, predicted);
    },
  });
  const pairs = confusedPairs(matrix);
  const items = pairs.slice(0, PAIRS).map(({ label, predicted, count: n }) => {
    const words = `${count(n)} × “${classes[label]}” taken for “${classes[predicted]}”`;
    return h("li", null, plainButton(words, { onclick: () => choose(label, predicted) }));
  });
  const title =
    pairs.length > items.length
      ? `The ${items.length} most confused of ${count(pairs.length)} confused pairs`
      : "The confused pairs of classes";
  $("#confusion").append(
    canvas,
    h("p", { class: "small" }, "Each row is a true class, each column a predicted class."),
    h("h3", null, pairs.length ? title : "No classes are confused"),
    h("ol", { class: "pairs" }, ...items),
  );
  paintInTheme(() => paint(canvas, matrix), canvas);
}
