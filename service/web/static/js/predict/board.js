// @ts-check
// The drawing board, for a mouse, a finger, a pen or the keyboard.
import { $, h, s } from "../dom.js";
import { arrowStep } from "../keys.js";
import { clamp } from "../numbers.js";
import { drawPicture } from "../pixels.js";
import { SIDE } from "../sizes.js";
import { extend, snap } from "./drawing.js";
import { placeOnBoard } from "./fit.js";
import { createHistory } from "./history.js";
import { DIGIT, isColor, isDark, sizeText, squareShape } from "./input.js";
import { PALETTE, drawStrokes, sentSize, strokesPng } from "./strokes.js";

/** @typedef {import("./strokes.js").Point} Point */

/** @type {Point} */
const CURSOR_START = [14.5, 6.5];

const PENS = { grey: "4", color: "8" }; // the widest ones
const WHITE = "#fff";
const BLACK = "#000";

/** @param {readonly [name: string, color: string]} color @param {number} i */
function colorChoice([name, color], i) {
  const swatch = h("span", { title: name });
  swatch.style.background = color;
  const input = h("input", { type: "radio", name: "color", value: i, "aria-label": name });
  input.checked = i === 0;
  return h("label", null, input, swatch);
}

/** @param {HTMLCanvasElement} canvas */
const contextOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * Make the drawing board respond to input.
 * @param {import("./history.js").Content} first what the board shows at first
 * @param {(finished: boolean) => void} changed called after each change; `finished` is
 *   false during a stroke
 */
