// @ts-check
// The units of a layer that a gradient check names. Needs no browser.
import { count } from "../numbers.js";

const MOST_SHOWN = 5;

/**
 * Write how many units there are, and the first of them, for example "7: 0, 2, 3, 5, 8, …".
 * @param {number[]} units
 * @param {number} total
 */
export function unitsText(units, total) {
  const shown = units.slice(0, MOST_SHOWN).join(", ");
  const rest = total > MOST_SHOWN ? ", …" : "";
  return total ? `${count(total)}: ${shown}${rest}` : "0";
}
