// @ts-check
// The parameters of a sweep: their names, values and places on axes. Needs no browser.
import { powerOfTen } from "../numbers.js";
import { fieldWords } from "../recipes.js";

/** @typedef {import("../types.d.ts").Sweep} Sweep */
/** @typedef {import("../types.d.ts").Trial} Trial */
/** @typedef {import("../types.d.ts").Range} Range */

/**
 * @typedef {object} Axis of a parameter, or of the metric
 * @property {string} name
 * @property {string} label
 * @property {"log" | "linear" | "list"} kind
 * @property {boolean} whole whether there are only integers
 * @property {number} low of numbers
 * @property {number} high
 * @property {string[]} choices texts of a list
 */

/** Write a value of a parameter. @param {unknown} value */
export function paramText(value) {
  if (value === undefined) return "—";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) {
    if (!value.length) return "none";
    return value.some((entry) => typeof entry === "object")
      ? value.map(({ type }) => type).join(", ")
      : value.join(", ");
  }
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  if (Math.abs(value) >= 0.001) return String(Number(value.toPrecision(3)));
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

/** Write the name of a parameter in words. @param {string} name */
export function paramWords(name) {
  const [field, part] = name.split(".");
  if (part === undefined) return fieldWords(field);
  return part === "count" ? `number of ${fieldWords(field)}` : `neurons of layer ${+part + 1}`;
}

/**
 * List the parameters of a sweep, in the order of its space.
 * @param {Sweep} sweep
 * @returns {string[]}
 */
export const parametersOf = ({ search: { space } }) =>
  Object.entries(space).flatMap(([field, domain]) => {
    if (!("count" in domain)) return [field];
    const layers = Array.from({ length: domain.count.high }, (_, i) => `${field}.${i}`);
    return [`${field}.count`, ...layers];
  });

/** @param {Sweep} sweep @param {string} name @returns {Range | { choices: unknown[] }} */
function domainOf({ search: { space } }, name) {
  const [field, part] = name.split(".");
  const domain = space[field];
  if ("count" in domain) return part === "count" ? domain.count : domain.size;
  return domain;
}

/** Make the axis of a parameter. @param {Sweep} sweep @param {string} name @returns {Axis} */
export function axisOf(sweep, name) {
  const domain = domainOf(sweep, name);
  const common = { name, label: paramWords(name) };
  if ("choices" in domain) {
    const choices = domain.choices.map(paramText);
    const high = choices.length - 1;
    return { ...common, kind: "list", whole: true, low: 0, high, choices };
  }
  const { low, high, log, step } = domain;
  const whole = [low, high, step].every(Number.isInteger);
  return { ...common, kind: log ? "log" : "linear", whole, low, high, choices: [] };
}

/**
 * Make the axis of the metric over the values that the trials have.
 * @param {string} label
 * @param {number[]} values
 * @param {boolean} log
 * @returns {Axis}
 */
export function metricAxis(label, values, log) {
  const positive = log ? values.filter((value) => value > 0) : values;
  const low = positive.reduce((a, b) => Math.min(a, b), Infinity);
  const high = positive.reduce((a, b) => Math.max(a, b), -Infinity);
  const kind = log ? "log" : "linear";
  return { name: "", label, kind, whole: false, low, high, choices: [] };
}

/**
 * Place a value on an axis: 0 at its lower end, 1 at the upper one; null if there is no value.
 * @param {Axis} axis
 * @param {unknown} value
 */
export function place({ kind, low, high, choices }, value) {
  if (value === undefined) return null;
  if (kind === "list") return choices.indexOf(paramText(value)) / Math.max(1, high);
  const [from, to, x] = [low, high, Number(value)].map((one) =>
    kind === "log" ? Math.log(one) : one,
  );
  return to > from ? (x - from) / (to - from) : 0.5;
}

/** Write a number of an axis in little space. @param {number} x */
export function tickText(x) {
  if (x === 0 || (Math.abs(x) >= 0.001 && Math.abs(x) < 1e5)) {
    return String(Number(x.toPrecision(3))).replace("-", "−");
  }
  const { digit, exponent } = powerOfTen(x);
  return `${digit}e${exponent}`;
}

const MOST_TICKS = 4;

/**
 * List the ticks of an axis of numbers: powers of ten on a log axis, or integers if there are few,
 * or else its ends.
 * @param {Axis} axis
 * @returns {number[]}
 */
export function ticksOf({ kind, whole, low, high }) {
  if (kind !== "log" && whole && high - low <= MOST_TICKS) {
    return Array.from({ length: high - low + 1 }, (_, i) => low + i);
  }
  if (kind !== "log") return [low, high];
  const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const powers = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) =>
    Number(`1e${from + i}`),
  );
  const step = Math.ceil(powers.length / MOST_TICKS);
  const shown = powers.filter((_, i) => i % step === 0);
  return shown.length > 1 ? shown : [low, high];
}

/**
 * List the parameters in which trials differ.
 * @param {Trial[]} trials
 * @param {string[]} names
 */
export const differing = (trials, names) =>
  names.filter((name) => new Set(trials.map(({ params }) => paramText(params[name]))).size > 1);
