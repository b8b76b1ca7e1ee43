// @ts-check
// The name, notes and tags of a run, and the form that changes them.
import { catchProblem, send } from "./api.js";
import { $, $$ } from "./dom.js";
import { parseTags } from "./tags.js";

/** @typedef {Pick<import("./types.d.ts").Job, "title" | "notes" | "tags">} Labels */

/** @param {ParentNode} form */
function clearErrors(form) {
  for (const fault of $$(".fault", form)) fault.textContent = "";
  for (const field of $$("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
}

/**
 * Show each error at its field, and other problems beside the button.
 * @param {ParentNode} form
 * @param {import("./api.js").ProblemError} problem
 */
function showProblem(form, problem) {
  for (const { pointer, detail } of problem.errors) {
    const [, field, index] = pointer.split("/"); // only tags are a list
    const fault = $(`#${field}-fault`, form);
    const words = index === undefined ? detail : `Tag ${Number(index) + 1}: ${detail}`;
    if (fault) fault.textContent = words;
    form.querySelector(`[name=${field}]`)?.setAttribute("aria-invalid", "true");
  }
  $("[aria-invalid]", form)?.focus();
  $("[role=status]", form).textContent = problem.errors.length ? "" : problem.detail;
}

/**
 * Let people change the labels of a run.
 * @param {string} path of the run, which is changed with PATCH
 * @param {() => Labels} current
 * @param {(labels: Labels) => void} changed
 */
export function labelForm(path, current, changed) {
  const details = $("#labels");
  const form = $("form", details);
  const { title, notes, tags } = form.elements;
  const fill = () => {
    const labels = current();
    title.value = labels.title ?? "";
    notes.value = labels.notes;
    tags.value = labels.tags.join(", ");
  };
  // Before the form opens. A "toggle" event comes later, and would overwrite what people type.
  $("summary", details).addEventListener("click", () => {
    fill();
    $("[role=status]", form).textContent = "";
    clearErrors(form);
  });
  const save = async () => {
    const body = {
      title: title.value.trim() || null,
      notes: notes.value.trim(),
      tags: parseTags(tags.value),
    };
    changed(await (await send("PATCH", path, body)).json());
    fill(); // as it was saved: without duplicate tags, for example
    $("[role=status]", form).textContent = "Saved.";
  };
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    clearErrors(form);
    catchProblem(save, (problem) => showProblem(form, problem));
  });
}
