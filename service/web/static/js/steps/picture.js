// @ts-check
// The input of the network in the diagram, and what of it reaches the chosen neuron.
import { h, s } from "../dom.js";
import { drawWeights } from "../model/neuron-view.js";
import { count } from "../numbers.js";
import { drawPicture } from "../pixels.js";
import { featureCount, isVectors } from "../predict/input.js";
import { cellOfChannel, hasMaps, scaleOf } from "./layout.js";
import { linksInto } from "./links.js";
import { short } from "./columns.js";

/** @typedef {import("./stage.js").Scene} Scene */
/** @typedef {{ x: number, y: number, size: number }} Square */

const MOST_COLUMNS = 16; // of a row of numbers

/** How far the plane reaches in each direction. @param {number[]} x */
const planeReach = (x) => 1.15 * Math.max(1, ...x.map(Math.abs));

/** Draw two numbers as a point of the plane. @param {Scene} scene @param {Square} square */
function drawPoint({ step, shapes }, { x, y, size }) {
  const reach = planeReach(step.x);
  const place = (/** @type {number} */ value) => (size / 2) * (1 + value / reach);
  shapes.append(
    s("rect", { x, y, width: size, height: size, class: "plane" }),
    s("path", { d: `M${x} ${y + size / 2}h${size}M${x + size / 2} ${y}v${size}`, class: "axis" }),
    s("circle", { cx: x + place(step.x[0]), cy: y + size - place(step.x[1]), r: 4, class: "dot" }),
  );
}

/** Draw numbers as bars, the largest ones of many.
 * @param {Scene} scene @param {Square} square @param {number[]} values */
function drawRow({ shapes }, { x, y, size }, values) {
  const order = values.map((value, i) => ({ value, i }));
  order.sort((one, other) => Math.abs(other.value) - Math.abs(one.value));
  const shown = order.slice(0, MOST_COLUMNS).sort((one, other) => one.i - other.i);
  const [unit, zero] = [size / 2 / scaleOf(values), x + size / 2];
  const step = Math.min(18, size / shown.length);
  shapes.append(s("line", { x1: zero, x2: zero, y1: y, y2: y + size, class: "axis" }));
  shown.forEach(({ value }, row) => {
    const width = Math.max(Math.abs(value) * unit, 0.6);
    const box = { x: value < 0 ? zero - width : zero, y: y + row * step + 1, width };
    const sign = value < 0 ? "negative left" : "positive";
    shapes.append(s("rect", { ...box, height: step - 2, class: `bar ${sign}` }));
  });
}

/** Place a canvas with the proportions of the images.
 * @param {Scene} scene @param {Square} square @param {HTMLCanvasElement} canvas */
function place({ view, overlay }, { x, y, size }, canvas) {
  const [height, width] = view.dataset.shape;
  const longest = Math.max(height, width);
  overlay(canvas, x, y, (size * width) / longest, (size * height) / longest);
}

/**
 * Calculate what the input gives to the chosen neuron of layer 1, or how its weights change.
 * @param {Scene} scene
 * @returns {{ name: string, values: number[] } | null} one value for each input
 */
function shareOfInput({ step, view }) {
  if (view.layer !== 1) return null;
  const [layer] = step.layers;
  const cell = hasMaps(layer) ? cellOfChannel(layer, view.neuron, view.gradient) : view.neuron;
  const delta = layer.delta[view.gradient][cell];
  const rate = step.learning_rate;
  const weights = view.weights.get(1);
  const links = linksInto(layer.spec, cell);
  /** @param {string} name @param {(x: number, weight: number) => number} calculate */
  const over = (name, calculate) => {
    const values = step.x.map(() => 0);
    for (const { input, weight } of links) values[input] = calculate(step.x[input], weight ?? 0);
    return { name, values };
  };
  if (view.phase.kind === "forward" && weights) {
    return over("w·x", (x, weight) => weights.weight[weight] * x);
  }
  if (hasMaps(layer)) return null; // a filter's derivatives are sums over the whole image
  if (view.phase.kind === "gradients") return over("δx", (x) => delta * x);
  return view.phase.kind === "update" ? over("−ηδx", (x) => -rate * delta * x) : null;
}

/** Write a name and a range above a picture.
 * @param {Scene} scene @param {Square} square @param {string} name @param {string} range
 * @param {boolean} isHot */
function writeHead({ words }, { x, y, size }, name, range, isHot) {
  words.append(
    s("text", { x, y: y - 7, class: isHot ? "head hot" : "head" }, name),
    s("text", { x: x + size, y: y - 7, class: "scale", "text-anchor": "end" }, range),
  );
}

/** Draw the input of the network. @param {Scene} scene */
export function drawInput(scene) {
  const { step, view, layout, lines, y } = scene;
  const [first, second] = layout.pictures;
  const { dataset } = view;
  const features = featureCount(dataset);
  const areVectors = isVectors(dataset);
  const noun = areVectors ? "numbers" : "values";
  const range = features === 2 ? `±${short(planeReach(step.x))}` : `${count(features)} ${noun}`;
  writeHead(scene, first, "x", range, view.phase.kind === "input");
  if (areVectors) (features === 2 ? drawPoint : drawRow)(scene, first, step.x);
  else {
    const canvas = h("canvas", { class: "seen" });
    drawPicture(canvas, step.raw, dataset);
    place(scene, first, canvas);
  }
  const share = shareOfInput(scene);
  if (!share) return;
  const scale = scaleOf(share.values);
  writeHead(scene, second, share.name, `±${short(scale)}`, true);
  if (areVectors) drawRow(scene, second, share.values);
  else {
    const canvas = h("canvas", { class: "seen" });
    drawWeights(canvas, share.values, scale, dataset);
    place(scene, second, canvas);
  }
  const row = y(1, view.neuron);
  if (layout.narrow || row == null) return;
  const [x, end] = [second.x + second.size + 3, layout.places[0].left - 26];
  const funnel = [second.y, second.y + second.size]
    .map((from) => `M${x} ${from}C${x + 27} ${from} ${end - 20} ${row} ${end} ${row}`)
    .join("");
  if (end > x) lines.append(s("path", { d: funnel, class: "funnel" }));
}
