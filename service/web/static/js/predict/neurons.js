// @ts-check
// The neurons of a hidden layer as cells of a canvas. There is one tab stop for each layer.
import { cssColor, textOn } from "../color.js";
import { h } from "../dom.js";
import { arrowStep } from "../keys.js";
import { largestMagnitude } from "../numbers.js";
import { heatColor } from "../theme.js";
import { arrange, nextCell } from "./pushes.js";

const GAP = 1; // pixels between cells

/**
 * Build the cells of a layer.
 * @param {number} layer its number, from 1
 * @param {number} count of its neurons
 * @param {{ look: (neuron: number) => void, toggle: (neuron: number) => void }} handlers
 *   `look` is called when the pointer or the focus is on a neuron
 */
export function createNeurons(layer, count, { look, toggle }) {
  const canvas = h("canvas");
  const element = h(
    "div",
    {
      class: "neurons",
      tabindex: 0,
      role: "application",
      "aria-label": `Neurons of hidden layer ${layer}`,
      "aria-describedby": "inside-help",
    },
    canvas,
  );
  const arranged = () =>
    arrange(
      count,
      element.clientWidth,
      matchMedia("(pointer: coarse)").matches ? "finger" : "side",
    );
  let grid = arranged();
  let at = 0;
  /** @type {number[] | null} */
  let activations = null;
  /** @type {Set<number>} */
  let off = new Set();

  /** @param {CanvasRenderingContext2D} context @param {number} i @param {number} scale */
  function drawCell(context, i, scale) {
    const size = grid.side - GAP;
    const [x, y] = [grid.side * (i % grid.columns), grid.side * Math.floor(i / grid.columns)];
    const color = heatColor(activations && !off.has(i) ? activations[i] / scale : 0);
    context.fillStyle = cssColor(color);
    context.fillRect(x, y, size, size);
    context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
    if (!off.has(i)) return;
    context.strokeStyle = textOn(color);
    context.beginPath();
    context.moveTo(x + 2, y + 2);
    context.lineTo(x + size - 2, y + size - 2);
    context.moveTo(x + size - 2, y + 2);
    context.lineTo(x + 2, y + size - 2);
    context.stroke();
  }

  function paint() {
    const [width, height] = [grid.side * grid.columns, grid.side * grid.rows];
    const ratio = devicePixelRatio;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(ratio, ratio);
    const edge = getComputedStyle(document.documentElement).getPropertyValue("--rule");
    const scale = largestMagnitude(activations ?? []) || 1;
    for (let i = 0; i < count; i++) {
      context.strokeStyle = edge;
      drawCell(context, i, scale);
    }
    if (!element.matches(":focus-visible")) return;
    const [x, y] = [grid.side * (at % grid.columns), grid.side * Math.floor(at / grid.columns)];
    context.lineWidth = 3;
    context.strokeStyle = getComputedStyle(document.body).color;
    context.strokeRect(x + 0.5, y + 0.5, grid.side - 2, grid.side - 2);
  }

  /** @param {MouseEvent} event @returns {number | null} */
  function neuronAt({ clientX, clientY }) {
    const { left, top } = canvas.getBoundingClientRect();
    const column = Math.floor((clientX - left) / grid.side);
    const neuron = grid.columns * Math.floor((clientY - top) / grid.side) + column;
    const isInside = column >= 0 && column < grid.columns && neuron >= 0 && neuron < count;
    return isInside ? neuron : null;
  }

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = arrowStep(event.key);
    if (step) at = nextCell(at, step, { count, columns: grid.columns });
    else if (event.key === "Enter" || event.key === " ") toggle(at);
    else return;
    event.preventDefault();
    look(at);
    paint();
  }

  canvas.addEventListener("pointermove", (event) => {
    const neuron = neuronAt(event);
    if (neuron != null) look(neuron);
  });
  canvas.addEventListener("click", (event) => {
    const neuron = neuronAt(event);
    if (neuron == null) return;
    at = neuron;
    toggle(neuron);
    look(neuron);
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
    /** Fit the cells to the width. The element must be in the page. */
    fit() {
      grid = arranged();
      paint();
    },
    /** @param {number[] | null} newActivations @param {Set<number>} newOff switched off neurons */
    show(newActivations, newOff) {
      activations = newActivations;
      off = newOff;
      paint();
    },
  };
}
