// @ts-check
// Start several trainings that differ in one field, such as five learning rates.
import { catchProblem, post } from "../api.js";
import { $, h } from "../dom.js";
import { fieldWords, valueText } from "../recipes.js";
import { timeOrDate } from "../times.js";
import { fault, parseField } from "./fields.js";
import { MOST_VALUES, spread } from "./values.js";

/** @typedef {Record<string, unknown>} Body */

const form = $("#several");
const details = $("details", form);
/** @type {HTMLSelectElement} */
const field = $("#several-field");
/** @type {HTMLInputElement} */
const values = $("#several-values");
const button = $("button", form);
const said = $("#several-said");

/** @returns {unknown[]} the different values, of which some may be text */
const chosenValues = () => [
  .../** @type {Set<unknown>} */ (
    new Set(/** @type {unknown[]} */ (parseField("numbers", values.value)))
  ),
];

/** @returns {HTMLInputElement} the field of the training form that differs */
const one = () => $(`#${field.value}`);
/** @returns {import("./fields.js").Limits} */
const limits = () => JSON.parse(/** @type {string} */ (one().dataset.limits));
let isSuggestion = true; // until the user changes the values

/** Suggest values around that of the training form, if it is allowed. */
function suggest() {
  const value = parseField("number", one().value);
  const isAllowed = fault(value, limits()) === null;
  values.value = isAllowed ? spread(Number(value), limits()).join(", ") : "";
  isSuggestion = true;
  update();
}

function update() {
  const n = chosenValues().length;
  button.textContent = n > 1 ? `Start ${n} trainings` : "Start trainings";
  said.replaceChildren();
  values.removeAttribute("aria-invalid");
}

/** Say what is wrong with the first wrong value. Return whether there is one. */
function showFault() {
  const wrong = chosenValues().find((value) => fault(value, limits()));
  values.setAttribute("aria-invalid", String(wrong !== undefined));
  if (wrong === undefined) return false;
  said.replaceChildren(h("span", { class: "fault" }, `${wrong}: ${fault(wrong, limits())}`));
  return true;
}

/** Listen to the form for several values. @param {() => Body} currentBody of the training form */
export function startSeveral(currentBody) {
  details.addEventListener("toggle", () => {
    if (details.open) suggest();
    const start = $(".go [type=submit]");
    start.textContent = details.open ? "Start one training" : "Start training";
    start.classList.toggle("first", !details.open); // one button stands out
    details.scrollIntoView({ block: "nearest" });
  });
  $("#to-several").addEventListener("click", () => {
    details.open = true;
    details.scrollIntoView({ block: "center" });
    values.focus({ preventScroll: true });
  });
  field.addEventListener("change", suggest);
  values.addEventListener("input", () => {
    isSuggestion = false;
    update();
  });
  values.addEventListener("change", showFault);
  $("#train").addEventListener("input", () => {
    if (isSuggestion) suggest();
  });
  form.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const chosen = chosenValues();
    if (showFault()) return;
    if (chosen.length < 2 || chosen.length > MOST_VALUES) {
      said.textContent = `Enter 2 to ${MOST_VALUES} different values.`;
      return;
    }
    button.disabled = true;
    await submitAll(currentBody(), chosen);
    button.disabled = false;
  });
}

/**
 * Submit a training for each value, and report those that are refused.
 * @param {Body} body
 * @param {unknown[]} chosen
 */
async function submitAll({ title: runTitle, ...body }, chosen) {
  const name = fieldWords(field.value);
  const tags = [`${name} ${timeOrDate(new Date().toISOString())}`]; // finds them in the lists
  /** @type {string[]} */
  const ids = [];
  /** @type {unknown[]} */
  const started = [];
  /** @type {string[]} */
  const refused = [];
  for (const value of chosen) {
    const title = runTitle ? { title: `${runTitle}, ${name} ${value}` } : {};
    await catchProblem(
      async () => {
        ids.push((await post("/train", { ...body, ...title, tags, [field.value]: value })).id);
        started.push(value);
      },
      (problem) => refused.push(`${value} (${problem.details.replace(/\.$/, "")})`),
    );
  }
  const kept = Object.entries(body).map(([key, value]) => [key, valueText(value)]);
  if (runTitle) kept.push(["title", String(runTitle)]);
  const address = `/?${new URLSearchParams([...kept, ["compare", ids.join()]])}`;
  if (!refused.length) return location.assign(address);
  said.replaceChildren(
    started.length ? `Started: ${started.join(", ")}. ` : "None was started. ",
    `Not started: ${refused.join("; ")}. `,
    ids.length ? h("a", { href: address }, "See the curves") : "",
  );
}
