// The box: a network of two step neurons with every weight on it, and what it draws.
import { $, h, s, query, fixed, notice, request } from "../common.js";
import { post, latest } from "../api.js";
import { chart, Plot } from "../chart.js";

const path = "/analysis/box",
  send = request($("#box-request"), { path, anchor: "box" });
const height = $("#height"),
  width = $("#width");
height.value = query.get("height") ?? 2;
width.value = query.get("width") ?? 3;
let answer = null,
  plot;

// The drawn network, with the weights and biases that the API gave
function network({ weights, biases, output_weights: [up, down], output_bias }) {
  const at = { x: [34, 130], a: [190, 62], b: [190, 198], y: [356, 130] },
    sign = (v) => (v < 0 ? "var(--orange)" : "var(--blue)");
  const edge = (from, to, w, t = 0.5, dy = -9) => {
    const [x1, y1] = at[from],
      [x2, y2] = at[to],
      angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI,
      mx = x1 + t * (x2 - x1),
      my = y1 + t * (y2 - y1);
    return [
      s("path", {
        d: `M${x1} ${y1}L${x2} ${y2}`,
        stroke: sign(w),
        "stroke-width": 1 + 1.5 * Math.abs(w),
        opacity: w ? 0.9 : 0.25,
      }),
      s(
        "text",
        {
          x: mx,
          y: my + dy + Math.sign(dy) * 0.75 * Math.abs(w),
          transform: `rotate(${angle} ${mx} ${my})`,
          "text-anchor": "middle",
          class: "weight",
          fill: sign(w),
        },
        fixed(w, 1),
      ),
    ];
  };
  const glyph = { a: "M-13 9h13v-18h13", b: "M-13 9h13v-18h13", y: "M-13 9h7v-18h12v18h7" };
  const node = (k, label, bias) => [
    s("circle", { cx: at[k][0], cy: at[k][1], r: 23, class: "node" }),
    glyph[k]
      ? s("path", { d: glyph[k], transform: `translate(${at[k]})`, class: "glyph" })
      : s(
          "text",
          { x: at[k][0], y: at[k][1], dy: ".32em", "text-anchor": "middle", class: "var" },
          label,
        ),
    bias != null &&
      s(
        "text",
        {
          x: at[k][0],
          y: at[k][1] + (k === "a" ? -32 : 42),
          "text-anchor": "middle",
          class: "bias",
        },
        `bias ${fixed(bias, 1)}`,
      ),
  ];
  return s(
    "svg",
    {
      viewBox: "0 0 390 260",
      role: "img",
      "aria-label": `x goes with weight 1 to two step neurons, of biases ${fixed(biases[0], 1)} and ${fixed(biases[1], 1)}; their sum with weights ${fixed(up, 1)} and ${fixed(down, 1)} is the box`,
    },
    ...edge("x", "a", weights[0]),
    ...edge("x", "b", weights[1], 0.5, 17),
    ...edge("a", "y", up),
    ...edge("b", "y", down, 0.5, 17),
    ...node("x", "x"),
    ...node("a", "", biases[0]),
    ...node("b", "", biases[1]),
    ...node("y", "", output_bias),
    s("text", { x: 356, y: 96, "text-anchor": "middle", class: "var" }, "b(x)"),
  );
}
function draw() {
  if (!answer) return;
  $("#box-network").replaceChildren(network(answer.network));
  $("#box-values").replaceChildren(
    h(
      "tbody",
      null,
      h(
        "tr",
        null,
        h("th", { scope: "row" }, h("i", null, "x")),
        ...answer.at.map((x) => h("td", { class: "n" }, fixed(x, 1))),
      ),
      h(
        "tr",
        null,
        h("th", { scope: "row" }, h("i", null, "b"), "(", h("i", null, "x"), ")"),
        ...answer.values.map((y) => h("td", { class: "n" }, fixed(y, 1))),
      ),
    ),
  );
}
const body = () => {
  const H = Number(height.value),
    W = Number(width.value);
  return {
    height: H,
    width: W,
    at: [-1, 0, Number((W / 2).toFixed(3)), W, Number((W + 1).toFixed(3))],
  };
};
const ask = latest(
  () => post(path, body()),
  (found) => {
    answer = found;
    draw();
  },
  (problem) => $("#box-network").replaceChildren(notice(problem)),
);
function moved() {
  const asked = body();
  height.nextSibling.textContent = fixed(asked.height, 1);
  width.nextSibling.textContent = fixed(asked.width, 1);
  send(asked, { height: asked.height, width: asked.width });
  ask();
  again();
}
const again = chart($("#box-plot"), (w) => {
  const H = Number(height.value),
    W = Number(width.value),
    part = (x1, x2, v) => Plot.ruleY([v], { x1, x2, stroke: "var(--blue)", strokeWidth: 2.5 });
  plot = Plot.plot({
    width: w,
    height: 260,
    marginLeft: 28,
    marginRight: 12,
    marginTop: 12,
    marginBottom: 28,
    x: { domain: [-1, 6], ticks: 7, label: null },
    y: { domain: [-3.2, 3.2], ticks: 5, label: null, grid: true },
    marks: [
      Plot.ruleY([0], { stroke: "var(--edge)" }),
      H
        ? Plot.rect([0], { x1: 0, x2: W, y1: 0, y2: H, fill: "var(--blue)", fillOpacity: 0.12 })
        : null,
      part(-1, 0, 0),
      part(0, W, H),
      part(W, 6, 0),
      Plot.dot(
        [
          [0, H],
          [W, 0],
        ],
        { r: 4, fill: "var(--blue)" },
      ),
      Plot.dot(
        [
          [0, 0],
          [W, H],
        ],
        { r: 4, fill: "var(--paper)", stroke: "var(--blue)", strokeWidth: 2 },
      ),
      Plot.dot([[W, H]], { r: 11, fill: "var(--blue)", fillOpacity: 0.15 }),
    ],
  });
  return plot;
});
const host = $("#box-plot");
host.addEventListener("pointerdown", (event) => {
  host.setPointerCapture(event.pointerId);
  move(event);
});
host.addEventListener(
  "pointermove",
  (event) => host.hasPointerCapture(event.pointerId) && move(event),
);
function move(event) {
  const r = host.getBoundingClientRect();
  width.value = plot.scale("x").invert(event.clientX - r.left);
  height.value = plot.scale("y").invert(event.clientY - r.top);
  moved();
}
for (const input of [height, width]) input.addEventListener("input", moved);
moved();
