// @ts-check
// The loss of all steps of a training: the mean, and the range of most steps.
import { s } from "../dom.js";
import { clamp, count } from "../numbers.js";
import { tickText } from "../maths/notation.js";

/** @typedef {Record<"mean" | "low" | "high" | "most", number[]> & { every: number }} Losses */
/** @typedef {{ steps: number, steps_per_epoch: number, loss: Losses | null,
 *   wrong: number[] | null, batch_size: number }} Index */

export const HEIGHT = 100; // pixels
const [LEFT, RIGHT, TOP, BOTTOM] = [8, 28, 18, 84];
const LEAST = 1e-4; // nats
const BELOW = 4; // how far the axis reaches below the smallest mean; smaller losses are drawn there
const NARROW = 600;
const NAME_PX = 110; // room for the name of some epochs

/** @param {number[]} values */
const meanOf = (values) => values.reduce((total, value) => total + value, 0) / values.length;

/** Take the means of groups. @param {number[]} values @param {number} size */
const coarse = (values, size) =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, i) =>
    meanOf(values.slice(i * size, (i + 1) * size)),
  );

/**
 * Make the scales of the plot.
 * @param {Index} index
 * @param {number} width pixels
 */
export function scalesOf({ steps, loss }, width) {
  const low = Math.max(LEAST, Math.min(0.1, ...(loss?.mean ?? [])) / BELOW);
  const high = Math.max(1, ...(loss?.most ?? []));
  const span = Math.log(high / low);
  return {
    x: (/** @type {number} */ step) =>
      LEFT + ((width - LEFT - RIGHT) * (step - 1)) / Math.max(1, steps - 1),
    y: (/** @type {number} */ value) =>
      BOTTOM - ((BOTTOM - TOP) * Math.log(clamp(value, low, high) / low)) / span,
    ticks: [1e-4, 1e-3, 0.01, 0.1, 1, 10].filter((tick) => tick >= low && tick <= high),
  };
}

/** @typedef {ReturnType<typeof scalesOf>} Scales */

/** @param {Losses} loss @param {Scales} scales @param {number} width */
function drawLoss(loss, { x, y }, width) {
  const size = Math.max(1, Math.round(loss.mean.length / (width / 2)));
  const path = (/** @type {number[]} */ values) =>
    coarse(values, size).map(
      (value, i) => `${x((i + 0.5) * loss.every * size).toFixed(1)} ${y(value).toFixed(1)}`,
    );
  const spread = [...path(loss.high), ...path(loss.low).reverse()];
  return [
    s("path", { d: `M${spread.join("L")}Z`, class: "spread" }),
    s("path", { d: `M${path(loss.mean).join("L")}`, class: "mean" }),
  ];
}

/** Name the epochs, and draw their ends. @param {Index} index @param {Scales} scales
 * @param {number} width */
function drawEpochs({ steps, steps_per_epoch: length, wrong, batch_size }, { x }, width) {
  const epochs = Math.ceil(steps / length);
  const spacing = Math.ceil((epochs * NAME_PX) / width);
  const named = Array.from({ length: Math.ceil(epochs / spacing) }, (_, i) => i * spacing);
  const ends = named.slice(1).map((i) => {
    const at = x(i * length);
    return s("line", { x1: at, x2: at, y1: TOP - 4, y2: BOTTOM, class: "epoch" });
  });
  const hasRoom = wrong && batch_size === 1 && spacing === 1 && named.length * 160 < width;
  const names = named.map((i) => {
    const middle = Math.min(steps, (i + spacing / 2) * length);
    const place = { x: x(middle), y: HEIGHT - 3, "text-anchor": "middle" };
    const mistakes = hasRoom ? `, ${count(wrong[i])} wrong` : "";
    const last = Math.min(epochs, i + spacing);
    const name = spacing > 1 ? `epochs ${i + 1} to ${last}` : `epoch ${i + 1}`;
    return s("text", { ...place, class: "scale" }, name + mistakes);
  });
  return [...ends, ...names];
}

/**
 * Draw the curve.
 * @param {Index} index
 * @param {number} width pixels
 */
export function drawCurve(index, width) {
  const scales = scalesOf(index, width);
  const { loss } = index;
  const svg = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT });
  svg.setAttribute("aria-hidden", "true");
  const long = ". Blue: the mean. Grey: 10 to 90\u202f% of the steps";
  const title = loss ? `↑ Loss, nats (log scale)${width < NARROW ? "" : long}` : "";
  const ticks = scales.ticks.flatMap((tick) => [
    s("line", {
      x1: LEFT,
      x2: width - RIGHT,
      y1: scales.y(tick),
      y2: scales.y(tick),
      class: "grid",
    }),
    s(
      "text",
      { x: width - RIGHT + 8, y: scales.y(tick), dy: ".34em", class: "scale" },
      tickText(tick),
    ),
  ]);
  svg.append(
    ...(loss ? ticks : []),
    ...drawEpochs(index, scales, width),
    ...(loss ? drawLoss(loss, scales, width) : []),
    s("text", { x: LEFT, y: 10, class: "scale" }, title),
  );
  return { svg, scales };
}

/** Make the rows of the curve's data. @param {Index} index */
export const curveRows = ({ steps, loss }) =>
  (loss?.mean ?? []).map((mean, i) => ({
    "first step": i * (loss?.every ?? 1) + 1,
    "last step": Math.min(steps, (i + 1) * (loss?.every ?? 1)),
    "mean loss, nats": mean,
    "10 % quantile": loss?.low[i],
    "90 % quantile": loss?.high[i],
    "largest loss": loss?.most[i],
  }));
