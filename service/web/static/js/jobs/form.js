// @ts-check
// The training form. Its values come from the recipe and the address of the page. The API checks
// them, and each error is shown at its field. The bar with the button Start stays in view.
import { catchProblem, post } from "../api.js";
import { $, $$, h, notice } from "../dom.js";
import {
  ALTERNATIVES,
  changedFields,
  changesText,
  isReplaced,
  originalOf,
  sameValue,
  valueText,
} from "../recipes.js";
import { query, requestLine } from "../request-line.js";
import { duration } from "../times.js";
import { estimate, resultText } from "./earlier.js";
import { errorSummary, fault, fieldError, parseField } from "./fields.js";
import { layersIn } from "./layers-form.js";
import { clearError, focusOn, kindOf, markChanged, openDetails, showError } from "./marks.js";
import { layers, layersFault, showNetwork, showRefusals, startNetwork } from "./network.js";
import { showPictures } from "./pictures.js";
import { startSeveral } from "./several.js";

/** @typedef {import("./marks.js").Field} Field */

const form = $("#train");
/** @type {Field[]} */
const fields = $$("[data-kind]", form);
/** @type {HTMLInputElement} */
const title = $("#title");
const start = $(".go [type=submit]");
const updateRequest = requestLine($("#request"), { path: "/train" });
/** @type {import("../recipes.js").Recipes} */
let recipes;
/** @type {Record<string, unknown>} the values of the recipe, for the chosen data set */
let original = {};
/** @type {Record<string, unknown>} */
let body;
/** @type {import("../types.d.ts").Recipe} as the form is filled in */
let asked;
/** @type {import("../types.d.ts").Job[]} from the newest on */
let earlier = [];

const chosenRecipe = () => /** @type {string} */ ($("[name=recipe]:checked").value);

/** @param {Field} field */
const valueOf = (field) => parseField(kindOf(field), field.value, "nullable" in field.dataset);

/** @param {Field} field @returns {import("./fields.js").Limits | null} */
const limitsOf = ({ dataset }) => (dataset.limits ? JSON.parse(dataset.limits) : null);

/** Say what is wrong with a field, or return null. @param {Field} field */
function faultOf(field) {
  if (field === layers) return layersFault();
  const value = valueOf(field);
  const isEmpty = value == null && "nullable" in field.dataset;
  return isEmpty ? null : fault(value, limitsOf(field));
}

/** Fill in the form, and listen to its events. @param {typeof recipes} all */
export function startForm(all) {
  recipes = all;
  const left = history.state?.training;
  const unknownRecipe = left ? null : chooseRecipe();
  fillFromRecipe();
  const unknown = left ? fillAsLeft(left) : [unknownRecipe, ...fillFromAddress()].filter(Boolean);
  update();
  if (unknown.length) {
    const detail = `The address of this page has ${unknown.join(" and ")}, which does not exist.`;
    $("#trouble").append(notice({ title: "Not filled in", detail }));
  }
  if (!left && !query.has("compare") && asksForFields()) goToChanges();
  form.addEventListener("input", (/** @type {Event} */ { target }) => {
    const input = /** @type {Field} */ (target);
    if (input.name === "recipe") fillFromRecipe();
    else clearError(input);
    update();
  });
  form.addEventListener("change", (/** @type {Event} */ { target }) => {
    const field = fields.find((one) => one === target);
    const words = field && faultOf(field);
    if (words) showError(field, words);
  });
  addEventListener("pagehide", () => {
    const values = Object.fromEntries([...fields, title].map(({ id, value }) => [id, value]));
    const training = { recipe: chosenRecipe(), values };
    history.replaceState({ ...history.state, training }, "");
  });
  form.addEventListener("submit", submit);
  startSeveral(() => body);
  startNetwork(() => {
    clearErrors();
    update();
  });
}

/** Tell whether the address of the page sets a part of the form. */
const asksForFields = () =>
  ["recipe", ...fields.map((field) => field.id)].some((name) => query.has(name));

/** Choose the recipe in the address. Return its name if there is no such recipe. */
function chooseRecipe() {
  const name = query.get("recipe");
  if (name == null) return null;
  const choice = $(`[name=recipe][value="${CSS.escape(name)}"]`);
  if (!choice) return `the recipe “${name}”`;
  choice.checked = true;
  return null;
}

/**
 * Fill in the form as it was when this page was left, so that Back loses no input.
 * @param {{ recipe: string, values: Record<string, string> }} left
 * @returns {string[]}
 */
function fillAsLeft({ recipe, values }) {
  const choice = $(`[name=recipe][value="${CSS.escape(recipe)}"]`);
  if (!choice) return [];
  choice.checked = true;
  const { dataset } = values;
  original = originalOf({ name: recipe, dataset }, recipes);
  for (const field of [...fields, title]) {
    field.value = values[field.id] ?? field.value;
    if (field.value !== valueText(original[field.id])) openDetails(field);
  }
  return [];
}

function fillFromRecipe() {
  for (const field of fields) field.value = valueText(recipes[chosenRecipe()][field.id]);
  original = recipes[chosenRecipe()];
  clearErrors();
}

