// @ts-check
// Loss and accuracy against epochs. The published curves of the source, the coursework that Stepbox
// reproduces, are grey.
import {
  BLUE,
  EDGE,
  GREY,
  INK_2,
  ORANGE,
  PAPER,
  Plot,
  addEndLabels,
  centered,
  toPixels,
} from "./chart.js";
import { fixed, percent } from "./numbers.js";
import { accuracyRange, lossRange } from "./ranges.js";

/** @typedef {import("./types.d.ts").Epoch} Epoch */
/** @typedef {"train_loss" | "test_loss"} LossName */

/** Charts narrower than this, in pixels, get short labels. */
export const NARROW = 480;
const GUESSING_LOSS = Math.LN10; // of equal probabilities for all 10 classes
const LOSS_TICKS = [0.1, 0.2, 0.3, 0.5, 1, 2];
const FAINT = { color: INK_2, weight: 400 };

/** Options of an axis of epochs. @param {number} epochs */
export const epochAxis = (epochs, ticks = 6) => ({
  domain: [0, epochs],
  ...centered("Epoch"),
  ticks: Math.min(epochs, ticks),
  tickFormat: "d",
});

/**
 * Options of a logarithmic axis of losses.
 * @param {string} label
 * @param {number[]} range
 * @param {number[]} ticks
 */
export const logLossAxis = (label, range, ticks) => ({
  type: /** @type {const} */ ("log"),
  domain: range,
  label,
  ticks: ticks.filter((tick) => tick >= range[0]),
  tickFormat: String,
  grid: true,
});

/** @param {boolean} narrow */
const margins = (narrow) => ({
  marginLeft: 36,
  marginRight: narrow ? 72 : 112,
  marginTop: 28,
  marginBottom: 34,
});

/** @param {object[]} rows @param {string} y @param {string} color */
const endDot = (rows, y, color) =>
  Plot.dot(rows.slice(-1), { x: "epoch", y, r: 4, fill: color, stroke: PAPER, strokeWidth: 1.5 });

/** @param {Epoch} row */
function tooltip({ epoch, test_loss, train_loss, test_accuracy }) {
  const train = train_loss == null ? [] : [`train ${fixed(train_loss, 3)}`];
  const accuracy = `accuracy ${percent(test_accuracy)}`;
  return [`epoch ${epoch}`, `test ${fixed(test_loss, 3)}`, ...train, accuracy].join("\n");
}

/** @param {Epoch[]} history */
const pointerMarks = (history) => [
  Plot.ruleX(history, Plot.pointerX({ x: "epoch", stroke: INK_2 })),
  Plot.tip(
    history,
    Plot.pointerX({ x: "epoch", y: "test_loss", fill: PAPER, stroke: EDGE, title: tooltip }),
  ),
];

/** @param {number} epochs @param {boolean} narrow */
const guessingMarks = (epochs, narrow) => [
  Plot.ruleY([GUESSING_LOSS], { stroke: GREY, strokeDasharray: "2 3" }),
  Plot.text([narrow ? "ln 10" : "guessing, ln 10"], {
    x: () => epochs,
    y: () => GUESSING_LOSS,
    text: String,
    dx: 8,
    textAnchor: "start",
    fill: INK_2,
  }),
];

/** @param {Epoch[]} history @param {LossName} name @param {string} color */
const series = (history, name, color) => ({
  name,
  color,
  rows: history.filter((row) => row[name] != null),
});

/** @param {ReturnType<typeof series>} series @param {number} strokeWidth */
const seriesLine = ({ rows, name, color }, strokeWidth) =>
  Plot.lineY(rows, { x: "epoch", y: name, stroke: color, strokeWidth, strokeLinejoin: "round" });

/**
 * @param {ReturnType<typeof series>} series
 * @param {ReturnType<typeof toPixels>} pixels
 * @param {(loss: number) => string} text
 * @param {object} [look]
 */
const seriesLabel = ({ rows, name, color }, { x, y }, text, look) =>
  rows.slice(-1).map((row) => {
    const loss = /** @type {number} */ (row[name]);
    return { x: x(row.epoch), y: y(loss), text: text(loss), color, ...look };
  });

/**
 * Draw train and test loss on a logarithmic axis.
 * @param {object} options
 * @param {Epoch[]} options.history
 * @param {Epoch[]} [options.published]
 * @param {number} options.epochs the last epoch of the axis
 * @param {number} options.width
 * @param {number} [options.height]
 */
