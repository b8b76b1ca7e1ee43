// @ts-check
// The gradient check: two gradients of a model against complex-step derivatives, layer by layer.
import { allModels, catchProblem, get, post } from "../api.js";
import {
  $,
  h,
  notice,
  numberCell,
  positive,
  power,
  rowHeader,
  tableContent,
  whenSeen,
} from "../dom.js";
import { count, percent, sum } from "../numbers.js";
import { loadRecipes, nameOf } from "../recipes.js";
import { requestLine } from "../request-line.js";
import { figureRequest } from "./figure-request.js";
import { fromLink } from "./link.js";
import { unitsText } from "./units.js";
import { savable } from "../save-figure.js";

/**
 * @typedef {"inputs" | "outputs" | "checked" | "excluded" | "subgradients" | "weights" | "exact" |
 *   "published" | "kink_count" | "ties" | "dead_count"} Key
 */
/** @typedef {Record<Key, number> & { kinks: number[], dead: number[] }} LayerCheck */

const PATH = "/analysis/gradient-check";
const updateRequest = requestLine($("#check-request"), { path: PATH, anchor: "check" });
const select = $("#check-model");

/** Write a relative difference; a large one in percent. @param {number} difference */
const differenceText = (difference) =>
  difference > 0.01
    ? h("span", { class: "orange" }, `${Math.round(100 * difference)}\u202f% off`)
    : power(difference);

/** What the table and the file say of each layer: a header, and a cell. */
const ROWS = /** @type {[header: string, cell: (layer: LayerCheck) => Element][]} */ ([
  ["Weights compared", (of) => numberCell(comparedText(of))],
  ["Exact gradient: largest relative difference", (of) => numberCell(power(of.exact))],
  [
    "Published gradient: largest relative difference",
    (of) => numberCell(differenceText(of.published)),
  ],
  ["Dead units", (of) => numberCell(unitsText(of.dead, of.dead_count))],
  ["Units at a kink", (of) => numberCell(unitsText(of.kinks, of.kink_count))],
]);

/** The row for networks with max-pools. @type {(typeof ROWS)[number]} */
const TIES = ["Shared maxima", (of) => numberCell(count(of.ties))];

/** @param {LayerCheck} layer */
const comparedText = ({ checked: tested, excluded, weights }) =>
  `${count(tested - excluded)} of ${count(weights)}`;

/** Build the table, with a column for each layer. @param {LayerCheck[]} layers */
const tableOf = (layers) =>
  tableContent(
    [
      ["Layer: inputs → outputs"],
      ...layers.map(
        ({ inputs, outputs }) =>
          /** @type {[string, boolean]} */ ([`${inputs} → ${outputs}`, true]),
      ),
    ],
    (layers.some(({ ties }) => ties) ? [...ROWS, TIES] : ROWS).map(([header, cell]) =>
      h("tr", null, rowHeader(header), ...layers.map(cell)),
    ),
  );

/** Say which weights are not compared. @param {LayerCheck[]} layers */
function excludedText(layers) {
  const excluded = sum(layers.map((layer) => layer.excluded));
  if (!excluded) return "";
  const subgradients = sum(layers.map((layer) => layer.subgradients));
  return (
    ` Weights that meet a kink and are not compared: ${count(excluded)}. For ` +
    `${count(subgradients)} of them, backpropagation gives a subgradient.`
  );
}

/** @type {LayerCheck[]} */
let checked = [];

/**
 * @param {{ layers: LayerCheck[], label: number, loss: number, image: number,
 *   precision: string }} answer
 */
function show({ layers, label, loss, image, precision }) {
  checked = layers;
  const words = `Checked with test image ${image}, of class ${label}; its loss is `;
  const alone =
    layers.length === 1
      ? " Only the last layer of this network has weights. There, the published gradient is " +
        "correct."
      : "";
  $("#check-words").replaceChildren(
    words,
    positive(loss),
    ` nats. ${precision}${excludedText(layers)}${alone}`,
  );
  $("#check-table").replaceChildren(...tableOf(layers));
}

const requestBody = () => ({ model: select.value });
const figure = $("#check-table").closest("figure");
const askAgain = figureRequest({
  figures: [figure],
  request: () => post(PATH, requestBody()),
  show,
  fail: (problem) => $("#check-words").replaceChildren(notice(problem)),
  old: () => "Not updated: this table is still for another model.",
});

function update() {
  updateRequest(requestBody(), { check: select.value });
  return askAgain();
}

async function start() {
  const [models, recipes, { computed }] = await Promise.all([
    allModels(),
    loadRecipes(),
    get("/aliases"),
  ]);
  /** @param {import("../types.d.ts").Model} model */
  const described = (model) =>
    `${nameOf(model, recipes)}: ${percent(model.evaluation.accuracy, 2)}, ${model.id}`;
  // The newest model of each data set that is better than guessing comes first, under its alias.
  const newest = Object.entries(computed).flatMap(([alias, id]) => {
    const model = models.find((one) => one.id === id);
    if (!model || alias === "latest") return []; // which is one of the others
    const accuracy = percent(model.evaluation.accuracy, 2);
    return [h("option", { value: alias }, `${alias}: ${accuracy}, ${nameOf(model, recipes)}`)];
  });
  select.append(
    ...newest,
    ...models.map((model) => h("option", { value: model.id }, described(model))),
  );
  if (!models.length) {
    $("#check-words").textContent = "No models yet: train one to check its gradient here.";
    return;
  }
  const options = /** @type {HTMLOptionElement[]} */ ([...select.options]);
  /** @param {string | null} text */
  const readModel = (text) => (options.some(({ value }) => value === text) ? text : null);
  select.value = fromLink("check", readModel, $("#check-words")) ?? select.value;
  select.addEventListener("change", update);
  await update();
}

whenSeen($("#check"), () =>
  catchProblem(start, (problem) => $("#check-words").replaceChildren(notice(problem))),
);
savable(figure, {
  name: "gradient-check",
  rows: () =>
    checked.map((layer) => ({
      inputs: layer.inputs,
      outputs: layer.outputs,
      weights: layer.weights,
      "weights compared": layer.checked - layer.excluded,
      "exact gradient: largest relative difference": layer.exact,
      "published gradient: largest relative difference": layer.published,
      "dead units": layer.dead_count,
      "units at a kink": layer.kink_count,
      "shared maxima": layer.ties,
    })),
});
