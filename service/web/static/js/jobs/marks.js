// @ts-check
// Marks at the fields of the training form: what is wrong with them, and that they were changed.
import { $, h, plainButton } from "../dom.js";
import { fieldValue } from "../recipes.js";
import { parseField } from "./fields.js";

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

/** @param {Field} field */
export const kindOf = ({ dataset }) => /** @type {import("./fields.js").Kind} */ (dataset.kind);

/** @param {Field} field */
export function openDetails(field) {
  const details = field.closest("details");
  if (details) details.open = true;
}

/**
 * Show a button that resets a field, if it differs from the recipe.
 * @param {Field} field
 * @param {string | null} original the recipe's value, or null if the field has that value
 * @param {() => void} update the form
 */
export function markChanged(field, original, update) {
  const place = /** @type {Element} */ (field.parentElement);
  const label = $("label, .label", place);
  $(".changed", place)?.remove();
  if (original == null) return;
  const reset = () => {
    field.value = original;
    clearError(field);
    update();
    field.focus();
  };
  const option = $(`option[value="${CSS.escape(original)}"]`, field);
  const words = option?.text ?? fieldValue(field.id, parseField(kindOf(field), original));
  const button = plainButton(`↺ ${words}`, {
    class: "plain changed",
    title: "Reset to the recipe's value",
    "aria-label": `${label.textContent}: reset to ${words}`,
    onclick: reset,
  });
  label.after(button);
}

/** @param {Field} field */
export function clearError(field) {
  $(`#${field.id}-fault`)?.remove();
  field.removeAttribute("aria-invalid");
  field.setAttribute("aria-describedby", `${field.id}-help`);
}

/** @param {Field} field @param {string} words */
export function showError(field, words) {
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
