// @ts-check
// A canvas with rows and columns of cells, of which the pointer, a finger or the arrow keys pick
// one.
import { h } from "../dom.js";
import { arrowStep } from "../keys.js";
import { clamp } from "../numbers.js";

/** @typedef {{ row: number, column: number }} Cell */

/**
 * Build the canvas.
 * @param {string} name for screen readers, until `reset` gives a longer one
 * @param {(cell: Cell) => void} picked called when people pick a cell
 */
export function createPicker(name, picked) {
  const canvas = h("canvas");
  const attributes = { class: "picker", tabindex: 0, role: "application", "aria-label": name };
  const element = h("div", attributes, canvas);
  let [rows, columns] = [1, 1];
  /** @type {Cell} */
  let cell = { row: 0, column: 0 };

  /** @param {number} row @param {number} column */
  function move(row, column) {
    const next = { row: clamp(row, 0, rows - 1), column: clamp(column, 0, columns - 1) };
    if (next.row === cell.row && next.column === cell.column) return;
    cell = next;
    picked(cell);
  }

  /** @param {PointerEvent} event */
  function follow({ clientX, clientY }) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    move(
      Math.floor((rows * (clientY - top)) / height),
      Math.floor((columns * (clientX - left)) / width),
    );
  }

  canvas.addEventListener("pointermove", follow);
  canvas.addEventListener("pointerdown", follow); // a tap does not move
  element.addEventListener("keydown", (event) => {
    const step = arrowStep(event.key);
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(cell.row + step[1], cell.column + step[0]);
  });

  return {
    element,
    canvas,
    cell: () => cell,
    /** Move to a cell that was picked elsewhere. @param {Cell} newCell */
    move(newCell) {
      cell = newCell;
    },
    /**
     * @param {number} newRows
     * @param {number} newColumns
     * @param {Cell} newCell the cell that is picked
     * @param {string} label for screen readers
     */
    reset(newRows, newColumns, newCell, label) {
      [rows, columns, cell] = [newRows, newColumns, newCell];
      element.setAttribute("aria-label", label);
    },
  };
}
