// Sums of boxes: a function that you type, n boxes, how the error falls, and the same in the plane.
import { $, h, query, fixed, count, pixels, onMode, notice, request } from "../common.js";
import { post, latest } from "../api.js";
import { chart, endLabels, Plot } from "../chart.js";

const path = "/analysis/box-approximation",
  send = request($("#boxes-request"), { path, anchor: "boxes" }),
  sendPlane = request($("#plane-request"), {
    path,
    anchor: "boxes",
    figure: "the boxes in the plane",
  }),
  G = 72,
  MOST_IN_PLANE = 72;
const input = $("#function"),
  plane = $("#plane-function"),
  slider = $("#n"),
  bound = $("#bound");
input.value = query.get("function") ?? "sin(3*x)";
plane.value = query.get("plane") ?? "sin(3*x)*cos(2*y)";
slider.value = Math.log2(query.get("n") ?? 16);
bound.value = query.get("bound") ?? 3;
let found = null,
  flat = null;
const n = () => Math.round(2 ** Number(slider.value)),
  line = () => ({ function: input.value, bound: Number(bound.value), boxes: n(), dimensions: 1 });
const square = () => ({
  function: plane.value,
  bound: 2,
  boxes: Math.min(MOST_IN_PLANE, n()),
  dimensions: 2,
  resolution: G,
});

