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
import { MOST_DOTS } from "./curve-words.js";
import { fixed, percent } from "./numbers.js";
import { accuracyRange, accuracyTicks, logTicks, lossRange } from "./ranges.js";
import { guessingLoss } from "./guessing.js";
import { CLASSES, TRAINING_IMAGES } from "./sizes.js";

/** @typedef {import("./types.d.ts").Epoch} Epoch */
/** @typedef {import("./types.d.ts").Loss} Loss */
/** @typedef {"train_loss" | "test_loss" | "validation_loss"} LossName */

/** Charts narrower than this, in pixels, get short labels. */
export const NARROW = 480;
const DASHES = "6 4"; // of validation curves, so that they differ not only by color
const FAINT = { color: INK_2, weight: 400 };

export const HEADROOM = 1.064; // above the loss of guessing, relative to it: 2.45 for ten classes

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
 */
export const logLossAxis = (label, range) => ({
  type: /** @type {const} */ ("log"),
  domain: range,
  label,
  ticks: logTicks(range),
  tickFormat: (/** @type {number} */ tick) =>
    tick >= 0.001 && tick < 1e5 ? String(tick) : tick.toExponential(),
  grid: true,
});

/**
 * Options of an axis of accuracies, which says where it starts, and that epoch 0 is below it.
 * @param {number[]} range percent
 * @param {Epoch[]} rows of all curves
 */
export function accuracyAxis(range, rows) {
  const isCut = rows.some((row) => row.epoch === 0 && 100 * (row.test_accuracy ?? 1) < range[0]);
  const start = `from ${range[0]}\u202f%${isCut ? "; epoch 0 is below" : ""}`;
  return {
    domain: range,
    label: `↑ Test accuracy, %${range[0] ? ` (${start})` : ""}`,
    ticks: accuracyTicks(range),
    grid: true,
  };
}

/** @param {boolean} narrow */
const margins = (narrow) => ({
  marginLeft: 40,
  marginRight: narrow ? 72 : 112,
  marginTop: 28,
  marginBottom: 34,
});

/** @param {object[]} rows @param {string} y @param {string} color */
const endDot = (rows, y, color) =>
  Plot.dot(rows.slice(-1), { x: "epoch", y, r: 4, fill: color, stroke: PAPER, strokeWidth: 1.5 });

/** @param {Epoch} row */
function tooltip({ epoch, test_loss, train_loss, test_accuracy, validation_loss }) {
  const train = [
    ...(train_loss == null ? [] : [`train ${fixed(train_loss, 3)}`]),
    ...(validation_loss == null ? [] : [`validation ${fixed(validation_loss, 3)}`]),
  ];
  const test = test_loss == null ? [] : [`test ${fixed(test_loss, 3)}`];
  const accuracy = test_accuracy == null ? [] : [`accuracy ${percent(test_accuracy)}`];
  return [`epoch ${epoch}`, ...test, ...train, ...accuracy].join("\n");
}

/** @param {Epoch[]} history */
const pointerMarks = (history) => [
  Plot.ruleX(history, Plot.pointerX({ x: "epoch", stroke: INK_2 })),
  Plot.tip(
    history,
    Plot.pointerX({
      x: "epoch",
      y: (/** @type {Epoch} */ row) => row.test_loss ?? row.validation_loss,
      fill: PAPER,
      stroke: EDGE,
      title: tooltip,
    }),
  ),
];

/** @param {Epoch[]} history @param {LossName} name @param {string} color */
const series = (history, name, color) => ({
  name,
  color,
  rows: history.filter((row) => row[name] != null),
});

/** @param {ReturnType<typeof series>} series @param {number} strokeWidth */
const seriesLine = ({ rows, name, color }, strokeWidth) =>
  Plot.lineY(rows, {
    x: "epoch",
    y: name,
    stroke: color,
    strokeWidth,
    strokeLinejoin: "round",
    strokeDasharray: name === "validation_loss" ? DASHES : undefined,
  });

/** @param {ReturnType<typeof series>} series */
const seriesDots = ({ rows, name, color }) =>
  Plot.dot(rows, { x: "epoch", y: name, r: color === GREY ? 2.5 : 3, fill: color });

/** @param {ReturnType<typeof series>} series @param {(loss: number) => string} text */
const seriesLabel = ({ rows, name, color }, text) =>
  rows.slice(-1).map((row) => {
    const loss = /** @type {number} */ (row[name]);
    return { loss, text: text(loss), ...(color === GREY ? FAINT : { color }) };
  });

/**
 * Draw train and test loss on a logarithmic axis. With losses within the epochs, these are a thin
 * line, and the means of the epochs are dots.
 * @param {object} options
 * @param {Epoch[]} options.history
 * @param {Loss[] | null} [options.losses]
 * @param {Epoch[]} [options.published]
 * @param {number} options.epochs the last epoch of the axis
 * @param {number} options.width
 * @param {number} [options.height]
 * @param {{ classes: number, trained: number } | null} [options.sizes] the number of classes, and
 *   of samples in an epoch; null if unknown, and then no losses within the epochs are drawn
 */