/** Adapt the fields that nobody has changed to the data set, as the API does. */
function fitToDataset() {
  const next = originalOf({ name: chosenRecipe(), dataset: $("#dataset").value }, recipes);
  for (const field of fields) {
    if (sameValue(next[field.id], original[field.id])) continue;
    if (sameValue(valueOf(field), original[field.id])) field.value = valueText(next[field.id]);
  }
  original = next;
}

/**
 * Find the text that a field has for a value in the address, or return null if there is none.
 * @param {Field} field
 * @param {string} value
 */
function textFor(field, value) {
  if (field === layers) return layersIn(value);
  const options = field instanceof HTMLSelectElement ? [...field.options] : null;
  return !options || options.some((option) => option.value === value) ? value : null;
}

/** Fill in the name and the fields in the address. Return those whose choice does not exist. */
function fillFromAddress() {
  title.value = query.get("title") ?? "";
  const unknown = [];
  const dataset = $("#dataset");
  if (query.has("hidden_sizes") && !query.has("layers")) layers.value = "";
  for (const field of [dataset, ...fields.filter((one) => one !== dataset)]) {
    const value = query.get(field.id);
    if (value == null) continue;
    const text = textFor(field, value);
    if (text === null) unknown.push(`the ${field.id} “${value}”`);
    else field.value = text;
    if (field === dataset) fitToDataset(); // the other fields are chosen for this data set
    openDetails(field);
  }
  return unknown;
}

/** Put the first changed field in the middle of the view, and the focus into it. */
function goToChanges() {
  const field = fields.find(({ id }) => id in body) ?? fields[0];
  focusOn(field, "center");
}

/** Update everything that depends on the values of the fields. */
function update() {
  const name = chosenRecipe();
  fitToDataset();
  const values = Object.fromEntries(fields.map((field) => [field.id, valueOf(field)]));
  if (values.layers) values.hidden_sizes = null;
  showNetwork(values);
  body = { recipe: name };
  for (const field of fields) {
    const { id } = field;
    const isChanged = !sameValue(values[id], original[id]) && !isReplaced(values, id);
    if (isChanged) body[id] = values[id];
    const reset = fields.filter((one) => one === field || one.id === ALTERNATIVES[id]);
    markChanged(
      field,
      isChanged ? reset.map((one) => [one, valueText(original[one.id])]) : [],
      update,
    );
  }
  asked = /** @type {any} */ ({ name, ...values });
  showBar();
  if (title.value.trim()) body.title = title.value.trim();
  updateRequest(body);
  showPictures(/** @type {string} */ (values.dataset));
}

/** List the fields with a value that is not allowed, as far as the page or the API has checked. */
const wrongFields = () =>
  [...fields, title].filter(
    (field) => field.hasAttribute("aria-invalid") || (field !== title && faultOf(field)),
  );

/** Say what the button starts and how long it will take, or how many fields need a change. */
function showBar() {
  const wrong = wrongFields().length;
  const seconds = wrong ? null : estimate(asked, earlier);
  const n = changedFields(asked, recipes).length;
  const count = n ? `${n} ${n === 1 ? "field" : "fields"} changed` : "No field changed";
  $("#chosen").textContent = asked.name;
  $("#time").textContent = seconds == null ? "" : `takes about ${duration(seconds)} here`;
  $("#changes").hidden = wrong > 0;
  $("#changes").replaceChildren(
    count,
    h("span", null, n ? `: ${changesText(asked, recipes)}` : ""),
  );
  $("#said").textContent = errorSummary(wrong);
}

/** Learn from earlier runs. @param {typeof earlier} jobs from the newest on */
export function showEarlier(jobs) {
  earlier = jobs;
  for (const [name, fields] of Object.entries(recipes)) {
    const recipe = /** @type {any} */ ({ name, ...fields });
    $(`.result[data-recipe="${CSS.escape(name)}"]`).textContent = resultText(recipe, jobs);
  }
  showBar();
}

function clearErrors() {
  for (const field of [...fields, title]) clearError(field);
  showRefusals([]);
  $("#trouble").replaceChildren();
}

/** @param {{ pointer: string, detail: string }[]} errors */
function showErrors(errors) {
  const others = [];
  const refusals = [];
  for (const error of errors) {
    const { field: name, index, option, words } = fieldError(error);
    const field = [...fields, title].find((one) => one.id === name);
    if (index !== undefined) refusals.push({ index, option, words });
    else if (field) showError(field, words);
    else others.push(error.detail);
  }
  showRefusals(refusals);
  if (others.length) {
    $("#trouble").append(notice({ title: "The request is invalid", detail: others.join(" ") }));
  }
  showBar();
  $("[aria-invalid=true]", form)?.focus();
}

/** @param {SubmitEvent} event */
async function submit(event) {
  event.preventDefault();
  clearErrors();
  showBar();
  start.disabled = true;
  await catchProblem(
    async () => location.assign(`/ui/jobs/${(await post("/train", body)).id}`),
    (problem) => {
      if (problem.status === 422) showErrors(problem.errors);
      else $("#trouble").append(notice(problem));
    },
  );
  start.disabled = false;
}
