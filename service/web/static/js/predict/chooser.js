// @ts-check
// The dialog that chooses a model from a list with a search.
import { $, $$, h } from "../dom.js";
import { count } from "../numbers.js";
import { inOrder } from "./asked.js";
import { describeModel, matches } from "./words.js";

/** @typedef {{ model: import("../types.d.ts").Model, name: string }} Named a model and its name */

const MOST_ROWS = 100;

/** @param {Named} named @param {boolean} isChosen */
const row = (named, isChosen) =>
  h(
    "li",
    null,
    h(
      "button",
      { class: "model", value: named.model.id, "aria-current": isChosen ? "true" : null },
      h("b", null, isChosen && "✓ ", named.name),
      h("span", null, describeModel(named.model)),
      h("span", { class: "mono" }, named.model.id),
    ),
  );

/**
 * Make the function that lets the user choose a model.
 * @param {() => Named[]} all returns all models, the newest first
 */
export function createChooser(all) {
  const dialog = $("#chooser");
  const search = $("#chooser-text");
  let chosen = "";
  /** @type {Named[]} */
  let offered = [];

  function list() {
    const found = offered.filter((named) => matches(named, search.value));
    const shown = found.slice(0, MOST_ROWS);
    $("#chooser-list").replaceChildren(
      ...shown.map((named) => row(named, named.model.id === chosen)),
    );
    const more = found.length > shown.length ? `; the first ${shown.length} are shown` : "";
    $("#chooser-count").textContent = found.length
      ? `${count(found.length)} of ${count(offered.length)} models${more}`
      : "No model matches.";
  }

  /** @param {KeyboardEvent} event */
  function moveFocus(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const stops = [search, ...$$("#chooser-list button")];
    const next = stops.indexOf(document.activeElement) + step;
    if (!stops[next]) return;
    event.preventDefault();
    stops[next].focus();
  }

  search.addEventListener("input", list);
  dialog.addEventListener("keydown", moveFocus);

  /**
   * Let the user choose. The rows are submit buttons, so Enter in the search takes the first one.
   * @param {string} current the id of the model that is shown now
   * @param {string[]} taken ids of all models that are shown: a model is shown only once
   * @param {(model: Named["model"]) => boolean} fits whether a model can be shown here
   * @returns {Promise<string>} the id; empty if the dialog was cancelled
   */
  return (current, taken, fits) => {
    chosen = current;
    offered = inOrder(all().filter(({ model }) => fits(model))).filter(
      ({ model: { id } }) => id === current || !taken.includes(id),
    );
    search.value = "";
    dialog.returnValue = "";
    list();
    dialog.showModal();
    $("#chooser-list").scrollTop = 0;
    // With a finger, the focus would open a keyboard over the list.
    const withKeyboard = matchMedia("(pointer: fine)").matches;
    (withKeyboard ? search : $("#chooser-list button")).focus({ preventScroll: true });
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    });
  };
}
