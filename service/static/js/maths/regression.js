// L1 against L2: points to drag with the mouse, a finger or the arrow keys.
import { $, h, s, query, fixed, notice, request } from "../common.js";
import { post, latest } from "../api.js";
import { chart, endLabels, Plot } from "../chart.js";

const path = "/analysis/regression",
  send = request($("#regression-request"), { path, anchor: "regression" });
const calm = [
    [0.6, 1.5],
    [1.4, 1.7],
    [2.3, 2.6],
    [3.1, 2.7],
    [4, 3.6],
    [4.8, 3.7],
    [5.7, 4.6],
    [6.5, 4.9],
    [7.4, 5.5],
  ],
  far = [9, 0.8];
const given = (query.get("points") ?? "").split(";").map((p) => p.split(",").map(Number)),
  sound =
    given.length > 1 &&
    given.length < 11 &&
    given.every((p) => p.length === 2 && p.every(Number.isFinite));
let points = sound ? given : [...calm.map((p) => [...p]), [...far]],
  plot,
  fit1 = null,
  fit2 = null;

const stage = $("#regression-plot"),
  inner = h("div");
const again = chart(inner, (width) => {
  const line = ([a, b], stroke) =>
      Plot.line(
        [
          [0, a],
          [10, a + 10 * b],
        ],
        { stroke, strokeWidth: 2, clip: true },
      ),
    miss = ([a, b], stroke, dx) =>
      Plot.ruleX(points, {
        x: (p) => p[0],
        y1: (p) => p[1],
        y2: (p) => a + b * p[0],
        stroke,
        strokeOpacity: 0.6,
        dx,
      });
  plot = Plot.plot({
    width,
    height: Math.min(420, width * 0.9),
    marginLeft: 28,
    marginRight: 40,
    marginTop: 10,
    marginBottom: 28,
    x: { domain: [0, 10], label: null, ticks: 5 },
    y: { domain: [0, 8], label: null, ticks: 4, grid: true },
    marks: fit1
      ? [
          miss(fit2.w, "var(--orange)", -1.5),
          miss(fit1.w, "var(--blue)", 1.5),
          line(fit2.w, "var(--orange)"),
          line(fit1.w, "var(--blue)"),
        ]
      : [],
  });
  const x = plot.scale("x").apply,
    y = plot.scale("y").apply,
    end = ([a, b], text, color) => ({
      x: x(10),
      y: Math.max(10, Math.min(y(0), y(a + 10 * b))),
      text,
      color,
    });
  if (fit1) endLabels(plot, [end(fit2.w, "L2", "var(--orange)"), end(fit1.w, "L1", "var(--blue)")]);
  queueMicrotask(handles);
  return plot;
});
// Handles lie over the plot and are kept, so that focus and the pointer stay with them while the plot is drawn anew
const overlay = s("svg", { class: "handles", role: "group", "aria-label": "Points" }),
  knobs = [];
stage.append(inner, overlay);
function handles() {
  const width = plot.getAttribute("width"),
    tall = plot.getAttribute("height"),
    x = plot.scale("x").apply,
    y = plot.scale("y").apply;
  overlay.setAttribute("viewBox", `0 0 ${width} ${tall}`);
  while (knobs.length < points.length) {
    const i = knobs.length,
      k = s(
        "g",
        { class: "knob", tabindex: 0, role: "button" },
        s("circle", { r: 16, class: "reach" }),
        s("circle", { r: 6, class: "point" }),
      );
    knobs.push(k);
    k.addEventListener("pointerdown", (e) => {
      k.setPointerCapture(e.pointerId);
      e.preventDefault();
      k.focus({ focusVisible: false });
    });
    k.addEventListener("pointermove", (e) => k.hasPointerCapture(e.pointerId) && move(i, e));
    k.addEventListener("keydown", (e) => key(i, e));
    overlay.append(k);
  }
  while (knobs.length > points.length) knobs.pop().remove();
  for (const [i, k] of knobs.entries()) {
    k.setAttribute("transform", `translate(${x(points[i][0])} ${y(points[i][1])})`);
    k.setAttribute(
      "aria-label",
      `Point ${i + 1}: x ${fixed(points[i][0], 1)}, y ${fixed(points[i][1], 1)}. Arrow keys move it`,
    );
    k.classList.toggle("out", i === 9);
  }
}
const clamp = (v, hi) => Math.max(0, Math.min(hi, Math.round(v * 20) / 20));
function move(i, event) {
  const r = stage.getBoundingClientRect();
  points[i] = [
    clamp(plot.scale("x").invert(event.clientX - r.left), 10),
    clamp(plot.scale("y").invert(event.clientY - r.top), 8),
  ];
  moved();
}
function key(i, event) {
  const d = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[
    event.key
  ];
  if (!d) return;
  event.preventDefault();
  const big = event.shiftKey ? 5 : 1;
  points[i] = [clamp(points[i][0] + big * d[0], 10), clamp(points[i][1] + big * d[1], 8)];
  moved();
}
function draw({ comparison }) {
  fit1 = comparison.l1;
  fit2 = comparison.l2;
  $("#regression-trouble").replaceChildren();
  again();
  const row = (name, cls, { w, l1, l2 }) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, h("b", { class: cls }, name)),
      h("td", { class: "n" }, `${fixed(w[0])} ${w[1] < 0 ? "−" : "+"} ${fixed(Math.abs(w[1]))} x`),
      h("td", { class: "n" }, fixed(l2, 1)),
      h("td", { class: "n" }, fixed(l1, 1)),
    );
  $("#fits").replaceChildren(
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        ...["", "Line", "Squares", "Sizes"].map((t, i) =>
          h(t ? "th" : "td", { class: i ? "n" : null, scope: t ? "col" : null }, t),
        ),
      ),
    ),
    h("tbody", null, row("L2", "orange", fit2), row("L1", "blue", fit1)),
  );
}
const body = () => ({ X: points.map((p) => [1, p[0]]), y: points.map((p) => p[1]), loss: "l1" });
const ask = latest(
  () => post(path, body()),
  draw,
  (problem) => $("#regression-trouble").replaceChildren(notice(problem)),
);
function moved() {
  $("#outlier").textContent = points.length > 9 ? "Take the outlier away" : "Put the outlier back";
  send(body(), { points: points.map((p) => p.join(",")).join(";") });
  if (plot) handles();
  ask();
}
$("#outlier").addEventListener("click", () => {
  if (points.length > 9) points.length = 9;
  else points.push([...far]);
  moved();
});
moved();
