// @ts-check
// One feature map enlarged, beside what it was computed from. For the cell that people pick, the
// window of the input is outlined, and where the maximum of a max-pool came from.
import { h } from "../dom.js";
import { largestMagnitude } from "../numbers.js";
import { drawHeatmap, drawPicture } from "../pixels.js";
import { placeMaps } from "./arrange.js";
import { createPicker } from "./picker.js";
import { drawScene } from "./scene.js";
import { largestCell, mapShape, valuesOf, windowOf } from "./shapes.js";
import { cellText } from "./words.js";

/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */
/** @typedef {{ values: number[], picture: import("../predict/input.js").Picture }} Sample */

/**
 * @typedef {object} Shown
 * @property {number} number of the layer, from 1
 * @property {NetworkLayer} layer
 * @property {number} map
 * @property {number[]} output of the layer, with the maps last
 * @property {number[] | null} input the output of the layer before; null for the first layer
 * @property {Sample} sample what the network sees
 * @property {[row: number, column: number][][][]} [winners] of a max-pool
 * @property {boolean} isOff whether the map is switched off
 */

/** Build the view. */
export function createCells() {
  const picker = createPicker("Cells of a feature map", draw);
  const source = h("canvas", { role: "img" });
  const sourceTitle = h("p", { class: "small" });
  const title = h("p", { class: "small" });
  const words = h("p", { class: "small", role: "status" });
  const element = h(
    "div",
    { class: "cells" },
    h("div", null, sourceTitle, source),
    h("div", null, title, picker.element),
    words,
  );
  /** @type {Shown | null} */
  let shown = null;

  /** @param {Shown} of @returns {import("./scene.js").Scene} */
  function sourceScene({ layer, map, input, sample, winners, isOff }) {
    const { height, width, channels } = mapShape(layer.input_shape);
    const { row, column } = picker.cell();
    const maps = !input ? [0] : winners ? [map] : Array.from({ length: channels }, (_, i) => i);
    const { places, ...size } = placeMaps(maps.length, width, height);
    const scale = largestMagnitude(input ?? []) || 1;
    const window = windowOf(layer, row, column);
    const winner = winners?.[row][column][map];
    const outlined = isOff ? [] : places;
    return {
      ...size,
      tiles: places.map((place, i) => ({
        ...place,
        width,
        height,
        draw: (canvas) =>
          input
            ? drawHeatmap(
                canvas,
                valuesOf(input, mapShape(layer.input_shape), maps[i]),
                scale,
                width,
              )
            : drawPicture(canvas, sample.values, sample.picture),
      })),
      outlines: outlined.flatMap(({ x, y }) => [
        {
          x: x + window.left,
          y: y + window.top,
          width: window.right - window.left,
          height: window.bottom - window.top,
        },
        ...(winner
          ? [{ x: x + winner[1], y: y + winner[0], width: 1, height: 1, isStrong: true }]
          : []),
      ]),
    };
  }

  function draw() {
    if (!shown) return;
    const { layer, map, output, input, winners, isOff } = shown;
    const cell = picker.cell();
    const shape = mapShape(layer.output_shape);
    const { width, height } = shape;
    const values = valuesOf(output, shape, map);
    const scale = largestMagnitude(output) || 1;
    drawScene(source, sourceScene(shown));
    drawScene(picker.canvas, {
      width,
      height,
      tiles: [{ x: 0, y: 0, width, height, draw: (one) => drawHeatmap(one, values, scale, width) }],
      outlines: [{ x: cell.column, y: cell.row, width: 1, height: 1, isStrong: true }],
    });
    const winner = winners?.[cell.row][cell.column][map];
    words.textContent = cellText(layer, cell, values[cell.row * width + cell.column], {
      map,
      isImage: !input,
      isOff,
      winner: winner ? { row: winner[0], column: winner[1] } : null,
    });
  }

  new ResizeObserver(draw).observe(element);

  return {
    element,
    draw,
    /** @param {Shown} newShown */
    show(newShown) {
      const { number, layer, map, output, input, winners } = newShown;
      const isSame = shown?.number === number && shown?.map === map;
      const shape = mapShape(layer.output_shape);
      const { channels } = mapShape(layer.input_shape);
      const cell = isSame ? picker.cell() : largestCell(valuesOf(output, shape, map), shape.width);
      shown = newShown;
      const name = `Map ${map} of hidden layer ${number}`;
      picker.reset(shape.height, shape.width, cell, `${name}. Arrow keys pick a cell.`);
      title.textContent = `${name}: pick a cell`;
      const before = input ? `hidden layer ${number - 1}` : "the image";
      const what = !input
        ? "The image that the network sees"
        : winners
          ? `Map ${map} of ${before}`
          : channels === 1
            ? `The map of ${before}`
            : `The ${channels} maps of ${before}`;
      sourceTitle.textContent = what;
      source.setAttribute("aria-label", `${what}, with what the picked cell depends on outlined`);
      draw();
    },
  };
}