export function createBoard(first, changed) {
  const board = $("#board");
  const ink = $("#ink");
  const context = contextOf(ink);
  const history = createHistory(first);
  /** @type {Point | null} */
  let cursor = null; // of the keyboard
  let penDown = false;
  /** @type {import("./strokes.js").Stroke | null} */
  let stroke = null; // that is being drawn
  /** @type {SVGElement[]} */
  let marks = [];
  /** @type {import("./input.js").Picture} */
  let picture = DIGIT; // what the first model takes
  $("#colors").append(...PALETTE.map(colorChoice));

  /** @param {CanvasImageSource & { width: number, height: number }} source */
  function drawWhole(source, smooth = true) {
    const scale = ink.width / Math.max(source.width, source.height);
    const [width, height] = [source.width * scale, source.height * scale];
    context.imageSmoothingEnabled = smooth;
    context.drawImage(source, (ink.width - width) / 2, (ink.height - height) / 2, width, height);
  }

  function render() {
    const { strokes, image } = history.current();
    context.clearRect(0, 0, ink.width, ink.height);
    if (!image) {
      const color = isDark(picture) ? getComputedStyle(document.body).color : BLACK;
      if (!isDark(picture)) {
        context.fillStyle = WHITE;
        context.fillRect(0, 0, ink.width, ink.height);
      }
      drawStrokes(context, strokes, ink.width / SIDE, isColor(picture) ? null : color);
    } else if ("pixels" in image) {
      const own = { ...picture, shape: squareShape(image.pixels.length) ?? picture.shape };
      const drawn = image.index === undefined ? own : image.dataset;
      drawWhole(drawPicture(h("canvas"), image.pixels, drawn), false);
    } else if (image.bitmap) {
      drawWhole(image.bitmap);
    }
    drawOverlay();
  }

  /** @param {Point} point */
  function cursorElement([x, y]) {
    const square = { x: x - 0.5, y: y - 0.5, width: 1, height: 1 };
    return s("rect", { ...square, class: penDown ? "cursor down" : "cursor" });
  }

  function drawOverlay() {
    $("#over").replaceChildren(...marks, ...(cursor ? [cursorElement(cursor)] : []));
  }

  /** @param {boolean} finished */
  function update(finished) {
    marks = [];
    render();
    changed(finished);
  }

  /** @param {Point} point */
  function beginStroke(point) {
    const color = isColor(picture) ? Number($("#colors :checked").value) : 0;
    stroke = { pen: Number($("#pen").value), points: [snap(point)], ...(color && { color }) };
    history.begin(stroke);
  }

  /** @param {Point} point */
  function extendStroke(point) {
    if (stroke) extend(stroke, snap(point));
  }

  /** Make a change that ends the stroke. @param {() => void} change */
  const ending = (change) => () => {
    penDown = false;
    stroke = null;
    change();
    update(true);
  };
  const undo = ending(history.undo);
  const clear = ending(history.clear);

  /** @param {PointerEvent} event @returns {Point} */
  function position({ clientX, clientY }) {
    const { left, top, width, height } = ink.getBoundingClientRect();
    return [(SIDE * (clientX - left)) / width, (SIDE * (clientY - top)) / height];
  }

  /** @param {PointerEvent} event */
  function onPointerDown(event) {
    if (!event.isPrimary || event.button) return;
    board.setPointerCapture(event.pointerId);
    cursor = null;
    beginStroke(position(event));
    update(false);
  }

  /** @param {PointerEvent} event */
  function onPointerMove(event) {
    if (!board.hasPointerCapture(event.pointerId)) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) extendStroke(position(one));
    update(false);
  }

  /** @param {[right: number, down: number]} step */
  function moveCursor(step) {
    const [x, y] = cursor ?? CURSOR_START;
    const [low, high] = [0.5, SIDE - 0.5];
    cursor = [clamp(x + step[0], low, high), clamp(y + step[1], low, high)];
    if (penDown) extendStroke(cursor);
  }

  function togglePen() {
    penDown = !penDown;
    cursor ??= CURSOR_START;
    if (penDown) beginStroke(cursor);
  }

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = arrowStep(event.key);
    const key = event.key.toLowerCase();
    if (step) moveCursor(step);
    else if (key === " ") togglePen();
    else if (key === "z") undo();
    else if (key === "c") clear();
    else return;
    event.preventDefault();
    if (penDown) update(false);
    else drawOverlay();
  }

  function onFocus() {
    if (!board.matches(":focus-visible")) return;
    cursor ??= CURSOR_START;
    drawOverlay();
  }

  function onBlur() {
    cursor = null;
    penDown = false;
    drawOverlay();
  }

  board.addEventListener("pointerdown", onPointerDown);
  board.addEventListener("pointermove", onPointerMove);
  board.addEventListener("keydown", onKeyDown);
  board.addEventListener("focus", onFocus);
  board.addEventListener("blur", onBlur);
  $("#undo").addEventListener("click", undo);
  $("#clear").addEventListener("click", clear);

  return {
    render,
    isEmpty: history.isEmpty,
    content: history.current,
    /** Show an image in place of the drawing. @param {import("./history.js").BoardImage} image */
    show: (image) => ending(() => history.show(image))(),
    /** Get the drawing as a PNG for a model. */
    drawing: (/** @type {import("./input.js").Picture} */ one) =>
      strokesPng(history.current().strokes, one),
    /**
     * Offer what a model takes: colors, and a background.
     * @param {import("./input.js").Dataset} dataset
     */
    adapt(dataset) {
      picture = dataset;
      $("#colors").hidden = !isColor(picture);
      $("#pen").max = isColor(picture) ? PENS.color : PENS.grey;
      board.setAttribute("aria-label", `Drawing board, ${sizeText(picture).replace("×", " by ")}`);
      render();
    },
    /**
     * Draw a box around the part that was used, and for a digit a cross at its center of mass.
     * Draw nothing if the image shows nothing, or if the browser cannot show it (TIFF).
     * @param {import("../types.d.ts").Prediction} prediction
     * @param {import("./input.js").Picture} sent what the model takes
     */
    mark({ fit, ink: hasInk }, sent) {
      const { image } = history.current();
      const size = image && "bitmap" in image ? image.bitmap : sentSize(sent);
      marks = [];
      if (fit && size && hasInk !== false) {
        const { box, center } = placeOnBoard(fit, size);
        const cross = `M${center.x - 0.8} ${center.y}h1.6m-.8-.8v1.6`;
        marks.push(s("rect", { ...box, class: "box" }));
        if (fit.preparation === "mnist") marks.push(s("path", { d: cross, class: "cross" }));
      }
      drawOverlay();
    },
  };
}
