// @ts-check
// Plots of the recall and precision of each class, and of the calibration.
import { BLUE, EDGE, GREY, INK_2, ORANGE, PAPER, Plot, centered, chart } from "../chart.js";
import { areDigits } from "../class-names.js";
import { $, h, numberCell, rowHeader, table } from "../dom.js";
import { NARROW } from "../curves.js";
import { shorten } from "../label-layout.js";
import { sampleWord } from "../models/card.js";
import { count, fixed, shareText } from "../numbers.js";
import { calibration, calibrationWords, classQuality, qualityAxisStart } from "./measures.js";
import { savable } from "../save-figure.js";

const MOST_DRAWN = 30; // classes; more are listed in a table that scrolls
const LONGEST = 24; // letters of a class on the axis
const LETTER = 6.5; // pixels, the mean width of a letter
const LABEL = 72; // pixels, room for a label beside a dot

/** @typedef {ReturnType<typeof classQuality>[number]} Row */

/** @param {Row} row */
const difference = ({ recall, precision }) =>
  recall == null || precision == null ? -1 : Math.abs(recall - precision);

/** Label both kinds of dots above a plot that is too narrow for labels beside them. */
const labelsAbove = () => {
  const place = /** @type {const} */ ({ frameAnchor: "top-left", dy: -18, fontWeight: 600 });
  return [
    Plot.text(["● recall"], { ...place, fill: BLUE }),
    Plot.text(["○ precision"], { ...place, dx: 72, fill: ORANGE }),
  ];
};

/** Write a measure in percent. @param {number | null} value */
const measureText = (value) => (value == null ? "—" : fixed(value, 1));

/** List recall and precision of many classes, the worst ones first. @param {Row[]} rows */
function qualityTable(rows) {
  const lines = rows
    .toReversed()
    .map(({ name, recall, precision }) =>
      h(
        "tr",
        null,
        rowHeader(name),
        numberCell(measureText(recall)),
        numberCell(measureText(precision)),
      ),
    );
  const attributes = {
    class: "scroll tall",
    tabindex: 0,
    role: "region",
    "aria-label": "Recall and precision of each class",
  };
  const headers = /** @type {import("../dom.js").Header[]} */ ([
    ["Class"],
    ["Recall, %", true],
    ["Precision, %", true],
  ]);
  return h("div", attributes, table(headers, lines));
}

/**
 * Draw recall and precision of each class on one line. The labels are beside the dots that are
 * farthest apart, one on each side, so they never collide.
 * @param {import("../types.d.ts").Model} model
 */
export function showClasses({ id, classes, evaluation }) {
  const rows = classQuality(classes, evaluation);
  const start = qualityAxisStart(rows);
  const y = "name";
  const labelled = rows.reduce((a, b) => (difference(b) > difference(a) ? b : a));
  const recallIsLeft = Number(labelled.recall) < Number(labelled.precision);
  /** @param {"recall" | "precision"} name @param {string} color @param {boolean} left */
  const nameLabel = (name, color, left) =>
    Plot.text(
      [labelled].filter((row) => row[name] != null),
      {
        y,
        x: name,
        text: () => name,
        dx: left ? -9 : 9,
        textAnchor: left ? "end" : "start",
        fill: color,
        fontWeight: 600,
      },
    );
  savable($("#classes").closest("figure"), {
    name: `classes-${id}`,
    rows: () =>
      rows.map(({ name, recall, precision }) => ({
        class: name,
        "recall, %": recall,
        "precision, %": precision,
      })),
  });
  if (rows.length > MOST_DRAWN) {
    $("#classes").append(qualityTable(rows));
    return;
  }
  chart($("#classes"), (width) => {
    const narrow = width < NARROW;
    const most = narrow ? LONGEST / 2 : LONGEST;
    const longest = Math.min(most, Math.max(...classes.map((name) => name.length)));
    return Plot.plot({
      width,
      height: Math.max(330, 22 * rows.length + 68),
      insetLeft: narrow ? 12 : LABEL,
      marginLeft: areDigits(classes) ? 28 : Math.max(88, 16 + LETTER * longest),
      marginRight: narrow ? 20 : LABEL,
      marginTop: narrow ? 28 : 8,
      marginBottom: 40,
      x: { domain: [start, 100], ...centered("Percent"), grid: true, ticks: narrow ? 3 : 5 },
      y: {
        domain: rows.map((row) => row.name),
        label: null,
        tickSize: 0,
        padding: 0.5,
        tickFormat: (/** @type {string} */ name) => shorten(name, most),
      },
      marks: [
        Plot.ruleY(
          rows.filter((row) => difference(row) >= 0),
          { y, x1: "recall", x2: "precision", stroke: EDGE },
        ),
        Plot.dot(rows, { y, x: "recall", fill: BLUE, r: 5 }),
        Plot.dot(rows, { y, x: "precision", stroke: ORANGE, fill: PAPER, strokeWidth: 2, r: 4.5 }),
        ...(narrow
          ? labelsAbove()
          : [
              nameLabel("recall", BLUE, recallIsLeft),
              nameLabel("precision", ORANGE, !recallIsLeft),
            ]),
        Plot.text(
          rows.filter((row) => row.precision == null),
          {
            y,
            x: "recall",
            text: () => "never predicted",
            dx: 9,
            textAnchor: "start",
            fill: INK_2,
          },
        ),
      ],
    });
  });
}