export function lossCurves({
  history,
  losses,
  published = [],
  epochs,
  width,
  height = 300,
  sizes = { classes: CLASSES, trained: TRAINING_IMAGES },
}) {
  const narrow = width < NARROW;
  const past = published.filter((row) => row.epoch <= epochs);
  const train = series(history, "train_loss", BLUE);
  const test = series(history, "test_loss", ORANGE);
  const pastTrain = series(past, "train_loss", GREY);
  const pastTest = series(past, "test_loss", GREY);
  const validation = series(history, "validation_loss", INK_2);
  const within = (sizes ? (losses ?? []) : []).map(({ samples, train_loss }) => ({
    epoch: samples / (sizes?.trained ?? 1),
    train_loss,
  }));
  const guessing = sizes ? [guessingLoss(sizes.classes)] : [];
  const all = [train, test, validation, pastTrain, pastTest].flatMap(({ rows, name }) =>
    rows.map((row) => /** @type {number} */ (row[name])),
  );
  const range = lossRange(
    [...all, ...within.map((row) => row.train_loss)],
    HEADROOM * (guessing[0] ?? 1),
  );
  const dotted = epochs <= MOST_DOTS;
  const plot = Plot.plot({
    width,
    height,
    ...margins(narrow),
    x: epochAxis(epochs, narrow ? 4 : 6),
    y: logLossAxis("↑ Loss, nats (log scale)", range),
    marks: [
      Plot.ruleY(guessing, { stroke: GREY, strokeDasharray: "2 3" }),
      seriesLine(pastTest, 1),
      seriesLine(pastTrain, 1),
      dotted ? seriesDots(pastTest) : null,
      Plot.lineY(within, { x: "epoch", y: "train_loss", stroke: BLUE, strokeWidth: 1 }),
      within.length && dotted ? seriesDots(train) : seriesLine(train, 2),
      seriesLine(test, 2),
      seriesLine(validation, 2),
      endDot(train.rows, train.name, BLUE),
      endDot(test.rows, test.name, ORANGE),
      endDot(validation.rows, validation.name, INK_2),
      ...pointerMarks(history),
    ],
  });

  /** @param {string} word */
  const withLoss = (word) => (/** @type {number} */ loss) =>
    narrow ? word : `${word} ${fixed(loss, 3)}`;
  /** @param {string} word */
  const publishedWord = (word) => () => (narrow ? `publ. ${word}` : `published, ${word}`);
  // Before the first epoch ends, the train loss has no mean of an epoch.
  const lastTrain = train.rows.length ? train.rows : within.slice(-1);
  const { x, y } = toPixels(plot);
  // All labels are in the margin, where no line runs through them.
  const labels = [
    ...seriesLabel(test, withLoss("test")),
    ...seriesLabel({ ...train, rows: /** @type {Epoch[]} */ (lastTrain) }, withLoss("train")),
    ...seriesLabel(validation, withLoss(narrow ? "valid." : "validation")),
    ...seriesLabel(pastTest, publishedWord("test")),
    ...seriesLabel(pastTrain, publishedWord("train")),
    ...guessing.map((loss) => {
      const text = `ln ${sizes?.classes}`;
      return { loss, text: narrow ? text : `guessing, ${text}`, ...FAINT };
    }),
  ];
  return addEndLabels(
    plot,
    labels.map(({ loss, ...label }) => ({ x: x(epochs), y: y(loss), ...label })),
  );
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
  const validated = history
    .filter((row) => row.validation_accuracy != null)
    .map((row) => ({ ...row, accuracy: 100 * Number(row.validation_accuracy) }));
  const late = validated.filter((row) => row.epoch > 0).map((row) => row.accuracy);
  const range = accuracyRange(history, [...levels, ...late], epochs);
  /** @param {Epoch} row */
  const accuracy = (row) => 100 * Number(row.test_accuracy);
  const rows = history
    .filter((row) => row.test_accuracy != null)
    .map((row) => ({ ...row, accuracy: accuracy(row) }));
  const publishedRows = { x: "epoch", y: accuracy, clip: true };
  const plot = Plot.plot({
    width,
    height: 190,
    ...margins(narrow),
    x: epochAxis(epochs, narrow ? 4 : 6),
    y: accuracyAxis(range, history),
    marks: [
      Plot.ruleY(levels, { stroke: GREY }),
      Plot.lineY(published, { ...publishedRows, stroke: GREY }),
      Plot.dot(published, { ...publishedRows, r: 2.5, fill: GREY }),
      Plot.lineY(rows, { x: "epoch", y: "accuracy", stroke: ORANGE, strokeWidth: 2, clip: true }),
      Plot.lineY(validated, {
        x: "epoch",
        y: "accuracy",
        stroke: INK_2,
        strokeWidth: 2,
        strokeDasharray: DASHES,
        clip: true,
      }),
      endDot(rows, "accuracy", ORANGE),
      endDot(validated, "accuracy", INK_2),
    ],
  });

  const { x, y } = toPixels(plot);
  /** @param {number} value percent */
  const place = (value) => ({ x: x(epochs), y: y(Math.max(range[0], value)) });
  return addEndLabels(plot, [
    ...rows.slice(-1).map((row) => ({
      ...place(row.accuracy),
      text: percent(row.accuracy / 100, narrow ? 0 : 1),
      color: ORANGE,
    })),
    ...validated.slice(-1).map((row) => ({
      ...place(row.accuracy),
      text: narrow ? "valid." : `validation ${percent(row.accuracy / 100)}`,
      color: INK_2,
    })),
    ...published.slice(-1).map((row) => ({
      ...place(accuracy(row)),
      text: narrow ? "publ." : "published",
      ...FAINT,
    })),
    ...references.map(({ value, text, short }) => ({
      ...place(100 * value),
      text: narrow ? short : text,
      ...FAINT,
    })),
  ]);
}
