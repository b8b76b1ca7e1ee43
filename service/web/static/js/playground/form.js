// @ts-check
// The settings in the form.
import { $, $$, h, s } from "../dom.js";
import { mark } from "./plane.js";
import { CLASS_WORDS, reachOf } from "./points.js";
import {
  DATA,
  MOST_LAYERS,
  MOST_NEURONS,
  NUMBERS,
  allowedText,
  parseHidden,
  parseNumber,
} from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {keyof typeof NUMBERS} NumberName */

const HIDDEN_FAULT =
  `Enter up to ${MOST_LAYERS} layers of 1 to ${MOST_NEURONS} neurons, ` + "such as 8, 8.";
const MOST_IN_PICTURE = 90; // points
const SIZE_IN_PICTURE = 3;

/** Say what is wrong with a field; "" if nothing is. */
function showFault(/** @type {HTMLInputElement} */ field, /** @type {string} */ text) {
  const fault = $(`#${field.id}-fault`);
  fault.textContent = text;
  fault.hidden = !text;
  if (text) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

/** Draw some points of a data set as a small picture. */
function picture(/** @type {import("./points.js").Points | null} */ points) {
  const view = s("svg", { viewBox: "0 0 404 404", "aria-hidden": "true" });
  const some = (points?.train ?? []).slice(0, MOST_IN_PICTURE);
  const reach = reachOf({ train: some, test: [] });
  if (some.length) view.append(...some.map((point) => mark(point, reach, false, SIZE_IN_PICTURE)));
  else view.append(s("path", { d: "M202 120v164M120 202h164", class: "plus" }));
  return view;
}

/**
 * Make the form.
 * @param {(changes: Partial<Settings>) => void} change called with allowed values only
 * @param {(label: number) => void} chooseClass of the user's next point
 */
export function createForm(change, chooseClass) {
  const hidden = $("#hidden");
  hidden.addEventListener("change", () => {
    const sizes = parseHidden(hidden.value);
    showFault(hidden, sizes ? "" : HIDDEN_FAULT);
    if (sizes) change({ hidden: sizes });
  });
  for (const name of /** @type {NumberName[]} */ (Object.keys(NUMBERS))) {
    const field = $(`#${name}`);
    field.addEventListener("change", () => {
      const value = parseNumber(name, field.value);
      showFault(field, value == null ? allowedText(name) : "");
      if (value != null) change({ [name]: value });
    });
  }
  $("#activation").addEventListener("change", () => change({ activation: $("#activation").value }));
  for (const input of $$("#gradient input")) {
    input.addEventListener("change", () => change({ gradient: input.value }));
  }
  for (const [key, { title }] of Object.entries(DATA)) {
    const onclick = () => change({ data: key });
    $("#datasets").append(
      h(
        "button",
        { type: "button", "data-name": key, "aria-pressed": "false", onclick },
        picture(null),
        h("span", null, title),
      ),
    );
  }
  CLASS_WORDS.forEach((words, label) => {
    const input = h("input", { type: "radio", name: "class", value: label, checked: !label });
    input.addEventListener("change", () => chooseClass(label));
    $("#class-choice").append(h("label", null, input, h("span", null, words)));
  });

  return {
    /** Show settings. @param {Settings} settings */
    fill(settings) {
      hidden.value = settings.hidden.join(", ");
      showFault(hidden, "");
      for (const name of /** @type {NumberName[]} */ (Object.keys(NUMBERS))) {
        $(`#${name}`).value = settings[name];
        showFault($(`#${name}`), "");
      }
      $("#activation").value = settings.activation;
      $("#function").value = settings.function;
      $(`#gradient input[value=${settings.gradient}]`).checked = true;
      $("#batch_size").disabled = settings.gradient === "published";
      $("#noise").closest(".field").hidden = !DATA[settings.data].generate;
      $("#own").hidden = settings.data !== "own";
      $("#of-function").hidden = settings.data !== "function";
      for (const button of $$("#datasets button")) {
        button.setAttribute("aria-pressed", String(button.dataset.name === settings.data));
      }
    },
    /** Say what is wrong with a field; "" if nothing is. */
    blame: (/** @type {string} */ name, /** @type {string} */ text) =>
      showFault($(`#${name}`), text),
    /** Show the points of a data set on its button. */
    show(/** @type {string} */ data, /** @type {import("./points.js").Points} */ points) {
      $(`#datasets [data-name="${data}"] svg`).replaceWith(picture(points));
    },
    /** Whether no field has a value that is not allowed. */
    isValid: () => !$$("#form [aria-invalid]").length,
  };
}