/** @param {ReturnType<typeof calibration>} calibration @param {number} size */
function calibrationPlot({ bins, total }, size) {
  /** @param {{ confidence: number, accuracy: number }} bin */
  const color = (bin) => (bin.confidence > bin.accuracy ? ORANGE : BLUE);
  const x = "confidence";
  const label = { stroke: PAPER, strokeWidth: 4, fontWeight: 600 };
  return Plot.plot({
    width: size,
    height: size,
    marginLeft: 40,
    marginRight: 24,
    marginTop: 28,
    marginBottom: 40,
    x: { domain: [0, 100], ...centered("Confidence, %"), ticks: 5, grid: true },
    y: { domain: [0, 100], label: "↑ Accuracy, %", ticks: 5, grid: true },
    r: { range: [2, 22], domain: [0, total] },
    marks: [
      Plot.line(
        [
          [0, 0],
          [100, 100],
        ],
        { stroke: GREY },
      ),
      Plot.ruleX(bins, { x, y1: x, y2: "accuracy", stroke: color, strokeWidth: 2 }),
      Plot.dot(bins, {
        x,
        y: "accuracy",
        r: "count",
        fill: color,
        fillOpacity: 0.85,
        stroke: PAPER,
      }),
      // In the corners that are farthest from the line, where hardly any model has dots
      Plot.text([[3, 95]], {
        text: ["underconfident"],
        textAnchor: "start",
        fill: BLUE,
        ...label,
      }),
      Plot.text([[86, 5]], { text: ["overconfident"], textAnchor: "end", fill: ORANGE, ...label }),
    ],
  });
}

/** Draw confidence against accuracy. @param {import("../types.d.ts").Model} model */
export function showCalibration({ id, dataset, evaluation }) {
  const nouns = sampleWord(dataset);
  const found = calibration(evaluation.bins);
  const gap = 100 * evaluation.expected_calibration_error;
  $("#ece").append(
    "The average gap (expected calibration error) is ",
    h("b", null, `${fixed(gap, 1)} percentage points`),
    `. ${calibrationWords(gap, found.overconfident)}`,
  );
  savable($("#reliability").closest("figure"), {
    name: `calibration-${id}`,
    rows: () =>
      found.bins.map((bin) => ({
        "mean confidence, %": bin.confidence,
        "accuracy, %": bin.accuracy,
        [nouns]: bin.count,
      })),
  });
  chart($("#reliability"), (width) => calibrationPlot(found, Math.min(width, 460)));
  const rows = found.bins.toReversed().map((bin) => {
    const cells = [bin.confidence, bin.accuracy].map((x) => shareText(x / 100, 1));
    return h("tr", null, ...[...cells, count(bin.count)].map((cell) => numberCell(cell)));
  });
  const headers = ["Confidence", "Accuracy", nouns === "rows" ? "Rows" : "Images"];
  $("#bins").append(
    table(
      headers.map((header) => [header, true]),
      rows,
    ),
  );
}