// A fault is shown at its field, whatever it is
function fault(field, problem) {
  $(`#${field.id}-fault`)?.remove();
  field.removeAttribute("aria-invalid");
  if (!problem) return;
  field.setAttribute("aria-invalid", "true");
  field.after(
    h(
      "span",
      { class: "fault", id: `${field.id}-fault`, role: "alert" },
      problem.errors.map((one) => one.detail).join("; ") || problem.detail,
    ),
  );
}
function draw(answer) {
  fault(input, null);
  found = answer;
  const { boxes, neurons, neurons_two_per_box, max_error, mean_square_error, rate } = answer;
  $("#boxes-words").replaceChildren(
    h("b", null, `${count(boxes)} ${boxes === 1 ? "box" : "boxes"}: ${count(neurons)} neurons`),
    ` where neighbours share an edge, ${count(neurons_two_per_box)} else. At worst ${fixed(max_error, max_error < 0.1 ? 3 : 2)} off, ${fixed(Math.sqrt(mean_square_error), 3)} in the mean square’s root.` +
      (rate.order == null ? "" : ` The error falls as n to the power of ${fixed(-rate.order, 2)}.`),
  );
  main();
  small();
}
// The boxes as the network has them: each hidden neuron steps once, by its output weight
function heights({ weights, biases, output_weights, output_bias }, B) {
  let y = output_bias;
  const edges = biases.map((bias, k) => -bias / weights[k]);
  return edges
    .map((x1, k) => ({ x1, x2: edges[k + 1] ?? B, y: (y += output_weights[k]) }))
    .filter((box) => box.x2 > box.x1 && box.x1 < B);
}
const main = chart($("#boxes-plot"), (width) => {
  if (!found) return Plot.plot({ width, height: 300 });
  const { curve, network, bound: B, boxes } = found,
    all = [...curve.function, ...curve.approximation],
    low = Math.min(0, ...all),
    high = Math.max(0, ...all),
    room = 0.08 * (high - low || 1),
    narrow = width < 480,
    right = narrow ? 44 : 64,
    f = curve.x.map((x, i) => [x, curve.function[i]]),
    sum = heights(network, B);
  const plot = Plot.plot({
    width,
    height: 300,
    marginLeft: 40,
    marginRight: right,
    marginTop: 12,
    marginBottom: 28,
    x: { domain: [-B, B], label: null, ticks: narrow ? 5 : 7 },
    y: { domain: [low - room, high + room], label: null, ticks: 5, grid: true },
    marks: [
      Plot.rect(sum, {
        x1: "x1",
        x2: "x2",
        y1: 0,
        y2: "y",
        fill: "var(--blue)",
        fillOpacity: 0.14,
      }),
      Plot.ruleY([0], { stroke: "var(--edge)" }),
      Plot.line(f, { stroke: "var(--ink)", strokeWidth: 1.5 }),
      Plot.line(
        sum.flatMap((d) => [
          [d.x1, d.y],
          [d.x2, d.y],
        ]),
        { stroke: "var(--blue)", strokeWidth: boxes > 96 ? 1 : 2 },
      ),
    ],
  });
  const y = plot.scale("y").apply;
  return endLabels(plot, [
    { x: width - right, y: y(f.at(-1)[1]), text: "f", color: "var(--ink)" },
    { x: width - right, y: y(sum.at(-1).y), text: "boxes", color: "var(--blue)" },
  ]);
});
const small = chart($("#rate-plot"), (width) => {
  if (!found) return Plot.plot({ width, height: 240 });
  const {
      rate: { table, slope },
      bound: B,
      boxes,
      max_error,
    } = found,
    rows = table.filter((d) => d.boxes <= 256 && d.max_error > 0),
    here = [{ boxes, max_error }],
    errors = [...rows, ...here].map((d) => d.max_error).filter((v) => v > 0);
  const top = Math.max(...errors, 1e-12) * 2,
    low = Math.min(...errors, top / 10) / 2,
    LB = slope * B,
    ticks = Array.from({ length: 30 }, (_, i) => 10 ** (i - 15)).filter(
      (v) => v >= low && v <= top,
    );
  const plot = Plot.plot({
    width,
    height: 240,
    marginLeft: 52,
    marginRight: 52,
    marginTop: 28,
    marginBottom: 36,
    x: {
      type: "log",
      domain: [1, 256],
      label: "Boxes n (log)",
      labelAnchor: "center",
      labelArrow: "none",
      ticks: [1, 10, 100],
      tickFormat: "d",
    },
    y: {
      type: "log",
      domain: [low, top],
      label: "↑ Largest error (log)",
      ticks,
      tickFormat: (v) => (v < 1e-4 ? v.toExponential(0) : `${Number(v.toPrecision(1))}`),
      grid: true,
    },
    marks: [
      Plot.line(
        [
          [1, LB],
          [256, LB / 256],
        ],
        { stroke: "var(--grey)", strokeDasharray: "3 3", clip: true },
      ),
      Plot.line(rows, { x: "boxes", y: "max_error", stroke: "var(--blue)", strokeWidth: 2 }),
      Plot.dot(rows, { x: "boxes", y: "max_error", fill: "var(--blue)", r: 2 }),
      max_error > 0
        ? Plot.dot(here, {
            x: "boxes",
            y: "max_error",
            r: 6,
            fill: "var(--blue)",
            stroke: "var(--paper)",
            strokeWidth: 2,
          })
        : null,
    ],
  });
  const y = plot.scale("y").apply;
  return endLabels(plot, [
    { x: width - 52, y: y(LB / 256), text: "LB/n", color: "var(--ink-2)", weight: 400 },
    ...(rows.length
      ? [{ x: width - 52, y: y(rows.at(-1).max_error), text: "error", color: "var(--blue)" }]
      : []),
  ]);
});
function drawPlane() {
  if (!flat) return;
  const { grid, boxes, neurons, max_error } = flat,
    upright = (rows) =>
      grid.y.flatMap((_, j) => grid.x.map((__, i) => rows[i][grid.y.length - 1 - j])),
    largest = Math.max(...grid.function.flat().map(Math.abs)) || 1;
  const canvas = (rows, label) =>
    h(
      "div",
      null,
      pixels(
        h("canvas", { role: "img", "aria-label": `${label}, as a heat map` }),
        upright(rows),
        grid.x.length,
        { scale: largest },
      ),
      h("p", { class: "small" }, label),
    );
  $("#plane").replaceChildren(
    canvas(grid.function, "function"),
    canvas(grid.approximation, "boxes"),
  );
  $("#plane-n").textContent =
    `${count(boxes ** 2)} boxes, ${count(neurons)} neurons, at worst ${fixed(max_error, 2)} off.`;
}
const ask = latest(
  () => post(path, line()),
  draw,
  (problem) => fault(input, problem),
);
const askPlane = latest(
  () => post(path, square()),
  (answer) => {
    fault(plane, null);
    flat = answer;
    drawPlane();
  },
  (problem) =>
    problem.status === 422 ? fault(plane, problem) : $("#plane").replaceChildren(notice(problem)),
);
function moved() {
  slider.nextSibling.textContent = count(n());
  bound.nextSibling.textContent = fixed(Number(bound.value), 1);
  const state = { function: input.value, bound: bound.value, n: n(), plane: plane.value };
  send(line(), state);
  sendPlane(square(), state);
  ask();
}
for (const control of [input, slider, bound]) control.addEventListener("input", moved);
for (const control of [plane, slider]) control.addEventListener("input", askPlane);
plane.addEventListener("input", moved);
moved();
askPlane();
onMode(drawPlane);
