// @ts-check
// Values that a link to the page contains.
import { h, notice } from "../dom.js";
import { clamp } from "../numbers.js";
import { query } from "../request-line.js";

/** @param {Element} host @param {string} detail */
const sayWrong = (host, detail) =>
  host.after(h("div", null, notice({ title: "The link has an error", detail })));

/**
 * Read a value from the address of the page. If it is wrong, say so.
 * @template T
 * @param {string} name
 * @param {(text: string | null) => T | null} read
 * @param {Element} host that says so
 * @returns {T | null}
 */
export function fromLink(name, read, host) {
  const text = query.get(name);
  const value = read(text);
  if (text && value == null) {
    sayWrong(host, `Its ${name} cannot be read, so this page shows others.`);
  }
  return value;
}

/**
 * @typedef {object} Scale of a slider
 * @property {(value: number) => number} toSlider
 * @property {(position: number) => number} toValue
 */

/** @type {Scale} */
const LINEAR = { toSlider: (value) => value, toValue: (position) => position };

/**
 * Set a slider to the value in the address of the page. If the slider cannot show it, say so.
 * @param {string} name
 * @param {HTMLInputElement} slider
 * @param {number} usual value, without one in the address
 * @param {Element} host that says so
 * @param {Scale} [scale]
 */
export function sliderFromLink(name, slider, usual, host, { toSlider, toValue } = LINEAR) {
  const text = query.get(name);
  const asked = text ? Number(text) : usual;
  const [least, most] = [slider.min, slider.max].map((end) => toValue(Number(end)));
  slider.value = String(toSlider(Number.isFinite(asked) ? clamp(asked, least, most) : usual));
  const shown = toValue(Number(slider.value));
  if (shown === asked) return;
  const range = `Its ${name} is ${text}, but the slider reaches from ${least} to ${most}`;
  const detail =
    asked >= least && asked <= most
      ? `The slider has no ${name} of ${text}, so this page shows ${shown}.`
      : `${range}, so this page shows ${shown}.`;
  sayWrong(host, detail.replaceAll("-", "−"));
}
