// @ts-check
// The aliases of a model: their gates, their history, and the form that sets them.
import { catchProblem, get, send } from "../api.js";
import { $, $$, h, notice, numberCell, plainButton, table } from "../dom.js";
import { percent } from "../numbers.js";
import { localTime } from "../times.js";

/** @typedef {import("../types.d.ts").Alias} Alias */
/** @typedef {import("../types.d.ts").Gate} Gate */
/** @typedef {Record<string, string>} Ids of models, by alias */
/** @typedef {{ computed: Ids, aliases: Ids }} Aliases */
/** @typedef {(problem: import("../api.js").ProblemError) => void} Handle */

/** @param {string} alias */
const pathOf = (alias) => `/aliases/${encodeURIComponent(alias)}`;
/** @param {Ids} ids @param {string} id */
const namesOf = (ids, id) => Object.keys(ids).filter((alias) => ids[alias] === id);

/** @param {string} alias @param {string} id @param {Handle} showTrouble */
function aliasElement(alias, id, showTrouble) {
  const remove = async () => {
    await send("DELETE", pathOf(alias));
    location.assign(`/ui/models/${id}`);
  };
  const button = plainButton("×", {
    "data-writes": true,
    "aria-label": `Remove the alias ${alias}`,
    title: "Remove this alias",
    onclick: () => catchProblem(remove, showTrouble),
  });
  return h("span", null, `${alias}\u00a0`, button);
}

/**
 * List a model's aliases, with a button to remove each one that a user has set.
 * @param {string} id
 * @param {Aliases} all
 * @param {Handle} showTrouble
 */
export function aliasList(id, { computed, aliases }, showTrouble) {
  const own = namesOf(aliases, id).map((alias) => aliasElement(alias, id, showTrouble));
  const items = [...namesOf(computed, id), ...own];
  return items.length ? items.flatMap((item, i) => (i ? [", ", item] : [item])) : "none";
}

/** Say in words what a gate demands. @param {Gate | null} gate */
export function gateText(gate) {
  if (!gate) return "No gate: any model may have this alias.";
  const { min_accuracy: least, max_calibration_error: most, dataset } = gate;
  const demands = [
    least !== null && `an accuracy of at least ${percent(least, 2)}`,
    most !== null && `a calibration error of at most ${percent(most, 2)}`,
  ].filter(Boolean);
  const where = dataset ? `the test samples of ${dataset}` : "the test samples of its data set";
  return `Gate: a model needs ${demands.join(" and ")}, on ${where}.`;
}

/** @param {Alias["history"][number]} setting @param {string} shown id of the model of this page */
function settingRow({ model, action, set_at, set_by, figures }, shown) {
  const name = model === shown ? model : h("a", { href: `/ui/models/${model}` }, model);
  return h(
    "tr",
    null,
    h("td", { class: "small" }, localTime(set_at ?? "")),
    h("td", null, name),
    h("td", null, action === "rollback" ? "rolled back" : "set"),
    h("td", null, set_by ?? "—"),
    numberCell(figures ? percent(figures.accuracy, 2) : "—"),
  );
}

/** @param {Alias} alias @param {string} id @param {() => void} changed */
function aliasBlock({ name, gate, history }, id, changed) {
  const trouble = h("div");
  const rollBack = async () => {
    await send("POST", `${pathOf(name)}/rollback`);
    changed();
  };
  const rows = history.toReversed().map((setting) => settingRow(setting, id));
  return h(
    "figure",
    { class: "alias" },
    h("h3", null, name),
    h("p", null, gateText(gate)),
    h(
      "div",
      { class: "scroll" },
      table([["Set"], ["Model"], ["How"], ["By"], ["Accuracy", true]], rows),
    ),
    h(
      "p",
      { class: "row", "data-writes": true },
      h(
        "button",
        {
          class: "button wraps",
          type: "button",
          onclick: () =>
            catchProblem(rollBack, (problem) => trouble.replaceChildren(notice(problem))),
        },
        `Roll back ${name}`,
      ),
    ),
    trouble,
  );
}

/**
 * Show the gate and the history of each alias that a user has given to a model.
 * @param {string} id
 * @param {Ids} aliases
 */
export async function showAliases(id, aliases) {
  const names = namesOf(aliases, id);
  const found = await Promise.all(names.map((name) => get(pathOf(name))));
  const changed = () => location.reload();
  $("#alias-blocks").replaceChildren(...found.map((alias) => aliasBlock(alias, id, changed)));
  $("#alias-section").hidden = !names.length;
}

/**
 * Read the gate in the form: undefined leaves the alias the gate that it has.
 * @param {any} form
 * @returns {object | null | undefined}
 */
function gateIn({ elements }) {
  const choice = elements.gate.value;
  if (choice !== "set") return choice === "none" ? null : undefined;
  /** Return a number, or what is no number as it is: the API says so. @param {string} text */
  const numberOf = (text) => {
    const number = Number(text);
    if (!text.trim()) return null;
    return Number.isFinite(number) ? number : text;
  };
  return {
    min_accuracy: numberOf(elements.min_accuracy.value),
    max_calibration_error: numberOf(elements.max_calibration_error.value),
    dataset: elements.dataset.value.trim() || null,
  };
}

/** @param {HTMLElement} dialog @param {import("../api.js").ProblemError} problem */
function showFaults(dialog, { errors, detail }) {
  for (const { pointer, detail: words } of errors) {
    const field = $(`[name="${pointer.split("/").at(-1)}"]`, dialog);
    const target = field?.closest(".field") ?? $("#gate-fields");
    field?.setAttribute("aria-invalid", "true");
    target.append(h("span", { class: "fault", role: "alert" }, words));
  }
  if (!errors.length) {
    $("#alias-trouble").replaceChildren(h("span", { class: "fault", role: "alert" }, detail));
  }
  $("[aria-invalid]", dialog)?.focus();
}

/** Prepare the dialog that gives a model an alias. @param {string} id */
export function prepareNaming(id) {
  const dialog = $("#naming");
  const form = $("form", dialog);
  const { gate, name } = form.elements;
  const clearFaults = () => {
    for (const fault of $$(".fault", dialog)) fault.remove();
    for (const field of $$("[aria-invalid]", dialog)) field.removeAttribute("aria-invalid");
  };
  const showFields = () => {
    $("#gate-fields").hidden = gate.value !== "set";
  };
  const setAlias = async () => {
    const alias = name.value.trim() ? pathOf(name.value.trim()) : "/aliases/%20";
    await send("PUT", alias, { model: id, gate: gateIn(form) });
    location.reload();
  };
  gate.addEventListener("change", showFields);
  $("#alias").addEventListener("click", () => {
    clearFaults();
    showFields();
    dialog.showModal();
    name.focus();
  });
  $("#unnamed").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    clearFaults();
    catchProblem(setAlias, (problem) => showFaults(dialog, problem));
  });
}
