// @ts-check
// Points of the plane with their classes, as the address, the request and the API have them. Needs
// no browser.
import { clamp } from "../numbers.js";

/** @typedef {[x: number, y: number, label: number]} Point */
/** @typedef {{ train: Point[], test: Point[] }} Points */

export const MOST_CLASSES = 4; // that have a shape and a color on this page
export const MOST_POINTS = 500; // more would not fit in an address
const EVERY = 3; // the last one of three points is a test point
const DIGITS = 3;

/** Words for the points of each class. */
export const CLASS_WORDS = ["blue circles", "orange squares", "green triangles", "red diamonds"];

/** Divide a user's own points as the API does. @param {Point[]} own @returns {Points} */
export function divide(own) {
  const isTest = (/** @type {Point} */ _, /** @type {number} */ i) => i % EVERY === EVERY - 1;
  return { train: own.filter((point, i) => !isTest(point, i)), test: own.filter(isTest) };
}

/** Undo `divide`. @param {Points} points @returns {Point[]} */
export function together({ train, test }) {
  const rest = [...train];
  const own = [];
  for (const point of test) own.push(...rest.splice(0, EVERY - 1), point);
  return [...own, ...rest];
}

/** Count the classes of a user's own points, as the API does. @param {Point[]} own */
export const classesOf = (own) => Math.max(2, ...own.map(([, , label]) => label + 1));

/** Tell whether points are of two classes. @param {Point[]} points */
export const hasTwoClasses = (points) => new Set(points.map(([, , label]) => label)).size >= 2;

/** Say what is missing before a user's own points can be trained on; "" if nothing is. */
export function missingText(/** @type {Point[]} */ own) {
  if (own.length < EVERY) return "Add at least three points, of at least two classes.";
  if (hasTwoClasses(divide(own).train)) return "";
  return hasTwoClasses(own)
    ? "The second class has only test points. Add another of its points."
    : "Add a point of a second class.";
}

/** Round a coordinate, so that addresses stay short. @param {number} value */
const short = (value) => Number(value.toFixed(DIGITS)) || 0;

/** Make a point inside the map. @param {number} x @param {number} y @param {number} label */
export const pointAt = (x, y, label, reach = 1) =>
  /** @type {Point} */ ([short(clamp(x, -reach, reach)), short(clamp(y, -reach, reach)), label]);

/** Write points with characters that an address has as they are. @param {Point[]} own */
export const pointsText = (own) => own.map((point) => point.join("*")).join("_");

/** Read points that `pointsText` wrote; none if the text is damaged. @param {string | null} text */
export function parsePoints(text) {
  if (!text) return [];
  const points = text.split("_").map((one) => one.split("*").map(Number));
  const isValid = points.every(
    ([x, y, label, ...rest]) =>
      [x, y].every((value) => Math.abs(value) <= 1000) &&
      Number.isInteger(label) &&
      label >= 0 &&
      label < MOST_CLASSES &&
      !rest.length,
  );
  return isValid && points.length <= MOST_POINTS ? /** @type {Point[]} */ (points) : [];
}

const LEAST_REACH = 1.15;
const MARGIN = 1.05;

/** Find how far a map must reach to show all points. @param {Points} points */
export function reachOf({ train, test }) {
  const largest = [...train, ...test].reduce(
    (most, [x, y]) => Math.max(most, Math.abs(x), Math.abs(y)),
    0,
  );
  return Math.max(LEAST_REACH, MARGIN * largest);
}
