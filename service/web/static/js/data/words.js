// @ts-check
// Data sets in words, and the name of an upload. Needs no browser.
import { capitalized } from "../capitalized.js";
import { count, fixed } from "../numbers.js";

/** @typedef {{ samples: number, per_class: number[] }} Split */

/**
 * @typedef {object} Dataset as GET /datasets lists it
 * @property {string} id
 * @property {string} name
 * @property {string} title
 * @property {"images" | "vectors"} kind
 * @property {number[]} shape
 * @property {string[]} classes
 * @property {string[] | null} columns
 * @property {Split} train
 * @property {Split} test
 * @property {string[]} warnings
 * @property {string | null} created_at
 * @property {number} bytes
 * @property {{ delete: string | null }} links
 */

/** @param {number} n @param {string} one @param {string} [several] */
export const plural = (n, one, several = `${one}s`) => `${count(n)} ${n === 1 ? one : several}`;

/** Tell whether a data set is built in. @param {Dataset} dataset */
export const isBuiltIn = ({ links }) => links.delete == null;

/** What recipes call a data set. @param {Dataset} dataset */
export const keyOf = (dataset) => (isBuiltIn(dataset) ? dataset.name : dataset.id);

/** The page of a data set. @param {Dataset} dataset */
export const pageOf = (dataset) => `/ui/data/${keyOf(dataset)}`;

/** The form that trains on a data set. @param {Dataset} dataset */
export const trainingOn = (dataset) => `/?dataset=${keyOf(dataset)}#train`;

/** Write the shape of a sample. @param {Dataset} dataset */
export function shapeText({ kind, shape }) {
  if (kind === "vectors") return plural(shape[0], "number");
  const [height, width, channels] = shape;
  return `${width}×${height} pixels${channels ? " in color" : ""}`;
}

/** Write how many samples of which kind a data set has. @param {Dataset} dataset */
export function sizeText(dataset) {
  const { kind, train, test, classes } = dataset;
  const samples = `${count(train.samples)} + ${count(test.samples)}`;
  const unit = kind === "images" ? "images" : "rows";
  const named = plural(classes.length, "class", "classes");
  return `${samples} ${unit} of ${shapeText(dataset)}, ${named}`;
}

/**
 * List the first names, and say how many more there are.
 * @param {string[]} names
 * @param {number} most
 */
export const firstOf = (names, most) =>
  names.slice(0, most).join(", ") +
  (names.length > most ? ` and ${count(names.length - most)} more` : "");

/** Write a text of the API as a sentence. @param {string} text */
export const sentence = (text) => capitalized(text) + (/[.!?]$/.test(text) ? "" : ".");

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** Write a number of bytes. @param {number} bytes */
export function bytesText(bytes) {
  let value = bytes;
  let power = 0;
  while (Math.round(value) >= 1024 && power < UNITS.length - 1) {
    value /= 1024;
    power++;
  }
  return `${power && value < 10 ? fixed(value, 1) : count(Math.round(value))} ${UNITS[power]}`;
}

/** Find the start that all texts share. @param {string[]} texts */
function sharedStart([first, ...others]) {
  let length = first.length;
  for (const other of others) {
    while (!other.startsWith(first.slice(0, length))) length--;
  }
  const start = first.slice(0, length);
  return others.length ? start.replace(/(^|[^a-z0-9])t$/, "") : start; // of train, test and t10k
}

const MOST_CHARACTERS = 60; // of a name, the API's limit
const BUILT_IN = ["mnist", "fashion-mnist"]; // names that an upload cannot have

/**
 * Suggest a name for a data set: what the names of its files begin with, in the allowed form.
 * @param {string[]} files
 */
export function nameFor(files) {
  const name = sharedStart(files.map((file) => file.toLowerCase()))
    .replace(/(\.(zip|tar|tgz|gz|csv|npz|npy|parquet))+$/, "")
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^(d-|[^a-z0-9])+/, "")
    .slice(0, MOST_CHARACTERS)
    .replace(/[^a-z0-9]+$/, "");
  if (name === "") return "my-data";
  return BUILT_IN.includes(name) ? `my-${name}` : name;
}

/**
 * List indices that are evenly spaced in a split.
 * @param {number} samples
 * @param {number} wanted
 */
export function evenlySpaced(samples, wanted) {
  const length = Math.min(samples, wanted);
  return Array.from({ length }, (_, i) => Math.floor(((i + 0.5) * samples) / length));
}

/**
 * Say which samples a page shows.
 * @param {number} offset
 * @param {number} shown
 * @param {number} all
 */
export const rangeText = (offset, shown, all) =>
  shown ? `${count(offset + 1)} to ${count(offset + shown)} of ${count(all)}` : "none";
