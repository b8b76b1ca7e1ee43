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
 * Put the focus into a field. The layers have fields of their own.
 * @param {Field} field
 * @param {ScrollLogicalPosition} block where to show it
 */
export function focusOn(field, block = "nearest") {
  const place = /** @type {Element} */ (field.parentElement);
  const first = field.type === "hidden" ? $("select, button:not(.changed)", place) : field;
  first.focus({ preventScroll: true });
  first.scrollIntoView({ block });
}

/**
 * Show a button that resets a field, if it differs from the recipe.
 * @param {Field} field
 * @param {[field: Field, text: string][]} originals the recipe's value, and that of the field that
 *   can replace this one; or nothing if the field is not changed
 * @param {() => void} update the form
 */
export function markChanged(field, originals, update) {
  const place = /** @type {Element} */ (field.parentElement);
  const label = $("label, .label", place);
  $(".changed", place)?.remove();
  if (!originals.length) return;
  const [shown, original] = originals.find(([, text]) => text !== "") ?? originals[0];
  const reset = () => {
    for (const [one, text] of originals) {
      one.value = text;
      clearError(one);
    }
    update();
    focusOn(shown);
  };
  const option = $(`option[value="${CSS.escape(original)}"]`, shown);
  const words = option?.text ?? fieldValue(shown.id, parseField(kindOf(shown), original));
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