export function lossCurves({ history, published = [], epochs, width, height = 300 }) {
  const narrow = width < NARROW;
  const past = published.filter((row) => row.epoch <= epochs);
  const train = series(history, "train_loss", BLUE);
  const test = series(history, "test_loss", ORANGE);
  const pastTrain = series(past, "train_loss", GREY);
  const pastTest = series(past, "test_loss", GREY);
  const losses = [train, test, pastTrain, pastTest].flatMap(({ rows, name }) =>
    rows.map((row) => /** @type {number} */ (row[name])),
  );
  const plot = Plot.plot({
    width,
    height,
    ...margins(narrow),
    x: epochAxis(epochs, narrow ? 4 : 6),
    y: logLossAxis("↑ Loss, nats (log scale)", lossRange(losses, 2.45), LOSS_TICKS),
    marks: [
      ...guessingMarks(epochs, narrow),
      seriesLine(pastTest, 1),
      seriesLine(pastTrain, 1),
      epochs < 10
        ? Plot.dot(pastTest.rows, { x: "epoch", y: "test_loss", r: 2.5, fill: GREY })
        : null,
      seriesLine(train, 2),
      seriesLine(test, 2),
      endDot(train.rows, train.name, BLUE),
      endDot(test.rows, test.name, ORANGE),
      ...pointerMarks(history),
    ],
  });

  const pixels = toPixels(plot);
  /** @param {string} word */
  const withLoss = (word) => (/** @type {number} */ loss) =>
    narrow ? word : `${word} ${fixed(loss, 3)}`;
  /** @param {string} word */
  const publishedWord = (word) => () => (narrow ? `publ. ${word}` : `published, ${word}`);
  const labels = [
    ...seriesLabel(test, pixels, withLoss("test")),
    ...seriesLabel(train, pixels, withLoss("train")),
  ];
  const publishedLabels = [
    ...seriesLabel(pastTest, pixels, publishedWord("test"), FAINT),
    ...seriesLabel(pastTrain, pixels, publishedWord("train"), FAINT),
  ];
  // During a training, its curves end at another epoch than the published ones.
  const finished = !history.length || history[history.length - 1].epoch >= epochs;
  return finished
    ? addEndLabels(plot, [...labels, ...publishedLabels])
    : addEndLabels(addEndLabels(plot, publishedLabels), labels);
}

/** @typedef {{ value: number, text: string, short: string }} Reference a published accuracy */

/**
 * Draw the test accuracy after each epoch.
 * @param {object} options
 * @param {Epoch[]} options.history
 * @param {Epoch[]} [options.published]
 * @param {Reference[]} [options.references]
 * @param {number} options.epochs the last epoch of the axis
 * @param {number} options.width
 */
export function accuracyCurve({ history, published = [], references = [], epochs, width }) {
  const narrow = width < NARROW;
  const levels = references.map((reference) => 100 * reference.value);
  const range = accuracyRange(history, levels);
  /** @param {Epoch} row */
  const accuracy = (row) => 100 * row.test_accuracy;
  const rows = history.map((row) => ({ ...row, accuracy: accuracy(row) }));
  const publishedRows = { x: "epoch", y: accuracy, clip: true };
  const plot = Plot.plot({
    width,
    height: 190,
    ...margins(narrow),
    x: epochAxis(epochs, narrow ? 4 : 6),
    y: { domain: range, label: "↑ Test accuracy, %", ticks: 4, grid: true },
    marks: [
      Plot.ruleY(levels, { stroke: GREY }),
      Plot.lineY(published, { ...publishedRows, stroke: GREY }),
      Plot.dot(published, { ...publishedRows, r: 2.5, fill: GREY }),
      Plot.lineY(rows, { x: "epoch", y: "accuracy", stroke: ORANGE, strokeWidth: 2, clip: true }),
      endDot(rows, "accuracy", ORANGE),
    ],
  });

  const { x, y } = toPixels(plot);
  return addEndLabels(plot, [
    ...rows.slice(-1).map((row) => ({
      x: x(row.epoch),
      y: y(Math.max(range[0], row.accuracy)),
      text: percent(row.test_accuracy, narrow ? 0 : 1),
      color: ORANGE,
    })),
    ...published.slice(-1).map((row) => ({
      x: x(row.epoch),
      y: y(accuracy(row)),
      text: narrow ? "publ." : "published",
      ...FAINT,
    })),
    ...references.map(({ value, text, short }) => ({
      x: x(epochs),
      y: y(100 * value),
      text: narrow ? short : text,
      ...FAINT,
    })),
  ]);
}
