// @ts-check
// The neurons or the feature maps of a hidden layer as tiles of one canvas. There is one tab stop
// for each layer.
import { h } from "../dom.js";
import { arrowStep } from "../keys.js";
import { largestMagnitude } from "../numbers.js";
import { drawHeatmap } from "../pixels.js";
import { arrange, nextTile } from "./arrange.js";
import { areMaps, mapShape, valuesOf } from "./shapes.js";

const MARGIN = 2; // pixels around the tiles, for the outline of one at the edge

/**
 * Build the tiles of a layer.
 * @param {number} number of the layer, from 1
 * @param {number[]} shape of its output
 * @param {string} help id of the element that says what the keys do
 * @param {{ look: (tile: number) => void, choose: (tile: number) => void }} handlers
 *   `look` is called when the pointer or the focus is on a tile
 */
export function createGrid(number, shape, help, { look, choose }) {
  const maps = mapShape(shape);
  const count = maps.channels;
  const noun = areMaps(shape) ? "Feature maps" : "Neurons";
  const canvas = h("canvas");
  const small = h("canvas"); // one map, with a pixel for each cell
  const element = h(
    "div",
    {
      class: "neurons",
      tabindex: 0,
      role: "application",
      "aria-label": `${noun} of hidden layer ${number}`,
      "aria-describedby": help,
    },
    canvas,
  );
  const arranged = () =>
    arrange(
      maps,
      element.clientWidth - 2 * MARGIN,
      matchMedia("(pointer: coarse)").matches ? "finger" : "side",
    );
  let grid = arranged();
  let at = 0;
  /** @type {number | null} */
  let chosen = null; // stays outlined
  /** @type {number[] | null} */
  let activations = null;
  /** @type {Set<number>} */
  let off = new Set();

  /** @param {number} i @returns {[x: number, y: number]} */
  const placeOf = (i) => [
    MARGIN + grid.step[0] * (i % grid.columns),
    MARGIN + grid.step[1] * Math.floor(i / grid.columns),
  ];

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} i
   * @param {number} scale
   * @param {{ edge: string, ink: string }} colors
   */
  function drawTile(context, i, scale, { edge, ink }) {
    const [[x, y], [width, height]] = [placeOf(i), grid.size];
    const isOn = activations && !off.has(i);
    const values = isOn ? valuesOf(activations ?? [], maps, i) : [0];
    drawHeatmap(small, values, scale, isOn ? maps.width : 1);
    context.drawImage(small, x, y, width, height);
    context.lineWidth = 1;
    context.strokeStyle = edge;
    context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    if (!off.has(i)) return;
    context.strokeStyle = ink;
    context.beginPath();
    context.moveTo(x + 2, y + 2);
    context.lineTo(x + width - 2, y + height - 2);
    context.moveTo(x + width - 2, y + 2);
    context.lineTo(x + 2, y + height - 2);
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context @param {number} i @param {string} color */
  function outline(context, i, color) {
    const [[x, y], [width, height]] = [placeOf(i), grid.size];
    context.lineWidth = 3;
    context.strokeStyle = color;
    context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  }

  function paint() {
    const width = 2 * MARGIN + grid.step[0] * grid.columns - grid.gap;
    const height = 2 * MARGIN + grid.step[1] * grid.rows - grid.gap;
    const ratio = devicePixelRatio;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = grid.size[0] < maps.width; // a large map is drawn smaller
    const edge = getComputedStyle(document.documentElement).getPropertyValue("--rule");
    const { color: ink } = getComputedStyle(document.body);
    const scale = largestMagnitude(activations ?? []) || 1;
    for (let i = 0; i < count; i++) drawTile(context, i, scale, { edge, ink });
    if (chosen != null) outline(context, chosen, ink);
    if (element.matches(":focus-visible")) outline(context, at, ink);
  }

  /** @param {MouseEvent} event @returns {number | null} */
  function tileAt({ clientX, clientY }) {
    const { left, top } = canvas.getBoundingClientRect();
    const column = Math.floor((clientX - left - MARGIN) / grid.step[0]);
    const tile = grid.columns * Math.floor((clientY - top - MARGIN) / grid.step[1]) + column;
    const isInside = column >= 0 && column < grid.columns && tile >= 0 && tile < count;
    return isInside ? tile : null;
  }

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = arrowStep(event.key);
    if (step) at = nextTile(at, step, { count, columns: grid.columns });
    else if (event.key === "Enter" || event.key === " ") choose(at);
    else return;
    event.preventDefault();
    look(at);
    paint();
  }

  canvas.addEventListener("pointermove", (event) => {
    const tile = tileAt(event);
    if (tile != null) look(tile);
  });
  canvas.addEventListener("click", (event) => {
    const tile = tileAt(event);
    if (tile == null) return;
    at = tile;
    choose(tile);
    look(tile);
  });
  element.addEventListener("keydown", onKeyDown);
  element.addEventListener("focus", () => {
    if (element.matches(":focus-visible")) look(at);
    paint();
  });
  element.addEventListener("blur", paint);
  new ResizeObserver(() => {
    const { columns } = grid;
    grid = arranged();
    if (columns !== grid.columns) paint();
  }).observe(element);

  return {
    element,
    paint,
    /** Fit the tiles to the width. The element must be in the page. */
    fit() {
      grid = arranged();
      paint();
    },
    /** Outline a tile, or none. @param {number | null} tile */
    mark(tile) {
      chosen = tile;
      if (tile != null) at = tile;
      paint();
    },
    /** @param {number[] | null} newActivations @param {Set<number>} newOff tiles switched off */
    show(newActivations, newOff) {
      activations = newActivations;
      off = newOff;
      paint();
    },
  };
}
