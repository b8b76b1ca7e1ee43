// @ts-check
// The drawing board, for a mouse, a finger, a pen or the keyboard.
import { $, h, s } from "../dom.js";
import { arrowStep } from "../keys.js";
import { clamp } from "../numbers.js";
import { drawImage } from "../pixels.js";
import { SIDE } from "../sizes.js";
import { placeOnBoard } from "./fit.js";
import { SEVEN, drawStrokes } from "./strokes.js";

/** @typedef {import("./strokes.js").Point} Point */
/** @typedef {{ pixels: number[], index: number, dataset: string }} TestPicture of a data set */
/** @typedef {{ file: File, bitmap: ImageBitmap | null }} FilePicture bitmap: null if no image */
/** @typedef {TestPicture | FilePicture} Picture shown in place of a drawing */

const SENT_SIDE = 280; // pixels: width and height of the drawing that is sent
/** @type {Point} */
const CURSOR_START = [14.5, 6.5];

/** @param {HTMLCanvasElement} canvas */
const contextOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * Make the drawing board work.
 * @param {(finished: boolean) => void} changed called after each change; `finished` means that
 *   no other change follows at once
 */
export function createBoard(changed) {
  const board = $("#board");
  const ink = $("#ink");
  const context = contextOf(ink);
  let strokes = [SEVEN];
  /** @type {Picture | null} */
  let picture = null;
  /** @type {Point | null} */
  let cursor = null; // of the keyboard
  let penDown = false;
  /** @type {SVGElement[]} */
  let marks = [];

  /** @param {CanvasImageSource & { width: number, height: number }} source */
  function drawWhole(source, smooth = true) {
    const scale = ink.width / Math.max(source.width, source.height);
    const [width, height] = [source.width * scale, source.height * scale];
    context.imageSmoothingEnabled = smooth;
    context.drawImage(source, (ink.width - width) / 2, (ink.height - height) / 2, width, height);
  }

  function render() {
    context.clearRect(0, 0, ink.width, ink.height);
    if (!picture) {
      drawStrokes(context, strokes, ink.width / SIDE, getComputedStyle(document.body).color);
    } else if ("pixels" in picture) {
      drawWhole(drawImage(h("canvas"), picture.pixels), false);
    } else if (picture.bitmap) {
      drawWhole(picture.bitmap);
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
    if (picture) {
      picture = null;
      strokes = [];
    }
    strokes.push({ pen: Number($("#pen").value), points: [point] });
  }
  /** @param {Point} point */
  const extendStroke = (point) => strokes.at(-1)?.points.push(point);

  function undo() {
    penDown = false;
    if (picture) picture = null;
    else strokes.pop();
    update(true);
  }

  function clear() {
    strokes = [];
    picture = null;
    penDown = false;
    update(true);
  }

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
    isEmpty: () => !picture && !strokes.length,
    picture: () => picture,
    /** Show a picture in place of the drawing. @param {Picture} newPicture */
    show(newPicture) {
      picture = newPicture;
      update(true);
    },
    /** Get the drawing as a PNG: light ink on a dark ground, as in the data sets. */
    drawing() {
      const canvas = h("canvas", { width: SENT_SIDE, height: SENT_SIDE });
      const target = contextOf(canvas);
      target.fillRect(0, 0, SENT_SIDE, SENT_SIDE);
      drawStrokes(target, strokes, SENT_SIDE / SIDE, "#fff");
      // toBlob would wait for an idle moment, which takes seconds on a busy machine.
      const base64 = canvas.toDataURL("image/png").split(",")[1];
      return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    },
    /**
     * Mark the box of the ink, and its center of mass with a cross.
     * @param {import("../types.d.ts").Fit} fit
     * @param {boolean} withCenter
     */
    mark(fit, withCenter) {
      const bitmap = picture && "bitmap" in picture ? picture.bitmap : null;
      const placed = placeOnBoard(fit, bitmap ?? { width: SENT_SIDE, height: SENT_SIDE });
      const { x, y } = placed.center;
      marks = [s("rect", { ...placed.box, class: "box" })];
      if (withCenter) {
        marks.push(s("path", { d: `M${x - 0.8} ${y}h1.6m-.8-.8v1.6`, class: "cross" }));
      }
      drawOverlay();
      return placed;
    },
  };
}
