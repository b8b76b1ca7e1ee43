// @ts-check
// The chart of the test losses of several jobs. Its colors follow the order of their values.
import { PAPER, Plot, addEndLabels, toPixels } from "../chart.js";
import { NARROW, epochAxis, logLossAxis } from "../curves.js";
import { lossRange } from "../ranges.js";

/** @typedef {ReturnType<typeof import("./values.js").labelled>} Curves */

const HEIGHT = 300;
const LETTER = 7; // pixels, the mean width of a letter in a label

/** @param {number} share from 0, the first color, to 1, the last one */
const colorOf = (share) =>
  `color-mix(in oklch, var(--order-high) ${Math.round(100 * share)}%, var(--order-low))`;

/** @param {string} label @param {number} most letters */
const shortened = (label, most) => (label.length > most ? `${label.slice(0, most - 1)}…` : label);

/** Draw the test losses of several jobs. @param {Curves} curves @param {number} width */
export function togetherChart(curves, width) {
  const narrow = width < NARROW;
  const texts = curves.map(({ label }) => shortened(label, narrow ? 10 : 26));
  const losses = curves.flatMap(({ job }) => job.history.map((row) => row.test_loss));
  const range = lossRange(losses, 2.45);
  const epochs = Math.max(1, ...curves.map(({ job }) => job.recipe.epochs));
  const position = { x: "epoch", y: "test_loss" };
  const plot = Plot.plot({
    width,
    height: HEIGHT,
    marginLeft: 40,
    marginRight: 16 + LETTER * Math.max(0, ...texts.map((text) => text.length)),
    marginTop: 28,
    marginBottom: 34,
    x: epochAxis(epochs, narrow ? 4 : 6),
    y: logLossAxis("↑ Test loss, nats (log scale)", range),
    marks: curves.flatMap(({ job, share }) => [
      Plot.lineY(job.history, { ...position, stroke: colorOf(share), strokeWidth: 2 }),
      Plot.dot(job.history.slice(-1), { ...position, r: 4, fill: colorOf(share), stroke: PAPER }),
    ]),
  });
  const { x, y } = toPixels(plot);
  const labels = curves.flatMap(({ job, share }, i) =>
    job.history.slice(-1).map((row) => ({
      x: x(epochs),
      y: y(row.test_loss),
      text: texts[i],
      color: colorOf(share),
    })),
  );
  return addEndLabels(plot, labels);
}
