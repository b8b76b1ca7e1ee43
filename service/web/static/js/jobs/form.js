// @ts-check
// The training form. Its values come from the recipe and the address of the page. The API checks
// them, and each error is shown at its field.
import { catchProblem, post } from "../api.js";
import { $, $$, h, notice, plainButton } from "../dom.js";
import { sameValue, valueText } from "../recipes.js";
import { query, requestLine } from "../request-line.js";
import { errorSummary, fieldError, parseField } from "./fields.js";
import { sketch } from "./sketch.js";

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

const form = $("#train");
/** @type {Field[]} */
const fields = $$("[data-kind]", form);
const updateRequest = requestLine($("#request"), { path: "/train" });
/** @type {import("../recipes.js").Recipes} */
let recipes;
/** @type {Record<string, unknown>} */
let body;

const chosenRecipe = () => /** @type {string} */ ($("[name=recipe]:checked").value);

/** @param {Field} field */
const valueOf = (field) =>
  parseField(/** @type {import("./fields.js").Kind} */ (field.dataset.kind), field.value);

/** Fill in the form, and listen to its events. @param {typeof recipes} all */
export function startForm(all) {
  recipes = all;
  const name = CSS.escape(query.get("recipe") ?? "");
  const asked = $(`[name=recipe][value="${name}"]`);
  if (asked) asked.checked = true;
  fillFromRecipe();
  fillFromAddress();
  form.addEventListener("input", (/** @type {Event} */ { target }) => {
    const field = /** @type {Field} */ (target);
    if (field.name === "recipe") return fillFromRecipe();
    clearError(field);
    update();
  });
  form.addEventListener("submit", submit);
}

function fillFromRecipe() {
  for (const field of fields) field.value = valueText(recipes[chosenRecipe()][field.id] ?? "");
  clearErrors();
  update();
}

function fillFromAddress() {
  for (const field of fields) {
    const value = query.get(field.id);
    if (value == null) continue;
    const options = field instanceof HTMLSelectElement ? [...field.options] : null;
    if (!options || options.some((option) => option.value === value)) field.value = value;
    openDetails(field);
  }
  update();
}

/** @param {Field} field */
function openDetails(field) {
  const details = field.closest("details");
  if (details) details.open = true;
}

/** Update the request, the sketch and the reset buttons to the values of the fields. */
function update() {
  const recipe = recipes[chosenRecipe()];
  body = { recipe: chosenRecipe() };
  for (const field of fields) {
    const value = valueOf(field);
    const changed = !sameValue(value, recipe[field.id]);
    if (changed) body[field.id] = value;
    markChanged(field, changed ? valueText(recipe[field.id]) : null);
  }
  updateRequest(body);
  $("#sketch").replaceChildren(...sketch(/** @type {number[]} */ (valueOf($("#hidden_sizes")))));
}

/**
 * Show a button that resets a field, if it differs from the recipe.
 * @param {Field} field
 * @param {string | null} original the recipe's value, or null if the field has that value
 */
function markChanged(field, original) {
  const label = /** @type {HTMLLabelElement} */ (field.previousElementSibling);
  $(".changed", /** @type {Element} */ (label.parentElement))?.remove();
  if (original == null) return;
  const reset = () => {
    field.value = original;
    clearError(field);
    update();
    field.focus();
  };
  const button = plainButton(`↺ ${original || "none"}`, {
    class: "plain changed",
    title: "Reset to the recipe's value",
    "aria-label": `${label.textContent}: reset to ${original || "none"}`,
    onclick: reset,
  });
  label.after(button);
}

/** @param {Field} field */
function clearError(field) {
  $(`#${field.id}-fault`)?.remove();
  field.removeAttribute("aria-invalid");
  field.setAttribute("aria-describedby", `${field.id}-help`);
}

function clearErrors() {
  for (const field of $$("[aria-invalid]", form)) clearError(field);
  $("#trouble").replaceChildren();
  $("#said").textContent = "";
}

/** @param {Field} field @param {string} words */
function showError(field, words) {
  const id = `${field.id}-fault`;
  if ($(`#${id}`)) {
    $(`#${id}`).append("; ", words);
    return;
  }
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${id} ${field.id}-help`);
  field.after(h("span", { class: "fault", id }, words));
  openDetails(field);
}

/** @param {{ pointer: string, detail: string }[]} errors */
function showErrors(errors) {
  const others = [];
  for (const error of errors) {
    const { field: name, words } = fieldError(error);
    const field = fields.find((one) => one.id === name);
    if (field) showError(field, words);
    else others.push(error.detail);
  }
  if (others.length) {
    $("#trouble").append(notice({ title: "The request is invalid", detail: others.join(" ") }));
  }
  const invalid = $$("[aria-invalid]", form);
  $("#said").textContent = errorSummary(invalid.length);
  invalid[0]?.focus();
}

/** @param {SubmitEvent} event */
async function submit(event) {
  event.preventDefault();
  const button = $("[type=submit]", form);
  clearErrors();
  button.disabled = true;
  await catchProblem(
    async () => location.assign(`/ui/jobs/${(await post("/train", body)).id}`),
    (problem) => {
      if (problem.status === 422) showErrors(problem.errors);
      else $("#trouble").append(notice(problem));
    },
  );
  button.disabled = false;
}
