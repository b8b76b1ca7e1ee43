// Loss and accuracy against epochs, over the grey curves that the source published.
import { Plot, endLabels } from "./chart.js";
import { fixed, percent } from "./common.js";

const line = (data, y, color, width) =>
  Plot.lineY(data, { x: "epoch", y, stroke: color, strokeWidth: width, strokeLinejoin: "round" });
const tip = (data, y, color) =>
  Plot.dot(data.slice(-1), {
    x: "epoch",
    y,
    r: 4,
    fill: color,
    stroke: "var(--paper)",
    strokeWidth: 1.5,
  });
const grey = "var(--grey)",
  has = (key) => (row) => row[key] != null;

export function lossCurves({ history, published = [], epochs, width, height = 300 }) {
  const train = history.filter(has("train_loss")),
    test = history.filter(has("test_loss"));
  const then0 = published.filter((row) => row.epoch <= epochs),
    train0 = then0.filter(has("train_loss")),
    test0 = then0.filter(has("test_loss"));
  const narrow = width < 480,
    all = [...train, ...train0]
      .map((d) => d.train_loss)
      .concat([...test, ...test0].map((d) => d.test_loss));
  const low = Math.min(...all, 1) * 0.9,
    marginRight = narrow ? 72 : 112;
  const plot = Plot.plot({
    width,
    height,
    marginLeft: 36,
    marginRight,
    marginTop: 28,
    marginBottom: 34,
    x: {
      domain: [0, epochs],
      label: "Epoch",
      labelAnchor: "center",
      labelArrow: "none",
      ticks: Math.min(epochs, narrow ? 4 : 6),
      tickFormat: "d",
    },
    y: {
      type: "log",
      domain: [low, Math.max(2.45, ...all)],
      label: "↑ Loss, nats (log scale)",
      ticks: [0.1, 0.2, 0.3, 0.5, 1, 2].filter((v) => v >= low),
      tickFormat: (v) => `${v}`,
      grid: true,
    },
    marks: [
      Plot.ruleY([Math.LN10], { stroke: grey, strokeDasharray: "2 3" }),
      Plot.text([0], {
        x: () => epochs,
        y: Math.LN10,
        text: () => (narrow ? "ln 10" : "guessing, ln 10"),
        dx: 8,
        textAnchor: "start",
        fill: "var(--ink-2)",
      }),
      line(test0, "test_loss", grey, 1),
      line(train0, "train_loss", grey, 1),
      epochs < 10 ? Plot.dot(test0, { x: "epoch", y: "test_loss", r: 2.5, fill: grey }) : null,
      line(train, "train_loss", "var(--blue)", 2),
      line(test, "test_loss", "var(--orange)", 2),
      tip(train, "train_loss", "var(--blue)"),
      tip(test, "test_loss", "var(--orange)"),
      Plot.ruleX(history, Plot.pointerX({ x: "epoch", stroke: "var(--ink-2)" })),
      Plot.tip(
        history,
        Plot.pointerX({
          x: "epoch",
          y: "test_loss",
          fill: "var(--paper)",
          stroke: "var(--edge)",
          title: (d) =>
            `epoch ${d.epoch}\ntest ${fixed(d.test_loss, 3)}` +
            (d.train_loss == null ? "" : `\ntrain ${fixed(d.train_loss, 3)}`) +
            `\naccuracy ${percent(d.test_accuracy)}`,
        }),
      ),
    ],
  });
  const x = plot.scale("x").apply,
    y = plot.scale("y").apply,
    end = (rows, key, word, color, weight) =>
      rows.length
        ? [
            {
              x: x(rows.at(-1).epoch),
              y: y(rows.at(-1)[key]),
              text: word(rows.at(-1)[key]),
              color,
              weight,
            },
          ]
        : [];
  const live = history.length && history.at(-1).epoch < epochs;
  const now = [
    ...end(test, "test_loss", (v) => (narrow ? "test" : `test ${fixed(v, 3)}`), "var(--orange)"),
    ...end(train, "train_loss", (v) => (narrow ? "train" : `train ${fixed(v, 3)}`), "var(--blue)"),
  ];
  const then = [
    ...end(
      test0,
      "test_loss",
      () => (narrow ? "publ. test" : "published, test"),
      "var(--ink-2)",
      400,
    ),
    ...end(
      train0,
      "train_loss",
      () => (narrow ? "publ. train" : "published, train"),
      "var(--ink-2)",
      400,
    ),
  ];
  return live ? endLabels(endLabels(plot, then), now) : endLabels(plot, [...now, ...then]);
}

export function accuracyCurve({
  history,
  published = [],
  reference = [],
  epochs,
  width,
  height = 190,
}) {
  const late = history
    .filter((d) => d.epoch >= Math.min(2, history.at(-1)?.epoch ?? 0))
    .map((d) => 100 * d.test_accuracy);
  const low = Math.floor(Math.min(70, ...late, ...reference.map((d) => 100 * d.value)) / 10) * 10,
    narrow = width < 480;
  const high = Math.min(
    100,
    Math.ceil((Math.max(...late, ...reference.map((d) => 100 * d.value), 0) + 2) / 5) * 5,
  );
  const rows = history.map((d) => ({ ...d, y: 100 * d.test_accuracy }));
  const plot = Plot.plot({
    width,
    height,
    marginLeft: 36,
    marginRight: narrow ? 72 : 112,
    marginTop: 28,
    marginBottom: 34,
    x: {
      domain: [0, epochs],
      label: "Epoch",
      labelAnchor: "center",
      labelArrow: "none",
      ticks: Math.min(epochs, narrow ? 4 : 6),
      tickFormat: "d",
    },
    y: {
      domain: [low, Math.max(high, low + 20)],
      label: "↑ Right on the test set, %",
      ticks: 4,
      grid: true,
    },
    marks: [
      Plot.ruleY(
        reference.map((d) => 100 * d.value),
        { stroke: grey },
      ),
      Plot.lineY(published, {
        x: "epoch",
        y: (d) => 100 * d.test_accuracy,
        stroke: grey,
        clip: true,
      }),
      Plot.dot(published, {
        x: "epoch",
        y: (d) => 100 * d.test_accuracy,
        r: 2.5,
        fill: grey,
        clip: true,
      }),
      Plot.lineY(rows, { x: "epoch", y: "y", stroke: "var(--orange)", strokeWidth: 2, clip: true }),
      tip(rows, "y", "var(--orange)"),
    ],
  });
  const x = plot.scale("x").apply,
    y = plot.scale("y").apply,
    last = rows.at(-1);
  return endLabels(plot, [
    ...(last
      ? [
          {
            x: x(last.epoch),
            y: y(Math.max(low, last.y)),
            text: percent(last.test_accuracy, narrow ? 0 : 1),
            color: "var(--orange)",
          },
        ]
      : []),
    ...published
      .slice(-1)
      .map((d) => ({
        x: x(d.epoch),
        y: y(100 * d.test_accuracy),
        text: narrow ? "publ." : "published",
        color: "var(--ink-2)",
        weight: 400,
      })),
    ...reference.map((d) => ({
      x: x(epochs),
      y: y(100 * d.value),
      text: narrow ? d.short : d.text,
      color: "var(--ink-2)",
      weight: 400,
    })),
  ]);
}
