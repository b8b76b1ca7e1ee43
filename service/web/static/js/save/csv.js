// @ts-check
// Tables as CSV (RFC 4180). Needs no browser.

import { TRAINING_IMAGES } from "../sizes.js";

/** @typedef {Record<string, string | number | boolean | null | undefined>} Row */

/** @param {Row[string]} value */
function field(value) {
  const text = value == null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Write rows as CSV. The columns are the keys of all rows. @param {Row[]} rows */
export function csv(rows) {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  return lines.map((line) => `${line.map(field).join(",")}\r\n`).join("");
}

/**
 * Make rows from columns of the same length.
 * @param {Record<string, Row[string][]>} columns
 * @returns {Row[]}
 */
export const fromColumns = (columns) =>
  (Object.values(columns)[0] ?? []).map((_, i) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[i]])),
  );

/**
 * Make a row for each cell of matrices over the same x (rows) and y (columns).
 * @param {{ x: number[], y?: number[], [matrix: string]: any }} grid
 */
export const fromGrid = ({ x, y = [], ...matrices }) =>
  x.flatMap((atX, i) =>
    y.map((atY, j) => ({
      x: atX,
      y: atY,
      ...Object.fromEntries(Object.entries(matrices).map(([name, matrix]) => [name, matrix[i][j]])),
    })),
  );

/**
 * Make a row for each pixel of an image.
 * @param {ArrayLike<number>} values row by row, with the channels of a pixel together
 * @param {number[]} shape height, width, and in color 3
 */
export function fromPixels(values, [height, width, channels = 1]) {
  const names = channels === 1 ? ["value"] : ["red", "green", "blue"];
  return Array.from({ length: height * width }, (_, pixel) => ({
    row: Math.floor(pixel / width),
    column: pixel % width,
    ...Object.fromEntries(names.map((name, i) => [name, values[pixel * channels + i]])),
  }));
}

// What people call the fields of the API that curves show
const COLUMNS = /** @type {Record<string, string>} */ ({
  samples: "samples so far",
  train_loss: "train loss, nats",
  test_loss: "test loss, nats",
  validation_loss: "validation loss, nats",
  validation_accuracy: "validation accuracy, 0 to 1",
  test_balanced_accuracy: "balanced test accuracy, 0 to 1",
  test_macro_f1: "test macro F1, 0 to 1",
  test_top5_accuracy: "top-5 test accuracy, 0 to 1",
  test_accuracy: "test accuracy, 0 to 1",
  seconds: "time of the epoch, s",
});

/**
 * Make the rows of a curve. Columns before those of the curve tell which one it is.
 * @param {Row} before
 * @param {Record<string, any>[]} rows
 * @returns {Row[]}
 */
export const namedRows = (before, rows) =>
  rows.map((row) => ({
    ...before,
    ...Object.fromEntries(
      Object.entries(row).map(([name, value]) => [COLUMNS[name] ?? name, value]),
    ),
  }));

/** @typedef {Record<string, any>[] | null} Entries of an answer of the API */

/**
 * Make the rows of learning curves: the epochs, those of the published run, if any, then the losses
 * within the epochs, if any. Each has its place on the axis, in epochs and in images.
 * @param {Record<string, any>[]} history
 * @param {{ losses?: Entries, published?: Entries, trained?: number }} [more] `trained` is the
 *   number of samples of an epoch
 * @returns {Row[]}
 */
export function curveRows(history, { losses, published, trained = TRAINING_IMAGES } = {}) {
  /** Put an entry after an epoch on the axis of samples. @param {Record<string, any>} row */
  const atEpoch = ({ epoch, ...row }) => ({ epoch, samples: epoch * trained, ...row });
  /** Put a loss within an epoch on the axis of epochs. @param {Record<string, any>} row */
  const atSamples = ({ samples, ...row }) => ({ epoch: samples / trained, samples, ...row });
  return [
    ...namedRows({ measured: "after the epoch" }, history.map(atEpoch)),
    ...namedRows({ measured: "after the epoch, published run" }, (published ?? []).map(atEpoch)),
    ...namedRows({ measured: "within an epoch" }, (losses ?? []).map(atSamples)),
  ];
}
