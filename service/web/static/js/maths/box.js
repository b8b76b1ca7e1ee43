// @ts-check
// The box: a network of two step neurons with all its weights, and the function that it computes.
import { post } from "../api.js";
import { BLUE, EDGE, PAPER, Plot, centered, chart, enlargement } from "../chart.js";
import { $, h, notice, numberCell, rowHeader, s } from "../dom.js";
import { fixed } from "../numbers.js";
import { requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { fromColumns } from "../save/csv.js";
import { figureRequest } from "./figure-request.js";
import { sliderFromLink } from "./link.js";

/**
 * @typedef {object} Network
 * @property {number[]} weights
 * @property {number[]} biases
 * @property {[up: number, down: number]} output_weights
 * @property {number} output_bias
 */

const PATH = "/analysis/box";
const [FIRST_X, LAST_X] = [-1, 6]; // of the plot
const updateRequest = requestLine($("#box-request"), { path: PATH, anchor: "box" });
const heightInput = $("#height");
const widthInput = $("#width");
sliderFromLink("height", heightInput, 2, $("#box-trouble"));
sliderFromLink("width", widthInput, 3, $("#box-trouble"));
/** @type {any} */
let plot;

const boxSize = () => ({ height: Number(heightInput.value), width: Number(widthInput.value) });

// The drawing of the network
/** @typedef {"x" | "a" | "b" | "y"} Name a and b are the hidden neurons */
/** @type {Record<Name, [x: number, y: number]>} */
const CENTERS = { x: [34, 130], a: [190, 62], b: [190, 198], y: [356, 130] };
const STEP_UP = "M-13 9h13v-18h13";
/** @type {Partial<Record<Name, string>>} */
const GLYPHS = { a: STEP_UP, b: STEP_UP, y: "M-13 9h7v-18h12v18h7" };
const [ABOVE, BELOW] = [-9, 17]; // from an edge to the text of its weight, pixels

/** Draw an edge with its weight. @param {Name} from @param {Name} to @param {number} weight */
function edge(from, to, weight, distance = ABOVE) {
  const [x1, y1] = CENTERS[from];
  const [x2, y2] = CENTERS[to];
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  const color = weight < 0 ? "var(--orange)" : "var(--blue)";
  const size = Math.abs(weight);
  const line = s("path", {
    d: `M${x1} ${y1}L${x2} ${y2}`,
    stroke: color,
    "stroke-width": 1 + 1.5 * size,
    opacity: weight ? 0.9 : 0.25,
  });
  const place = { x, y: y + distance + Math.sign(distance) * 0.75 * size };
  const turn = { transform: `rotate(${angle} ${x} ${y})`, "text-anchor": "middle" };
  const text = s("text", { ...place, ...turn, class: "weight", fill: color }, fixed(weight, 1));
  return [line, text];
}

/** Draw a neuron with its bias, or the input x. @param {Name} name @param {number} [bias] */
function node(name, bias) {
  const [x, y] = CENTERS[name];
  const glyph = GLYPHS[name];
  const middle = { "text-anchor": "middle" };
  const biasY = y + (name === "a" ? -32 : 42);
  return [
    s("circle", { cx: x, cy: y, r: 23, class: "node" }),
    glyph
      ? s("path", { d: glyph, transform: `translate(${x},${y})`, class: "glyph" })
      : s("text", { x, y, dy: ".32em", ...middle, class: "var" }, name),
    bias != null && s("text", { x, y: biasY, ...middle, class: "bias" }, `bias ${fixed(bias, 1)}`),
  ];
}

/** @param {Network} network */
function networkElement({ weights, biases, output_weights: [up, down], output_bias }) {
  const label =
    "Two step neurons take x with weight 1, and have the biases " +
    `${fixed(biases[0], 1)} and ${fixed(biases[1], 1)}; the box is their sum with the weights ` +
    `${fixed(up, 1)} and ${fixed(down, 1)}`;
  return s(
    "svg",
    { viewBox: "0 0 390 260", role: "img", "aria-label": label },
    ...edge("x", "a", weights[0]),
    ...edge("x", "b", weights[1], BELOW),
    ...edge("a", "y", up),
    ...edge("b", "y", down, BELOW),
    ...node("x"),
    ...node("a", biases[0]),
    ...node("b", biases[1]),
    ...node("y", output_bias),
    s("text", { x: 356, y: 96, "text-anchor": "middle", class: "var" }, "b(x)"),
  );
}

/** @param {(Node | string)[]} name @param {number[]} values */
const valueRow = (name, values) =>
  h("tr", null, rowHeader(...name), ...values.map((value) => numberCell(fixed(value, 1))));

/** @typedef {{ network: Network, at: number[], values: number[] }} Answer */
/** @type {Answer | null} */
let answered = null;

/** @param {Answer} answer */
function show(answer) {
  const { network, at, values } = answer;
  answered = answer;
  const x = () => h("i", null, "x");
  const rows = [valueRow([x()], at), valueRow([h("i", null, "b"), "(", x(), ")"], values)];
  $("#box-network").replaceChildren(networkElement(network));
  $("#box-values").replaceChildren(h("tbody", null, ...rows));
}

/** List the points of the table below the figure. */
const data = () => fromColumns({ x: answered?.at ?? [], "b(x)": answered?.values ?? [] });

/** Build the body of the request: the box, and points before, in and after it. */
function requestBody() {
  const { height, width } = boxSize();
  /** @param {number} x */
  const rounded = (x) => Number(x.toFixed(3));
  return { height, width, at: [-1, 0, rounded(width / 2), width, rounded(width + 1)] };
}

const plotHost = $("#box-plot");
const figure = plotHost.closest("figure");
const askAgain = figureRequest({
  figures: [figure],
  request: () => post(PATH, requestBody()),
  show: (answer) => {
    $("#box-trouble").replaceChildren();
    show(answer);
  },
  fail: (problem) => $("#box-trouble").replaceChildren(notice(problem)),
  old: () => "Not updated: the network and the table are still for another box.",
});

/** @param {number} width in pixels */
function boxPlot(width) {
  const { height: top, width: end } = boxSize();
  /** @param {number} x1 @param {number} x2 @param {number} y */
  const level = (x1, x2, y) => Plot.ruleY([y], { x1, x2, stroke: BLUE, strokeWidth: 2.5 });
  const closedEnds = /** @type {[number, number][]} */ ([
    [0, top],
    [end, 0],
  ]);
  const openEnds = /** @type {[number, number][]} */ ([
    [0, 0],
    [end, top],
  ]);
  const area = { x1: 0, x2: end, y1: 0, y2: top, fill: BLUE, fillOpacity: 0.12 };
  return Plot.plot({
    width,
    height: 260,
    marginLeft: 28,
    marginRight: 12,
    marginTop: 28,
    marginBottom: 36,
    x: { domain: [FIRST_X, LAST_X], ticks: 7, ...centered("x") },
    y: { domain: [-3.2, 3.2], ticks: 5, label: "↑ b(x)", labelArrow: "none", grid: true },
    marks: [
      Plot.ruleY([0], { stroke: EDGE }),
      top ? Plot.rect([0], area) : null,
      level(FIRST_X, 0, 0),
      level(0, end, top),
      level(end, LAST_X, 0),
      Plot.dot(closedEnds, { r: 4, fill: BLUE }),
      Plot.dot(openEnds, { r: 4, fill: PAPER, stroke: BLUE, strokeWidth: 2 }),
      Plot.dot([[end, top]], { r: 11, fill: BLUE, fillOpacity: 0.15 }),
    ],
  });
}

const redraw = chart(plotHost, (width) => {
  plot = boxPlot(width);
  return plot;
});

function update() {
  const { height, width } = boxSize();
  heightInput.nextElementSibling.textContent = fixed(height, 1);
  widthInput.nextElementSibling.textContent = fixed(width, 1);
  updateRequest(requestBody(), { height, width });
  askAgain();
  redraw();
}

/** Move the corner of the box to the pointer. @param {PointerEvent} event */
function moveCorner({ clientX, clientY }) {
  const { left, top } = plotHost.getBoundingClientRect();
  const zoom = enlargement();
  widthInput.value = plot.scale("x").invert((clientX - left) / zoom);
  heightInput.value = plot.scale("y").invert((clientY - top) / zoom);
  update();
}

plotHost.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
  plotHost.setPointerCapture(event.pointerId);
  moveCorner(event);
});
plotHost.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
  if (plotHost.hasPointerCapture(event.pointerId)) moveCorner(event);
});
for (const input of [heightInput, widthInput]) input.addEventListener("input", update);
update();
savable(figure, { name: "box", rows: data });
