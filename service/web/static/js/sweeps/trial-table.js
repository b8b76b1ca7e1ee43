// @ts-check
// The trials of a sweep as tables: all of them, sorted, and those that are compared.
import { capitalized } from "../capitalized.js";
import { h, numberCell, rowHeader } from "../dom.js";
import { differing, paramText, paramWords } from "./parameters.js";
import { metricWords, valueText } from "./state.js";
import { COLUMNS, sortedTrials } from "./listing.js";

/** @typedef {import("../types.d.ts").Sweep} Sweep */
/** @typedef {import("../types.d.ts").Trial} Trial */
/** @typedef {import("./listing.js").View} View */

/** @type {Record<Trial["state"], string>} the state of a job that looks the same */
const LOOKS = {
  queued: "queued",
  running: "running",
  complete: "succeeded",
  pruned: "cancelled",
  failed: "failed",
  cancelled: "cancelled",
};

/** @param {Trial} trial */
const jobLink = ({ job, number }) => h("a", { href: `/ui/jobs/${job}` }, `Trial ${number}`);

/**
 * @param {string} key
 * @param {string} text
 * @param {View} view
 * @param {(key: string) => void} sort
 */
function sortHeader(key, text, view, sort) {
  const button = h(
    "button",
    { type: "button", class: "plain", id: `sort-${key}`, onclick: () => sort(key) },
    capitalized(text),
  );
  const isText = key === "number" || key === "state";
  const order = view.sort === key ? view.order : null;
  return h("th", { scope: "col", class: isText ? null : "n", "aria-sort": order }, button);
}

/**
 * Build the table of all trials.
 * @param {Sweep} sweep
 * @param {string[]} names of the parameters
 * @param {View} view
 * @param {{ sort: (key: string) => void, pick: (number: number, on: boolean) => void }} actions
 */
export function trialTable(sweep, names, view, { sort, pick }) {
  const { metric } = sweep.search;
  const words = metricWords(metric);
  const texts = { number: "Trial", state: "State", value: words, epochs: "Epochs" };
  const headers = [
    ...Object.keys(COLUMNS).map((key) => [key, texts[/** @type {"value"} */ (key)]]),
    ...names.map((name) => [name, paramWords(name)]),
  ].map(([key, text]) => sortHeader(key, text, view, sort));
  const rows = sortedTrials(sweep, view).map((trial) => {
    const { number, state, values, params } = trial;
    const input = h("input", {
      type: "checkbox",
      id: `pick-${number}`,
      checked: view.compare.includes(number),
      "aria-label": `Compare trial ${number}`,
      onchange: (/** @type {{ target: HTMLInputElement }} */ { target }) =>
        pick(number, target.checked),
    });
    const isBest = sweep.best?.number === number;
    return h(
      "tr",
      null,
      h("td", null, h("label", { class: "check" }, input)),
      rowHeader(jobLink(trial), isBest && h("b", { class: "small" }, " best")),
      h("td", null, h("span", { class: `state ${LOOKS[state]}` }, state)),
      numberCell(valueText(metric, values.at(-1))),
      numberCell(String(values.length)),
      ...names.map((name) => numberCell(paramText(params[name]))),
    );
  });
  return h(
    "table",
    { class: "trials" },
    h("thead", null, h("tr", null, h("td"), ...headers)),
    h("tbody", null, ...rows),
  );
}

/**
 * Build the table of the compared trials: one column each. Parameters that differ are bold.
 * @param {Sweep} sweep
 * @param {Trial[]} trials
 * @param {string[]} names of the parameters
 */
export function comparedTable({ search: { metric } }, trials, names) {
  const different = new Set(differing(trials, names));
  /** @param {string} name @param {string[]} texts @param {boolean} [differs] */
  const row = (name, texts, differs) =>
    h(
      "tr",
      null,
      rowHeader(name, differs && h("span", { class: "unequal" }, " differs")),
      ...texts.map((text) => numberCell(differs ? h("b", null, text) : text)),
    );
  return h(
    "table",
    { class: "compared" },
    h(
      "thead",
      null,
      h("tr", null, h("td"), ...trials.map((trial) => h("th", { scope: "col" }, jobLink(trial)))),
    ),
    h(
      "tbody",
      null,
      row(
        metricWords(metric),
        trials.map(({ values }) => valueText(metric, values.at(-1))),
      ),
      row(
        "epochs",
        trials.map(({ values }) => String(values.length)),
      ),
      row(
        "state",
        trials.map(({ state }) => state),
      ),
    ),
    h(
      "tbody",
      null,
      ...names.map((name) =>
        row(
          paramWords(name),
          trials.map(({ params }) => paramText(params[name])),
          different.has(name),
        ),
      ),
    ),
  );
}
