// @ts-check
// The figure of the network: each neuron is the map of what it answers at each point of the plane.
import { $, $$, h, s } from "../dom.js";
import { arrowStep } from "../keys.js";
import { clamp } from "../numbers.js";
import { edgePath, edgesOf, placeNetwork } from "./geometry.js";
import { answers, decisions, gridPoints } from "./network.js";
import { SIDE, TILE_SIDE, paintClass, paintDecisions, paintNothing, paintValues } from "./paint.js";
import { VIEW, marks, polyline, probeMark, rings, wrongPoints, zeroLines } from "./plane.js";
import { neuronName } from "./words.js";

/** @typedef {{ column: number, row: number }} Neuron column 0 has the inputs */
/**
 * @typedef {object} Shown what the figure shows
 * @property {number[]} sizes of the columns
 * @property {import("./network.js").Network | null} network null before the training
 * @property {import("./points.js").Points} points
 * @property {number} reach
 * @property {Neuron | null} chosen
 * @property {[number, number] | null} probe
 * @property {[number, number][]} graph of a function, if the points follow one
 */

const NARROW = 600; // pixels

/** @param {import("./network.js").Activation} activation @param {Float64Array} values */
function rangeOf(activation, values) {
  if (activation === "sigmoid") return { zero: 0.5, scale: 0.5 };
  if (activation === "tanh") return { zero: 0, scale: 1 };
  return { zero: 0, scale: Math.max(1e-9, ...values) };
}

/** @param {number} part @param {number} whole */
const share = (part, whole) => `${((100 * part) / whole).toFixed(3)}%`;

/**
 * Make the figure.
 * @param {HTMLElement} host
 * @param {object} handlers
 * @param {(neuron: Neuron) => void} handlers.choose
 * @param {(place: [number, number] | null) => void} handlers.point at a place of the large map
 * @param {(place: [number, number]) => void} handlers.add at a place of the large map
 */
