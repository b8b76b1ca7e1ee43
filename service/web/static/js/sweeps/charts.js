// @ts-check
// The charts of a sweep: the curves of its trials, and their values against the parameters.
import { GREY, INK_2, PAPER, Plot, addEndLabels, centered, toPixels } from "../chart.js";
import { valueColor } from "../color.js";
import { NARROW, epochAxis, logLossAxis } from "../curves.js";
import { accuracyRange, accuracyTicks, lossRange } from "../ranges.js";
import { axisOf, metricAxis, paramText, place, tickText, ticksOf } from "./parameters.js";
import { isRated, latestValue, metricWords, mostEpochs, shares, valueText } from "./state.js";

/** @typedef {import("../types.d.ts").Sweep} Sweep */
/** @typedef {import("../types.d.ts").Trial} Trial */

export const CURVES_HEIGHT = 340;
export const PARALLEL_HEIGHT = 300;
export const SLICE_HEIGHT = 190;
export const AXIS_WIDTH = 92; // pixels, the least that an axis of the parallel coordinates takes
const FAINT = 0.25; // opacity of what is not compared
const LETTER = 7; // pixels, the mean width of a letter in a label

/** @param {Sweep} sweep */
const isLoss = (sweep) => sweep.search.metric === "validation_loss";

/** A value as charts show it: losses in nats, accuracies in percent. @param {Sweep} sweep */
const scaled = (sweep) => (/** @type {number} */ value) => (isLoss(sweep) ? value : 100 * value);

/** @param {Sweep} sweep @param {number[]} values as charts show them */
function valueAxis(sweep, values) {
  const words = metricWords(sweep.search.metric);
  const label = `↑ ${words[0].toUpperCase()}${words.slice(1)}`;
  if (isLoss(sweep)) return logLossAxis(`${label}, nats (log scale)`, lossRange(values, 1));
  const range = accuracyRange([], values);
  const start = range[0] ? ` (from ${range[0]}\u202f%)` : "";
  return { domain: range, label: `${label}, %${start}`, ticks: accuracyTicks(range), grid: true };
}

/**
 * Make the function that colors trials by the places of their values. Others are grey.
 * @param {Sweep} sweep
 */
function coloring({ trials, search }) {
  const placed = shares(trials, search.metric);
  return (/** @type {Trial} */ { number }) => {
    const share = placed.get(number);
    return share === undefined ? GREY : valueColor(share);
  };
}

/** @param {Trial} trial */
const dashes = ({ state }) => (state === "pruned" ? "5 3" : "1 3");

/**
 * Draw the metric of all trials after each epoch.
 * @param {Sweep} sweep
 * @param {Set<number>} picked numbers of the trials to compare
 * @param {number} width
 */
export function curvesChart(sweep, picked, width) {
  const { metric } = sweep.search;
  const shown = scaled(sweep);
  const color = coloring(sweep);
  const trials = sweep.trials.filter(({ values }) => values.length);
  const rows = (/** @type {Trial} */ { values }) =>
    values.map((value, i) => ({ epoch: i + 1, value: shown(value) }));
  const labelled = trials.filter(
    ({ number }) => picked.has(number) || number === sweep.best?.number,
  );
  const texts = labelled.map(
    ({ number, values }) => `${number}: ${valueText(metric, values.at(-1))}`,
  );
  const marginRight = 20 + LETTER * Math.max(0, ...texts.map((text) => text.length));
  const values = trials.flatMap((trial) => trial.values.map(shown));
  const epochs = Math.max(1, mostEpochs(sweep), ...trials.map((trial) => trial.values.length));
  const position = { x: "epoch", y: "value", clip: true };
  const opacity = (/** @type {Trial} */ { number }) =>
    !picked.size || picked.has(number) ? 1 : FAINT;
  // The worst first, so that the best ones are on top
  const ordered = [...trials].sort(
    (a, b) =>
      Number(picked.has(a.number)) - Number(picked.has(b.number)) ||
      Number(isRated(a)) - Number(isRated(b)) ||
      a.number - b.number,
  );
  const plot = Plot.plot({
    width,
    height: CURVES_HEIGHT,
    marginLeft: 40,
    marginRight,
    marginTop: 28,
    marginBottom: 34,
    x: epochAxis(epochs, width < NARROW ? 4 : 6),
    y: valueAxis(sweep, values),
    marks: ordered.flatMap((trial) => {
      const look = { stroke: color(trial), strokeOpacity: opacity(trial) };
      return [
        Plot.lineY(rows(trial), {
          ...position,
          ...look,
          className: `trial-${trial.number}`,
          strokeWidth: picked.has(trial.number) ? 3 : 1.5,
          strokeDasharray: isRated(trial) ? undefined : dashes(trial),
        }),
        Plot.dot(rows(trial).slice(-1), {
          ...position,
          r: 3,
          fill: trial.state === "complete" ? color(trial) : PAPER,
          fillOpacity: opacity(trial),
          ...look,
        }),
      ];
    }),
  });
  const { x, y } = toPixels(plot);
  const ends = labelled.map((trial, i) => ({
    x: x(epochs),
    end: x(trial.values.length),
    y: y(shown(Number(latestValue(trial)))),
    text: texts[i],
    color: color(trial) === GREY ? INK_2 : color(trial),
  }));
  return addEndLabels(plot, ends, { top: 28, bottom: CURVES_HEIGHT - 40 });
}

