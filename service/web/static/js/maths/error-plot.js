// @ts-check
// The plot of the errors of boxes over their number, beside the bound LB/n where one is known.
import {
  BLUE,
  GREY,
  INK,
  INK_2,
  ORANGE,
  PAPER,
  Plot,
  addEndLabels,
  centered,
  toPixels,
} from "../chart.js";
import { s } from "../dom.js";
import { logTicks, roundRange } from "../ranges.js";
import { errorCurves } from "./box-sums.js";
import { tickText } from "./notation.js";

/**
 * @typedef {object} Drawn what the plot shows
 * @property {"equal" | "free"} widths
 * @property {import("./box-rate.js").Rate} rate
 * @property {number} bound
 * @property {number} boxes
 * @property {number | null} max_error
 * @property {number} sampled_error
 */

const MOST_BOXES = 256;
const HEIGHT = 240; // pixels
/** @type {Record<string, { stroke: string, strokeWidth: number, strokeDasharray?: string }>} */
const ERROR_LOOKS = {
  error: { stroke: BLUE, strokeWidth: 2 },
  found: { stroke: BLUE, strokeWidth: 2 },
  free: { stroke: BLUE, strokeWidth: 2 },
  equal: { stroke: INK, strokeWidth: 1.5 },
  trained: { stroke: ORANGE, strokeWidth: 1.5, strokeDasharray: "6 3" },
};

/** Say why there is nothing to draw. @param {number} width pixels */
function emptyPlot(width) {
  const plot = Plot.plot({ width, height: HEIGHT, x: { axis: null }, y: { axis: null } });
  const place = { x: width / 2, y: HEIGHT / 2, "text-anchor": "middle", fill: INK_2 };
  plot.append(s("text", place, "All errors are 0. A log scale has no 0."));
  return plot;
}

/**
 * Draw the errors over the number of boxes.
 * @param {Drawn} answer
 * @param {number} width pixels
 */
export function errorPlot({ widths, rate, bound, boxes, max_error, sampled_error }, width) {
  const free = widths === "free";
  const curves = errorCurves(rate.table, free).map((curve) => ({
    ...curve,
    rows: curve.rows.filter((row) => row.boxes <= MOST_BOXES),
  }));
  const here = [{ boxes, error: max_error ?? sampled_error }].filter((row) => row.error > 0);
  const drawn = [...curves.flatMap((curve) => curve.rows), ...here];
  if (!drawn.length) return emptyPlot(width);
  const most = free ? Math.max(...drawn.map((row) => row.boxes), 2) : MOST_BOXES;
  const errors = drawn.map((row) => row.error);
  const [low, top] = roundRange(Math.min(...errors), Math.max(...errors));
  const { slope } = rate;
  const unproven = rate.table.some((row) => row.max_error == null);
  const limits =
    slope == null ? [] : [1, most].map((n) => ({ boxes: n, error: slope * (bound / n) }));
  // Where the function is steep, the bound is far above all errors.
  /** @param {{ error: number }} row */
  const isVisible = ({ error }) => error >= low && error <= top;
  const ticks = logTicks([low, top]);
  const position = /** @type {const} */ ({
    x: "boxes",
    y: (/** @type {{ error: number }} */ row) => Math.log10(row.error),
  });
  const right = free ? 64 : 52;
  const plot = Plot.plot({
    width,
    height: HEIGHT,
    marginLeft: Math.max(...ticks.map((tick) => 7 * tickText(tick).length)) + 14,
    marginRight: right,
    marginTop: 28,
    marginBottom: 36,
    x: {
      type: "log",
      domain: [1, most],
      ...centered("Boxes n (log scale)"),
      ticks: [1, 10, 100].filter((tick) => tick <= most),
      tickFormat: "d",
    },
    y: {
      domain: [low, top].map(Math.log10),
      label: `↑ ${unproven ? "Largest error found" : "Largest error"} (log scale)`,
      // D3 leaves out some labels of a log scale, so this one is a linear scale of logarithms.
      ticks: ticks.map(Math.log10),
      tickFormat: (/** @type {number} */ _, /** @type {number} */ i) => tickText(ticks[i]),
      grid: true,
    },
    marks: [
      Plot.line(limits, { ...position, stroke: GREY, strokeDasharray: "3 3", clip: true }),
      ...curves.map(({ name, rows }) => Plot.line(rows, { ...position, ...ERROR_LOOKS[name] })),
      Plot.dot(curves[curves.length - 1].rows, { ...position, fill: BLUE, r: 2 }),
      Plot.dot(here, { ...position, r: 6, fill: BLUE, stroke: PAPER, strokeWidth: 2 }),
    ],
  });
  const { y } = toPixels(plot);
  /** @param {typeof here} rows @param {string} text @param {string} color @param {number} weight */
  const label = (rows, text, color, weight) =>
    rows
      .slice(-1)
      .map((row) => ({ x: width - right, y: y(Math.log10(row.error)), text, color, weight }));
  return addEndLabels(plot, [
    ...label(limits.filter(isVisible), "LB/n", INK_2, 400),
    ...curves.flatMap(({ name, rows }) => label(rows, name, ERROR_LOOKS[name].stroke, 600)),
  ]);
}