export function createWeb(host, { choose, point, add }) {
  /** @type {Shown} */
  let shown;
  /** @type {import("./geometry.js").Geometry} */
  let geometry;
  let built = "";
  /** @type {Float64Array[]} */
  let grid = [];
  let gridReach = 0;
  /** @type {Shown["points"] | null} the points whose marks are drawn */
  let drawnPoints = null;
  let width = 0; // read only when it changes: reading it makes the browser lay out the page

  const lines = s("svg", { class: "edges", "aria-hidden": "true" });
  const over = s("svg", { viewBox: `0 0 ${VIEW} ${VIEW}`, "aria-hidden": "true" });
  const pointMarks = s("g");
  const otherMarks = s("g");
  over.append(pointMarks, otherMarks);
  const map = h("canvas");
  const field = h(
    "div",
    {
      class: "drawn-map",
      tabindex: 0,
      role: "group",
      id: "plane",
      "aria-label": "Map of the plane. Use the arrow keys to read the probabilities at a point.",
    },
    map,
    over,
  );

  /** @param {HTMLElement} element @param {{ x: number, y: number }} place @param {number} side */
  function put(element, { x, y }, side) {
    element.style.left = share(x, geometry.width);
    element.style.top = share(y, geometry.height);
    element.style.width = share(side, geometry.width);
    return element;
  }

  function build() {
    width ||= host.clientWidth;
    const isNarrow = width < NARROW;
    const key = JSON.stringify([shown.sizes, isNarrow]);
    if (key === built) return;
    built = key;
    geometry = placeNetwork(shown.sizes, isNarrow);
    host.style.aspectRatio = `${geometry.width} / ${geometry.height}`;
    lines.setAttribute("viewBox", `0 0 ${geometry.width} ${geometry.height}`);
    const last = shown.sizes.length - 1;
    const tiles = geometry.neurons.flatMap((places, column) =>
      places.map((place, row) =>
        put(
          h(
            "button",
            {
              type: "button",
              class: "neuron",
              "data-column": column,
              "data-row": row,
              "aria-label": neuronName({ column, row }, last),
              tabindex: column || row ? -1 : 0,
            },
            h("canvas"),
          ),
          place,
          geometry.tile,
        ),
      ),
    );
    put(field, geometry.map, geometry.map.side);
    host.replaceChildren(lines, ...tiles, field);
  }

  /** @param {HTMLCanvasElement} canvas @param {number} side @param {Neuron} neuron */
  function paintNeuron(canvas, side, { column, row }, /** @type {Float64Array[][]} */ columns) {
    const values = columns[column]?.[row];
    if (!values || !shown.network) paintNothing(canvas, side);
    else if (!column) paintValues(canvas, side, values, { zero: 0, scale: shown.reach });
    else if (column === shown.sizes.length - 1) paintClass(canvas, side, values, row);
    else paintValues(canvas, side, values, rangeOf(shown.network.activation, values));
  }

  function drawEdges() {
    const { network, chosen } = shown;
    const isOfChosen = (/** @type {import("./geometry.js").Edge} */ { column, from, to }) =>
      chosen != null &&
      ((column === chosen.column && from === chosen.row) ||
        (column + 1 === chosen.column && to === chosen.row));
    const { edges, largest } = edgesOf(network?.layers ?? [], isOfChosen);
    const opacity = (/** @type {import("./geometry.js").Edge} */ edge) => {
      if (chosen) return isOfChosen(edge) ? 0.95 : 0.08;
      return 0.12 + (0.6 * Math.abs(edge.weight)) / largest;
    };
    lines.replaceChildren(
      ...edges.map((edge) =>
        s("path", {
          d: edgePath(geometry, edge),
          class: edge.weight < 0 ? "negative" : "positive",
          "stroke-width": (0.4 + (4 * Math.abs(edge.weight)) / largest).toFixed(2),
          opacity: opacity(edge).toFixed(2),
        }),
      ),
    );
  }

  function drawOver() {
    const { network, points, reach, chosen, probe, graph } = shown;
    if (points !== drawnPoints) {
      pointMarks.replaceChildren(...marks(points, reach));
      drawnPoints = points;
    }
    const wrong = network ? wrongPoints(network, [...points.train, ...points.test]) : [];
    otherMarks.replaceChildren(
      ...(graph.length ? [polyline(graph, reach, "graph")] : []),
      ...(network ? zeroLines(network, chosen, reach) : []),
      ...rings(wrong, reach),
      ...(probe ? [probeMark(probe, reach)] : []),
    );
  }

  /** @param {Shown} next */
  function draw(next) {
    shown = next;
    build();
    if (gridReach !== shown.reach) {
      grid = gridPoints(SIDE, shown.reach);
      gridReach = shown.reach;
      drawnPoints = null;
    }
    const columns = shown.network ? answers(shown.network, grid) : [grid];
    drawEdges();
    for (const tile of $$(".neuron", host)) {
      const neuron = neuronOf(tile);
      const { chosen } = shown;
      const isChosen = chosen?.column === neuron.column && chosen.row === neuron.row;
      if (tile.ariaPressed !== String(isChosen)) tile.ariaPressed = String(isChosen);
      paintNeuron(tile.firstChild, TILE_SIDE, neuron, columns);
    }
    if (shown.chosen) paintNeuron(map, SIDE, shown.chosen, columns);
    else if (shown.network) paintDecisions(map, decisions(columns.at(-1) ?? []));
    else paintNothing(map, SIDE);
    drawOver();
  }

  /** @param {HTMLElement} tile @returns {Neuron} */
  const neuronOf = ({ dataset }) => ({ column: Number(dataset.column), row: Number(dataset.row) });

  /** @param {PointerEvent | MouseEvent} event @returns {[number, number]} */
  function placeOf({ clientX, clientY }) {
    const { left, top, width, height } = field.getBoundingClientRect();
    const { reach } = shown;
    return [
      reach * ((2 * (clientX - left)) / width - 1),
      reach * (1 - (2 * (clientY - top)) / height),
    ];
  }

  host.addEventListener("click", (event) => {
    const tile = /** @type {Element} */ (event.target).closest(".neuron");
    if (tile) choose(neuronOf(/** @type {HTMLElement} */ (tile)));
  });
  /** Move the probe, also for keys that come before the next drawing.
   * @param {[number, number] | null} place */
  function moveProbe(place) {
    shown.probe = place;
    point(place);
  }

  field.addEventListener("click", (event) => add(placeOf(event)));
  field.addEventListener("pointermove", (event) => moveProbe(placeOf(event)));
  field.addEventListener("pointerleave", () => moveProbe(null));
  field.addEventListener("keydown", (event) => {
    const step = arrowStep(event.key);
    if (step) {
      event.preventDefault();
      const size = (shown.reach / 20) * (event.shiftKey ? 5 : 1);
      const [x, y] = shown.probe ?? [0, 0];
      const inside = (/** @type {number} */ v) => clamp(v, -shown.reach, shown.reach);
      moveProbe([inside(x + size * step[0]), inside(y - size * step[1])]);
    } else if (event.key === "Enter" && shown.probe) {
      add(shown.probe);
    } else if (event.key === "Escape") {
      moveProbe(null);
    }
  });
  host.addEventListener("keydown", (event) => {
    const tile = /** @type {HTMLElement | null} */ (
      /** @type {Element} */ (event.target).closest(".neuron")
    );
    const step = tile && arrowStep(event.key);
    if (!step) return;
    event.preventDefault();
    const { column, row } = neuronOf(tile);
    const nextColumn = clamp(column + step[0], 0, shown.sizes.length - 1);
    const nextRow = clamp(row + step[1], 0, shown.sizes[nextColumn] - 1);
    const next = $(`[data-column="${nextColumn}"][data-row="${nextRow}"]`, host);
    tile.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  new ResizeObserver(([entry]) => {
    width = entry.contentRect.width;
    if (shown) build();
  }).observe(host);

  return { draw };
}
