// @ts-check
// The fields that vary, in the form for a sweep: how each one varies, and between which values.
import { $, $$, h, plainButton } from "../dom.js";
import { HOW_WORDS, domainFrom, firstWay, inputsOf, waysOf } from "./space.js";

/** @typedef {import("./space.js").Field} Field */
/** @typedef {import("./space.js").How} How */

const host = $("#domains");
/** @type {HTMLSelectElement} */
const another = $("#another");
/** @type {Field[]} */
const fields = JSON.parse($("#space").dataset.fields);

/** @param {string} name @returns {Field} */
const fieldOf = (name) => /** @type {Field} */ (fields.find((field) => field.name === name));

/** @param {Field} field @param {How} how */
function inputElements(field, how) {
  if (how === "choices") {
    return field.choices.map((choice) =>
      h(
        "label",
        { class: "check" },
        h("input", { type: "checkbox", value: choice, checked: true }),
        ` ${choice === "true" ? "on" : choice === "false" ? "off" : choice}`,
      ),
    );
  }
  return inputsOf(field, how).map(([name, label, value]) => {
    const id = `${field.name}-${name}`;
    const input = h("input", { type: "text", id, value, autocomplete: "off", "data-input": name });
    return h("p", { class: "field" }, h("label", { for: id }, label), input);
  });
}

/** @param {Field} field @param {() => void} changed */
function domainElement(field, changed) {
  const ways = waysOf(field);
  const inputs = h("div", { class: "inputs" });
  const show = (/** @type {How} */ how) => inputs.replaceChildren(...inputElements(field, how));
  const how = h(
    "select",
    { "aria-label": `How the ${field.label.toLowerCase()} varies`, "data-how": true },
    ...ways.map((way) => h("option", { value: way }, HOW_WORDS[way])),
  );
  how.value = firstWay(field);
  how.addEventListener("change", () => {
    show(/** @type {How} */ (how.value));
    changed();
  });
  const remove = plainButton("Remove", {
    "aria-label": `Remove ${field.label}`,
    onclick: () => {
      element.remove();
      offer();
      changed();
      another.focus();
    },
  });
  const element = h(
    "fieldset",
    { class: "domain", "data-field": field.name },
    h("legend", null, field.label),
    h("div", { class: "row apart" }, ways.length > 1 && how, remove),
    inputs,
  );
  if (ways.length === 1) element.dataset.how = ways[0];
  show(/** @type {How} */ (how.value));
  return element;
}

/** Offer the fields that do not vary yet. */
function offer() {
  const used = $$("[data-field]", host).map(({ dataset }) => dataset.field);
  const left = fields.filter(({ name }) => !used.includes(name));
  another.replaceChildren(...left.map(({ name, label }) => h("option", { value: name }, label)));
}

/**
 * Begin with the fields that matter most.
 * @param {() => void} changed called after each change
 */
export function startDomains(changed) {
  for (const name of ["learning_rate", "hidden_sizes"]) {
    host.append(domainElement(fieldOf(name), changed));
  }
  offer();
  $("#add").addEventListener("click", () => {
    if (!another.value) return;
    const element = domainElement(fieldOf(another.value), changed);
    host.append(element);
    offer();
    changed();
    $("select, input", element).focus();
  });
}

/** Read the space. */
export const readSpace = () =>
  Object.fromEntries(
    $$("[data-field]", host).map((/** @type {HTMLElement} */ element) => {
      const field = fieldOf(String(element.dataset.field));
      const how = element.dataset.how ?? $("[data-how]", element).value;
      const texts = $$("[data-input]", element).map(({ dataset, value }) => [dataset.input, value]);
      const chosen = $$("[type=checkbox]:checked", element).map(({ value }) => value);
      return [field.name, domainFrom(field, how, Object.fromEntries(texts), chosen)];
    }),
  );

/**
 * Show what is wrong with a field that varies. Return whether there is a place for it.
 * @param {string} name
 * @param {string | undefined} input its name
 * @param {string} words
 */
export function showDomainError(name, input, words) {
  const element = $(`[data-field="${CSS.escape(name)}"]`, host);
  if (!element) return false;
  const id = `${name}-fault`;
  const fault = $(`[id="${id}"]`, element);
  if (fault) fault.append("; ", words);
  else element.append(h("span", { class: "fault", id }, words));
  const wrong = $(`[data-input="${CSS.escape(input ?? "")}"]`, element);
  wrong?.setAttribute("aria-invalid", "true");
  wrong?.setAttribute("aria-describedby", id);
  return true;
}

export function clearDomainErrors() {
  for (const fault of $$(".fault", host)) fault.remove();
  for (const input of $$("[aria-invalid]", host)) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}
