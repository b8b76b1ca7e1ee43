// @ts-check
// What the form for a sweep says about the fields that vary, as JSON. Needs no browser.
import { parseField } from "../jobs/fields.js";

/** @typedef {"log" | "range" | "list" | "layers" | "choices"} How a field varies */

/**
 * @typedef {object} Field that may vary
 * @property {string} name
 * @property {string} label
 * @property {"number" | "numbers" | "boolean" | "string"} kind
 * @property {string[]} choices
 * @property {{ low: number, high: number, whole: boolean } | null} limits
 */

/** @type {Record<How, string>} */
export const HOW_WORDS = {
  log: "Range, logarithmic",
  range: "Range",
  list: "List of values",
  layers: "Number and sizes of layers",
  choices: "Any of these",
};

/**
 * List how a field can vary.
 * @param {Field} field
 * @returns {How[]} the usual way first
 */
export function waysOf({ kind, limits }) {
  if (kind === "numbers") return ["layers", "list"];
  if (kind !== "number") return ["choices"];
  return Number(limits?.low) >= 0 ? ["log", "range", "list"] : ["range", "list"];
}

/** @type {Record<string, [low: string, high: string]>} good ranges of fields */
const RANGES = {
  learning_rate: ["0.0001", "0.3"],
  batch_size: ["16", "256"],
  epochs: ["1", "10"],
  weight_decay: ["0.000001", "0.01"],
  dropout: ["0", "0.5"],
};
/** @type {Record<string, string>} */
const LISTS = { hidden_sizes: "32; 64; 64, 32", batch_size: "16, 64, 256" };
/** @type {Record<string, How>} */
const WAYS = { dropout: "range", epochs: "range" };

/** How a field varies at first. @param {Field} field */
export const firstWay = (field) => WAYS[field.name] ?? waysOf(field)[0];

/**
 * The inputs of a field, by their names, with what they contain at first.
 * @param {Field} field
 * @param {How} how
 * @returns {[name: string, label: string, value: string][]}
 */
export function inputsOf({ name, limits }, how) {
  if (how === "choices") return [];
  if (how === "list") return [["choices", "Values", LISTS[name] ?? ""]];
  if (how === "layers") {
    return [
      ["count-low", "Fewest layers", "1"],
      ["count-high", "Most layers", "3"],
      ["size-low", "Fewest neurons", "16"],
      ["size-high", "Most neurons", "128"],
    ];
  }
  const [low, high] = RANGES[name] ?? [String(limits?.low ?? ""), String(limits?.high ?? "")];
  return [
    ["low", "From", low],
    ["high", "To", high],
  ];
}

/**
 * Make the domain of a field from the texts of its inputs. What cannot be read stays text, and the
 * API says what is wrong with it.
 * @param {Field} field
 * @param {How} how
 * @param {Record<string, string>} texts
 * @param {string[]} chosen of the choices
 */
export function domainFrom({ kind }, how, texts, chosen) {
  const number = (/** @type {string} */ name) => parseField("number", texts[name] ?? "");
  switch (how) {
    case "choices":
      return { choices: chosen.map((choice) => parseField(kind, choice)) };
    case "layers":
      return {
        count: { low: number("count-low"), high: number("count-high") },
        size: { low: number("size-low"), high: number("size-high"), log: true },
      };
    case "list":
      return {
        choices:
          kind === "numbers"
            ? (texts.choices ?? "").split(";").map((text) => parseField("numbers", text))
            : parseField("numbers", texts.choices ?? ""),
      };
    default:
      return { low: number("low"), high: number("high"), ...(how === "log" && { log: true }) };
  }
}

/**
 * Find the input that an error of the API is about: the field that varies, and the name of its
 * input; or the field of the request.
 * @param {string} pointer such as /space/learning_rate/low
 * @returns {{ field: string, input?: string }}
 */
export function placeOf(pointer) {
  const [, first, field, ...parts] = pointer.split("/");
  if (first !== "space" || !field) return { field: first };
  return { field, input: parts[0] === "choices" ? "choices" : parts.join("-") };
}
