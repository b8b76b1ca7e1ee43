// @ts-check
// A sketch of a network's layers.
import { h, s } from "../dom.js";
import { count } from "../numbers.js";
import { parameterCount, steps } from "../layers.js";

const WIDTH = 336;
const HEIGHT = 84;
const MARGIN = 8;
const MIDDLE = 34; // y of the center of each layer

/** Height of a layer: 8 pixels for 1 neuron, 56 for 2048 or more. @param {number} size */
const heightOf = (size) => Math.min(56, 8 + (48 * Math.log(size)) / Math.log(2048));
/** @param {number} size */
const topOf = (size) => MIDDLE - heightOf(size) / 2;
/** @param {number} size */
const bottomOf = (size) => MIDDLE + heightOf(size) / 2;

/**
 * Draw the layers of a dense network and count its parameters.
 * @param {number[]} hiddenSizes
 * @param {import("../layers.js").Ends} ends
 */
export function sketch(hiddenSizes, ends) {
  const hidden = hiddenSizes.filter((size) => size > 0);
  const all = steps(
    hidden.map((neurons) => ({ type: "dense", neurons })),
    ends,
  );
  const sizes = [ends.shape.reduce((a, b) => a * b), ...hidden, ends.classes.length];
  const last = sizes.length - 1;
  /** @param {number} i */
  const x = (i) => MARGIN + (i * (WIDTH - 2 * MARGIN)) / last;

  const connections = sizes.slice(1).map((size, i) => {
    const before = sizes[i];
    const left = `L${x(i)} ${bottomOf(before)}`;
    const d = `M${x(i)} ${topOf(before)}L${x(i + 1)} ${topOf(size)}V${bottomOf(size)}${left}Z`;
    return s("path", { d, fill: "var(--well)" });
  });
  const layers = sizes.map((size, i) => {
    const d = `M${x(i)} ${topOf(size)}v${heightOf(size)}`;
    return s("path", { d, stroke: "var(--blue)", "stroke-width": 3 });
  });
  const labels = sizes.map((size, i) => {
    const [at, anchor] = i === 0 ? [0, "start"] : i === last ? [WIDTH, "end"] : [x(i), "middle"];
    return s("text", { x: at, y: 78, "text-anchor": anchor }, count(size));
  });
  const label = `Layers of ${sizes.join(", ")} neurons`;
  return [
    s(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
      ...connections,
      ...layers,
      ...labels,
    ),
    h("figcaption", { class: "small" }, `${count(parameterCount(all))} parameters`),
  ];
}
