// @ts-check
// The figures of a sweep, which are drawn again when it changes.
import { chart } from "../chart.js";
import { $, h } from "../dom.js";
import { savable } from "../save-figure.js";
import { AXIS_WIDTH, curvesChart, parallelChart, sliceChart } from "./charts.js";
import { paramText, parametersOf } from "./parameters.js";
import { latestValue, metricWords } from "./state.js";

/** @typedef {import("../types.d.ts").Sweep} Sweep */

/**
 * Draw the figures. Return a function that draws them again.
 * @param {() => Sweep} sweep as it is now
 * @param {() => Set<number>} picked numbers of the trials to compare
 */
export function drawSweep(sweep, picked) {
  const names = parametersOf(sweep());
  $("#parallel").style.minWidth = `${AXIS_WIDTH * (names.length + 1)}px`;
  const slices = names.map((name) => {
    const host = h("div", { class: "chart" });
    $("#slices").append(host);
    return chart(host, (width) => sliceChart(sweep(), name, picked(), width));
  });
  const draws = [
    chart($("#curves"), (width) => curvesChart(sweep(), picked(), width)),
    chart($("#parallel"), (width) => parallelChart(sweep(), names, picked(), width)),
    ...slices,
  ];
  const trialRows = () =>
    sweep().trials.map((trial) => ({
      trial: trial.number,
      state: trial.state,
      [metricWords(sweep().search.metric)]: latestValue(trial) ?? null,
      ...Object.fromEntries(names.map((name) => [name, paramText(trial.params[name])])),
    }));
  savable($("#curves").closest("figure"), {
    name: `curves-${sweep().id}`,
    rows: () =>
      sweep().trials.flatMap(({ number, state, values }) =>
        values.map((value, i) => ({
          trial: number,
          state,
          epoch: i + 1,
          [metricWords(sweep().search.metric)]: value,
        })),
      ),
  });
  savable($("#parallel").closest("figure"), { name: `parallel-${sweep().id}`, rows: trialRows });
  savable($("#slices").closest("figure"), {
    name: `parameters-${sweep().id}`,
    rows: trialRows,
    drawing: false,
  });
  return () => draws.forEach((draw) => draw());
}
