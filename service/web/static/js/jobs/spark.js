// @ts-check
// The small curve of a job in the list. Needs no browser.
import { clamp } from "../numbers.js";

/** @typedef {Pick<import("../types.d.ts").Epoch, "epoch"> & { test_loss: number | null }} Row */

export const WIDTH = 120;
export const HEIGHT = 32;
const LEFT_OF_EDGE = 2; // room for the dot at the end
const [LOW, HIGH] = [0.02, 3]; // losses beyond them are drawn at the edge
const [LOW_Y, HIGH_Y] = [30, 2]; // y of these losses

/**
 * Find the x of an epoch.
 * @param {number} epoch
 * @param {number} epochs
 */
export const sparkX = (epoch, epochs) => ((WIDTH - LEFT_OF_EDGE) * epoch) / epochs;

/** Find the y of a loss. All jobs share one logarithmic axis. @param {number} loss */
export const sparkY = (loss) =>
  LOW_Y + ((HIGH_Y - LOW_Y) * Math.log(clamp(loss, LOW, HIGH) / LOW)) / Math.log(HIGH / LOW);

/** Write the test losses as an SVG path. @param {Row[]} history @param {number} epochs */
export function sparkPath(history, epochs) {
  const points = history
    .filter((row) => row.test_loss != null && row.epoch <= epochs)
    .map((row) => {
      const x = sparkX(row.epoch, epochs).toFixed(1);
      return `${x} ${sparkY(/** @type {number} */ (row.test_loss)).toFixed(1)}`;
    });
  return points.length ? `M${points.join("L")}` : "";
}
