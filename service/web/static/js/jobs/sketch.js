// @ts-check
// A sketch of a network's layers: a line for neurons, and a box for feature maps.
import { h, s } from "../dom.js";
import { count } from "../numbers.js";
import { parameterCount, shapeText } from "../layers.js";
import { areMaps, mapShape } from "../maps/shapes.js";

const WIDTH = 336;
const HEIGHT = 84;
const LINE = 14; // height of a line of text: feature maps have two
const MARGIN = 8;
const MIDDLE = 34; // y of the center of each layer
const TALLEST = 56;
const MOST_LABELS = 8; // of feature maps; with more, only the ends have labels

/** Height of a layer: 8 pixels for 1 neuron, 56 for 2048 or more. @param {number} size */
const heightOf = (size) => Math.min(TALLEST, 8 + (48 * Math.log(size)) / Math.log(2048));

/** Write the size of a layer in one or two lines. @param {number[]} shape */
function linesOf(shape) {
  if (!areMaps(shape)) return [count(shape[0])];
  const { height, width, channels } = mapShape(shape);
  return [`${height}×${width}`, ...(channels > 1 ? [`×${channels}`] : [])];
}

/**
 * Draw the layers of a network as far as they are possible, and count its parameters.
 * @param {number[]} input the shape of a sample
 * @param {import("../layers.js").Step[]} all its layers
 * @param {boolean} isWhole whether these are all layers
 */
export function sketch(input, all, isWhole) {
  const outputs = all.flatMap(({ output }) => (output ? [output] : []));
  const hasMaps = outputs.some(areMaps);
  const shapes = [hasMaps ? input : [input.reduce((a, b) => a * b)], ...outputs];
  const last = shapes.length - 1;
  const tallest = Math.max(...shapes.map((shape) => (areMaps(shape) ? mapShape(shape).height : 1)));

  const layers = shapes.map((shape, i) => {
    const { height, channels } = mapShape(shape);
    const isBox = areMaps(shape);
    const tall = isBox ? Math.max(3, (TALLEST * height) / tallest) : heightOf(channels);
    const wide = isBox ? 3 + 2 * Math.log2(channels) : 3; // 11 pixels for 16 feature maps
    const x = MARGIN + (i * (WIDTH - 2 * MARGIN)) / Math.max(1, last);
    return { x, left: x - wide / 2, right: x + wide / 2, top: MIDDLE - tall / 2, wide, tall };
  });
  const connections = layers.slice(1).map(({ left, top, tall }, i) => {
    const before = layers[i];
    const back = `L${before.right} ${before.top + before.tall}`;
    const d = `M${before.right} ${before.top}L${left} ${top}v${tall}${back}Z`;
    return s("path", { d, fill: "var(--well)" });
  });
  const boxes = layers.map(({ left, top, wide, tall }) =>
    s("rect", { x: left, y: top, width: wide, height: tall, fill: "var(--blue)" }),
  );
  const labels = shapes.flatMap((shape, i) => {
    if (hasMaps && shapes.length > MOST_LABELS && i > 0 && i < last) return [];
    const [at, anchor] =
      i === 0 ? [0, "start"] : i === last ? [WIDTH, "end"] : [layers[i].x, "middle"];
    return linesOf(shape).map((line, k) =>
      s("text", { x: at, y: 78 + k * LINE, "text-anchor": anchor }, line),
    );
  });
  const isDense = !shapes.some(areMaps);
  const label = isDense
    ? `Layers of ${shapes.join(", ")} neurons`
    : `Layers of ${shapes.map(shapeText).join(", ")} values`;
  const height = HEIGHT + (isDense ? 0 : LINE);
  return [
    s(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${height}`,
        role: "img",
        "aria-label": label,
        class: shapes.length > 6 ? "crowded" : null,
      },
      ...connections,
      ...boxes,
      ...labels,
    ),
    h(
      "figcaption",
      { class: "small" },
      isWhole ? `${count(parameterCount(all))} parameters` : "Up to the layer that is wrong",
    ),
  ];
}
