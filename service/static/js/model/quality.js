// Class by class, and as sure as it should be.
import { $, h, fixed, percent, count, table } from "../common.js";
import { chart, Plot } from "../chart.js";

// Recall and precision on one line each
export function classes({ classes: names, evaluation }) {
  const rows = names
    .map((name, i) => ({
      name,
      recall: 100 * (evaluation.recall[i] ?? 0),
      precision: 100 * (evaluation.precision[i] ?? 0),
    }))
    .sort((a, b) => b.recall + b.precision - a.recall - a.precision);
  chart($("#classes"), (width) => {
    const low = Math.max(
        0,
        Math.floor((Math.min(...rows.map((d) => Math.min(d.recall, d.precision))) - 2) / 10) * 10,
      ),
      first = rows.at(-1);
    return Plot.plot({
      width,
      height: 330,
      insetBottom: 10,
      marginLeft: names[0] === "0" ? 28 : 88,
      marginRight: 28,
      marginTop: 8,
      marginBottom: 40,
      x: {
        domain: [low, 100],
        label: "Percent",
        labelAnchor: "center",
        labelArrow: "none",
        grid: true,
        ticks: 5,
      },
      y: { domain: rows.map((d) => d.name), label: null, tickSize: 0, padding: 0.5 },
      marks: [
        Plot.ruleY(rows, { y: "name", x1: "recall", x2: "precision", stroke: "var(--edge)" }),
        Plot.dot(rows, { y: "name", x: "recall", fill: "var(--blue)", r: 5 }),
        Plot.dot(rows, {
          y: "name",
          x: "precision",
          stroke: "var(--orange)",
          fill: "var(--paper)",
          strokeWidth: 2,
          r: 4.5,
        }),
        ...[
          ["recall", "var(--blue)"],
          ["precision", "var(--orange)"],
        ].map(([k, fill]) =>
          Plot.text([first], { y: "name", x: k, text: () => k, dy: 15, fill, fontWeight: 600 }),
        ),
      ],
    });
  });
}

export function reliability({ evaluation }) {
  const bins = evaluation.bins
      .filter((b) => b.count)
      .map((b) => ({ ...b, x: 100 * b.confidence, y: 100 * b.accuracy })),
    total = bins.reduce((n, b) => n + b.count, 0);
  const over = bins.filter((b) => b.x > b.y).reduce((n, b) => n + b.count, 0) > total / 2,
    side = (d) => (d.x > d.y ? "var(--orange)" : "var(--blue)");
  $("#ece").append(
    "The gap is ",
    h("b", null, `${fixed(100 * evaluation.expected_calibration_error, 1)} points`),
    ` on average (expected calibration error): it is a little ${over ? "surer than it should be" : "less sure than it could be"}.`,
  );
  chart($("#reliability"), (width) =>
    Plot.plot({
      width: Math.min(width, 460),
      height: Math.min(width, 460),
      marginLeft: 40,
      marginRight: 24,
      marginTop: 28,
      marginBottom: 40,
      x: {
        domain: [0, 100],
        label: "It says, %",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: 5,
        grid: true,
      },
      y: { domain: [0, 100], label: "↑ It is right, %", ticks: 5, grid: true },
      r: { range: [2, 22], domain: [0, total] },
      marks: [
        Plot.line(
          [
            [0, 0],
            [100, 100],
          ],
          { stroke: "var(--grey)" },
        ),
        Plot.text([[22, 22]], {
          text: ["perfectly calibrated"],
          rotate: -45,
          dy: -9,
          fill: "var(--ink-2)",
        }),
        Plot.ruleX(bins, { x: "x", y1: "x", y2: "y", stroke: side, strokeWidth: 2 }),
        Plot.dot(bins, {
          x: "x",
          y: "y",
          r: "count",
          fill: side,
          fillOpacity: 0.85,
          stroke: "var(--paper)",
        }),
        Plot.text([[96, 8]], {
          text: [over ? "below the line: too sure" : "above the line: too modest"],
          textAnchor: "end",
          fill: over ? "var(--orange)" : "var(--blue)",
        }),
      ],
    }),
  );
  $("#bins").append(
    table(
      ["It says", "It is right", "Pictures"].map((t) => [t, true]),
      bins
        .toReversed()
        .map((b) =>
          h(
            "tr",
            null,
            ...[percent(b.confidence, 0), percent(b.accuracy, 0), count(b.count)].map((v) =>
              h("td", { class: "n" }, v),
            ),
          ),
        ),
    ),
  );
}
