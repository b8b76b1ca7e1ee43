// @ts-check
// The plot of a function and the boxes that approximate it.
import {
  BLUE,
  EDGE,
  INK,
  ORANGE,
  PAPER,
  Plot,
  addEndLabels,
  centered,
  toPixels,
} from "../chart.js";
import { NARROW } from "../curves.js";
import { clamp } from "../numbers.js";
import { boxesOf, valueAt } from "./box-sums.js";
import { cutAxis } from "./value-axis.js";

/** @typedef {[x: number, y: number][]} Points */

/**
 * @typedef {object} Drawn
 * @property {number} boxes
 * @property {number} bound
 * @property {number | null} max_error
 * @property {import("./box-sums.js").Minimality | null} minimality
 * @property {import("./box-sums.js").BoxNetwork} network
 * @property {{ x: number[], function: number[], approximation: number[] }} curve
 */

export const MOST_PAIRS = 40; // marked in the plot; more do not fit on a phone
const ROOM = 0.08; // above and below the values

/**
 * Mark the pairs of the proof: the points on the curve, and the interval between them on the axis.
 * @param {Drawn} answer
 * @param {(value: number) => number} scaled
 * @param {number} height of the ends of an interval
 */
function pairMarks({ curve, minimality }, scaled, height) {
  const pairs = minimality?.pairs ?? [];
  if (pairs.length > MOST_PAIRS) return [];
  const points = /** @type {Points} */ (pairs.flat().map((x) => [x, scaled(valueAt(curve, x))]));
  const ends = /** @type {const} */ ({ stroke: ORANGE, strokeWidth: 1.5 });
  return [
    Plot.link(pairs, { x1: "0", x2: "1", y1: 0, y2: 0, ...ends }),
    Plot.ruleX(pairs.flat(), { y1: -height / 2, y2: height / 2, ...ends }),
    Plot.dot(points, { r: 3, fill: PAPER, ...ends }),
  ];
}

/**
 * Draw a function and its boxes.
 * @param {Drawn} answer
 * @param {number} width pixels
 */
export function functionPlot(answer, width) {
  const { curve, network, bound, boxes, max_error } = answer;
  const narrow = width < NARROW;
  const right = narrow ? 44 : 64;
  const both = [...curve.function, ...curve.approximation];
  const { cut, axis } = cutAxis(both, max_error != null);
  const { scaled, suffix } = axis;
  const values = both.map(scaled);
  const [least, most] = cut ? [-scaled(cut), scaled(cut)] : [-Infinity, Infinity];
  const low = Math.max(least, Math.min(0, ...values));
  const high = Math.min(most, Math.max(0, ...values));
  const room = ROOM * (high - low || 1);
  const [bottom, top] = [low - room, high + room];
  const exact = /** @type {Points} */ (curve.x.map((x, i) => [x, scaled(curve.function[i])]));
  // Between points above and below a cut plot, the function has a pole, and no line.
  const line = exact.flatMap((point, i) => {
    const next = exact[i + 1]?.[1] ?? 0;
    const jumps = Math.min(point[1], next) < bottom && Math.max(point[1], next) > top;
    return jumps ? [point, [point[0], NaN]] : [point];
  });
  const sum = boxesOf(network, bound).map(({ x1, x2, y }) => ({ x1, x2, y: scaled(y) }));
  const steps = /** @type {Points} */ (
    sum.flatMap(({ x1, x2, y }) => [
      [x1, y],
      [x2, y],
    ])
  );
  const clip = cut != null;
  const areas = { x1: "x1", x2: "x2", y1: 0, y2: "y", fill: BLUE, fillOpacity: 0.14, clip };
  const plot = Plot.plot({
    width,
    height: 300,
    marginLeft: 48,
    marginRight: right,
    marginTop: 28,
    marginBottom: 36,
    x: { domain: [-bound, bound], ...centered("x"), ticks: narrow ? 5 : 7 },
    y: {
      domain: [bottom, top],
      label: `↑ f(x)${suffix}`,
      ticks: 5,
      grid: true,
      labelArrow: "none",
    },
    marks: [
      Plot.rect(sum, areas),
      Plot.ruleY([0], { stroke: EDGE }),
      Plot.line(/** @type {Points} */ (line), { stroke: INK, strokeWidth: 1.5, clip }),
      Plot.line(steps, { stroke: BLUE, strokeWidth: boxes > 96 ? 1 : 2, clip }),
      ...pairMarks(answer, scaled, room / 2),
    ],
  });
  const { y } = toPixels(plot);
  const x = width - right;
  /** @param {number} value */
  const height = (value) => y(clamp(value, bottom, top));
  return addEndLabels(plot, [
    { x, y: height(exact[exact.length - 1][1]), text: "f", color: INK },
    { x, y: height(sum[sum.length - 1].y), text: "boxes", color: BLUE },
  ]);
}