/**
 * Draw the values of all trials against a parameter.
 * @param {Sweep} sweep
 * @param {string} name of the parameter
 * @param {Set<number>} picked
 * @param {number} width
 */
export function sliceChart(sweep, name, picked, width) {
  const shown = scaled(sweep);
  const color = coloring(sweep);
  const axis = axisOf(sweep, name);
  const trials = sweep.trials.filter(
    (trial) => trial.values.length && trial.params[name] !== undefined,
  );
  const values = sweep.trials.flatMap(({ values }) => values.slice(-1).map(shown));
  const isList = axis.kind === "list";
  const value = (/** @type {Trial} */ trial) =>
    isList ? paramText(trial.params[name]) : trial.params[name];
  return Plot.plot({
    width,
    height: SLICE_HEIGHT,
    marginLeft: 40,
    marginRight: 16,
    marginTop: 28,
    marginBottom: 40,
    x: isList
      ? { ...centered(axis.label), type: "point", domain: axis.choices, padding: 0.5 }
      : {
          ...centered(`${axis.label}${axis.kind === "log" ? " (log scale)" : ""}`),
          type: /** @type {"log" | "linear"} */ (axis.kind),
          domain: [axis.low, axis.high],
          ticks: ticksOf(axis),
          tickFormat: tickText,
        },
    y: valueAxis(sweep, values),
    marks: [
      Plot.dot(trials, {
        x: value,
        y: (trial) => shown(Number(latestValue(trial))),
        r: (/** @type {Trial} */ { number }) => (picked.has(number) ? 6 : 3.5),
        stroke: { value: color, scale: null },
        fill: {
          value: (/** @type {Trial} */ trial) =>
            trial.state === "complete" ? color(trial) : PAPER,
          scale: null,
        },
        strokeOpacity: (/** @type {Trial} */ { number }) =>
          !picked.size || picked.has(number) ? 1 : FAINT,
        fillOpacity: (/** @type {Trial} */ { number }) =>
          !picked.size || picked.has(number) ? 1 : FAINT,
      }),
    ],
    r: { type: "identity" },
  });
}

/**
 * Draw all trials in parallel coordinates: the parameters, and at the end the metric.
 * @param {Sweep} sweep
 * @param {string[]} names of the parameters
 * @param {Set<number>} picked
 * @param {number} width
 */
export function parallelChart(sweep, names, picked, width) {
  const shown = scaled(sweep);
  const color = coloring(sweep);
  const trials = sweep.trials.filter(({ values }) => values.length);
  const last = (/** @type {Trial} */ trial) => shown(Number(latestValue(trial)));
  const metric = metricAxis(
    metricWords(sweep.search.metric) + (isLoss(sweep) ? "" : ", %"),
    trials.map(last),
    isLoss(sweep),
  );
  const axes = [...names.map((name) => axisOf(sweep, name)), metric];
  const NONE = -0.14; // where a trial without the parameter meets its axis
  const points = (/** @type {Trial} */ trial) =>
    axes.map((axis, i) => ({
      axis: i,
      at: place(axis, axis === metric ? last(trial) : trial.params[axis.name]) ?? NONE,
    }));
  const hasNone = trials.some(({ params }) => names.some((name) => params[name] === undefined));
  const ticks = axes.flatMap((axis, i) =>
    axis.kind === "list"
      ? axis.choices.map((text, at) => ({ axis: i, at: at / Math.max(1, axis.high), text }))
      : Number.isFinite(axis.low)
        ? [axis.low, axis.high].map((x, at) => ({ axis: i, at, text: tickText(x) }))
        : [],
  );
  const text = { fill: INK_2, textAnchor: /** @type {const} */ ("start"), dx: 5 };
  const halo = { stroke: PAPER, strokeWidth: 4 };
  const position = { x: "axis", y: "at" };
  const ordered = [...trials].sort((a, b) => Number(isRated(a)) - Number(isRated(b)));
  return Plot.plot({
    width,
    height: PARALLEL_HEIGHT,
    marginLeft: 12,
    marginRight: 64,
    marginTop: 48,
    marginBottom: 16,
    x: { axis: null, domain: [0, axes.length - 1] },
    y: { axis: null, domain: [hasNone ? NONE : 0, 1] },
    marks: [
      Plot.ruleX(axes, { x: (_, i) => i, stroke: INK_2 }),
      ...ordered.map((trial) =>
        Plot.line(points(trial), {
          ...position,
          stroke: color(trial),
          strokeWidth: picked.has(trial.number) ? 3 : 1.25,
          strokeDasharray: isRated(trial) ? undefined : dashes(trial),
          strokeOpacity: !picked.size || picked.has(trial.number) ? 1 : FAINT,
        }),
      ),
      Plot.text(ticks, { ...position, ...text, ...halo, text: "text" }),
      Plot.text(hasNone ? names.map((name, i) => ({ axis: i, name })).filter(isOptional) : [], {
        x: "axis",
        y: NONE,
        ...text,
        ...halo,
        text: () => "none",
      }),
      Plot.text(axes, {
        x: (_, i) => i,
        y: 1,
        ...text,
        dx: 0,
        dy: -16,
        fill: "var(--ink)",
        lineAnchor: "bottom",
        lineWidth: AXIS_WIDTH / 14,
        text: "label",
      }),
    ],
  });
}

/** Tell whether only some trials have a parameter. @param {{ name: string }} axis */
const isOptional = ({ name }) => /\.[0-9]+$/.test(name);
