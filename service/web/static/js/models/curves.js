// @ts-check
// The curves of the compared models. Each curve has a label at its end.
import { PAPER, Plot, addEndLabels, chart, toPixels } from "../chart.js";
import { NARROW, accuracyAxis, epochAxis, logLossAxis } from "../curves.js";
import { $ } from "../dom.js";
import { shorten } from "../label-layout.js";
import { accuracyRange, lossRange } from "../ranges.js";
import { savable } from "../save-figure.js";
import { namedRows } from "../save/csv.js";

/** @typedef {import("./comparison.js").Series} Series */
/** @typedef {import("../types.d.ts").Epoch} Epoch */

const HEIGHT = 300;
const LETTER = 7; // pixels, the mean width of a letter in a label
const LABEL_SHARE = 0.36; // of the width, the most that the labels take
const TO_LABEL = 14; // pixels from the end of the axis to the labels, as in chart.js

/**
 * @param {Series[]} series
 * @param {(row: Epoch) => number} value
 * @param {(values: number[]) => any} yAxis
 * @param {number} width
 */
function curves(series, value, yAxis, width) {
  const narrow = width < NARROW;
  const mostLetters = Math.floor((LABEL_SHARE * width) / LETTER);
  const texts = series.map(({ mark, short }) => (narrow ? mark : shorten(short, mostLetters)));
  const longest = Math.max(...texts.map((text) => text.length));
  const marginRight = TO_LABEL + LETTER * longest + 4; // a single letter may be a wide one
  /** @param {Series} one */
  const rows = ({ listed }) => listed.model.history.filter((row) => Number.isFinite(value(row)));
  const epochs = Math.max(1, ...series.map(({ listed }) => listed.model.recipe.epochs));
  const top = 28;
  const bottom = HEIGHT - 38;
  const position = { x: "epoch", y: value };
  const plot = Plot.plot({
    width,
    height: HEIGHT,
    marginLeft: 40,
    marginRight,
    marginTop: top,
    marginBottom: HEIGHT - bottom,
    x: epochAxis(epochs, narrow ? 4 : 6),
    y: yAxis(series.flatMap((one) => rows(one).map(value))),
    marks: series.flatMap((one) => [
      Plot.lineY(rows(one), {
        ...position,
        stroke: one.color,
        strokeWidth: 2,
        strokeDasharray: one.dash || undefined,
        clip: true,
      }),
      Plot.dot(rows(one).slice(-1), {
        ...position,
        fill: one.color,
        r: 4,
        stroke: PAPER,
      }),
    ]),
  });
  const { x, y } = toPixels(plot);
  const ends = series.flatMap((one, i) =>
    rows(one)
      .slice(-1)
      .map((row) => ({
        x: width - marginRight,
        end: x(row.epoch),
        y: Math.max(top, Math.min(bottom, y(value(row)))),
        text: texts[i],
        color: one.color,
      })),
  );
  return addEndLabels(plot, ends, { top, bottom });
}

/**
 * Draw the loss and the accuracy of the compared models. Return a function that draws them again.
 * @param {() => Series[]} series
 */
export function drawComparison(series) {
  const redrawLoss = chart($("#compare-loss"), (width) =>
    curves(
      series(),
      (row) => Number(row.test_loss),
      (losses) => logLossAxis("↑ Test loss, nats (log scale)", lossRange(losses, 2.45)),
      width,
    ),
  );
  const redrawAccuracy = chart($("#compare-accuracy"), (width) => {
    const histories = series().map(({ listed }) => listed.model.history);
    const epochs = Math.max(...histories.map((history) => history.at(-1)?.epoch ?? 0));
    const ends = histories.flatMap((history) => accuracyRange(history, [], epochs));
    const axis = accuracyAxis(accuracyRange([], ends), histories.flat());
    return curves(
      series(),
      (row) => 100 * Number(row.test_accuracy),
      () => axis,
      width,
    );
  });
  const rows = () =>
    series().flatMap(({ label, listed: { model } }) =>
      namedRows({ curve: label, model: model.id }, model.history),
    );
  savable($("#compare-loss").closest("figure"), { name: "losses", rows });
  savable($("#compare-accuracy").closest("figure"), { name: "accuracies", rows });
  return () => {
    redrawLoss();
    redrawAccuracy();
  };
}
