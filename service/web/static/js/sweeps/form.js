// @ts-check
// The form for a sweep. The API checks it, and each error is shown at its field.
import { catchProblem, post } from "../api.js";
import { $, $$, h, notice } from "../dom.js";
import { errorSummary, parseField } from "../jobs/fields.js";
import { requestLine } from "../request-line.js";
import { clearDomainErrors, readSpace, showDomainError, startDomains } from "./domains.js";
import { placeOf } from "./space.js";

const form = $("#sweep");
const said = $("#said");
const updateRequest = requestLine($("#request"), { path: "/sweeps", figure: "the new sweep" });
const NUMBERS = ["trials", "parallel", "epochs", "seed"];
const TEXTS = ["dataset", "title"];

/** Read the request. What is empty has the value of the recipe. */
function body() {
  const given = [
    ...NUMBERS.map((name) => [name, parseField("number", $(`#${name}`).value, true)]),
    ...TEXTS.map((name) => [name, $(`#${name}`).value.trim() || null]),
  ];
  return {
    recipe: $("#recipe").value,
    ...Object.fromEntries(given.filter(([, value]) => value !== null)),
    space: readSpace(),
    sampler: $("#sampler").value,
    pruner: $("#pruner").value,
    metric: $("#metric").value,
    ...($("#final").checked ? {} : { final: false }),
  };
}

function clearErrors() {
  clearDomainErrors();
  for (const fault of $$(".fault", form)) fault.remove();
  for (const input of $$("[aria-invalid]", form)) input.removeAttribute("aria-invalid");
  $("#trouble").replaceChildren();
  said.textContent = "";
}

/** @param {string} name @param {string} words */
function showFieldError(name, words) {
  const input = /^\w+$/.test(name) ? $(`#${name}`, form) : null;
  if (!input?.matches("input, select")) return false;
  const id = `${name}-fault`;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", $(`#${name}-help`) ? `${id} ${name}-help` : id);
  input.after(h("span", { class: "fault", id }, words));
  return true;
}

/** @param {{ pointer: string, detail: string }[]} errors */
function showErrors(errors) {
  const others = [];
  for (const { pointer, detail } of errors) {
    const { field, input } = placeOf(pointer);
    const shown = pointer.startsWith("/space/")
      ? showDomainError(field, input, detail)
      : showFieldError(field, detail);
    if (!shown) others.push(`${pointer.slice(1)}: ${detail}`);
  }
  if (others.length) {
    $("#trouble").append(notice({ title: "The request is invalid", detail: others.join(" ") }));
  }
  said.textContent = errorSummary(errors.length);
  $("[aria-invalid=true]", form)?.focus();
}

/** Listen to the form. */
export function startForm() {
  const update = () => {
    clearErrors();
    updateRequest(body());
  };
  startDomains(update);
  update();
  form.addEventListener("input", update);
  form.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    clearErrors();
    const start = $("[type=submit]", form);
    start.disabled = true;
    await catchProblem(
      async () => location.assign(`/ui/sweeps/${(await post("/sweeps", body())).id}`),
      (problem) => {
        if (problem.status === 422) showErrors(problem.errors);
        else $("#trouble").append(notice(problem));
      },
    );
    start.disabled = false;
  });
}
