// @ts-check
// The chart of the test losses of several jobs. Its colors follow the order of their values.
import { GREY, INK_2, PAPER, Plot, addEndLabels, toPixels } from "../chart.js";
import { valueColor } from "../color.js";
import { sizesOf } from "../datasets.js";
import { guessingLoss } from "../guessing.js";
import { HEADROOM, NARROW, epochAxis, logLossAxis } from "../curves.js";
import { shorten } from "../label-layout.js";
import { lossRange } from "../ranges.js";

/** @typedef {ReturnType<typeof import("./values.js").labelled>} Curves */

const HEIGHT = 300;
const MARGIN_TOP = 28;
const MARGIN_BOTTOM = 34;
const ABOVE_AXIS = 6; // pixels, so that no label is beside the numbers of the axis
const LETTER = 7; // pixels, the mean width of a letter in a label

/** Draw the test losses of several jobs. @param {Curves} curves @param {number} width */
export function togetherChart(curves, width) {
  const narrow = width < NARROW;
  const texts = curves.map(({ label }) => shorten(label, narrow ? 10 : 26));
  const counts = curves.map(({ job }) => sizesOf(job.recipe)?.classes ?? 0);
  const classes = new Set(counts).size === 1 ? counts[0] : 0; // else there is no common line
  const level = classes ? [guessingLoss(classes)] : [];
  const guessing = classes ? `${narrow ? "" : "guessing, "}ln ${classes}` : "";
  const losses = curves.flatMap(({ job }) => job.history.map((row) => row.test_loss ?? 1));
  const range = lossRange(losses, HEADROOM * (level[0] ?? 1));
  const epochs = Math.max(1, ...curves.map(({ job }) => job.recipe.epochs));
  const position = { x: "epoch", y: "test_loss" };
  const plot = Plot.plot({
    width,
    height: HEIGHT,
    marginLeft: 40,
    marginRight: 20 + LETTER * Math.max(...[guessing, ...texts].map((text) => text.length)),
    marginTop: MARGIN_TOP,
    marginBottom: MARGIN_BOTTOM,
    x: epochAxis(epochs, narrow ? 4 : 6),
    y: logLossAxis("↑ Test loss, nats (log scale)", range),
    marks: [
      Plot.ruleY(level, { stroke: GREY, strokeDasharray: "2 3" }),
      ...curves.flatMap(({ job, share }) => [
        Plot.lineY(job.history, { ...position, stroke: valueColor(share), strokeWidth: 2 }),
        Plot.dot(job.history.slice(-1), {
          ...position,
          r: 4,
          fill: valueColor(share),
          stroke: PAPER,
        }),
      ]),
    ],
  });
  const { x, y } = toPixels(plot);
  const labels = curves.flatMap(({ job, share }, i) =>
    job.history.slice(-1).map((row) => ({
      x: x(epochs),
      y: y(row.test_loss),
      text: texts[i],
      color: valueColor(share),
    })),
  );
  const line = { text: guessing, color: INK_2, weight: 400 };
  const all = [...labels, ...level.map((loss) => ({ x: x(epochs), y: y(loss), ...line }))];
  return addEndLabels(plot, all, { top: MARGIN_TOP, bottom: HEIGHT - MARGIN_BOTTOM - ABOVE_AXIS });
}
