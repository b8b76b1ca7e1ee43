// @ts-check
// The page of all models: a list to sort and filter, and a comparison of the ticked models.
import "./page.js";
import { catchProblem, get, listModels } from "./api.js";
import { $, $$, h, notice, plainButton, ready } from "./dom.js";
import { prepareComparison } from "./models/compare.js";
import { datasetOf, titleOf } from "./models/card.js";
import { MOST_COMPARED } from "./models/comparison.js";
import { readView, sortedBy, visibleModels, writeView } from "./models/listing.js";
import { modelRow } from "./models/rows.js";
import { count } from "./numbers.js";
import { engineName, loadRecipes, nameOf } from "./recipes.js";
import { query } from "./request-line.js";

/** @typedef {import("./models/listing.js").Listed} Listed */

const PAGE = 100; // rows that are added at once, so that thousands of models do not block the page
const FILTERS = /** @type {const} */ (["text", "dataset", "engine"]);

/** @type {Listed[]} the newest first */
let listed = [];
let view = readView(query);
let shown = PAGE;
/** @type {Map<string, HTMLTableRowElement>} the rows that were built, by the model's id */
const rows = new Map();

const showMore = plainButton("", {
  onclick: () => {
    shown += PAGE;
    showList();
  },
});
const showAll = plainButton("Show all models", {
  onclick: () => {
    changeList({ text: "", dataset: "", engine: "" });
    for (const name of FILTERS) $(`#${name}`).value = "";
    $("#list").focus({ preventScroll: true });
  },
});
const showComparison = prepareComparison({
  remove: (id) => tick(id, false),
  showAll: (all) => changeComparison({ all }),
});

/** @typedef {Partial<import("./models/listing.js").View>} Change */

/** @param {Change} change */
function changeView(change) {
  view = { ...view, ...change };
  history.replaceState(null, "", location.pathname + writeView(view) + location.hash);
}

/** @param {Change} change */
function changeList(change) {
  changeView(change);
  shown = PAGE;
  showList();
}

/** @param {Change} change */
function changeComparison(change) {
  changeView(change);
  showTicks();
  showCompared();
}

/** @param {string} id @param {boolean} ticked */
function tick(id, ticked) {
  const others = view.compare.filter((other) => other !== id);
  changeComparison({ compare: ticked ? [...others, id] : others });
}

/** @param {Listed} one */
function rowOf(one) {
  const { id } = one.model;
  const row = rows.get(id) ?? modelRow(one);
  rows.set(id, row);
  return row;
}

/** Show the models that match the filters, sorted. */
function showList() {
  const visible = visibleModels(listed, view);
  const all = `${count(listed.length)} ${listed.length === 1 ? "model" : "models"}`;
  const part = visible.length < listed.length ? `${count(visible.length)} of ` : "";
  $("#count").textContent = part + all;
  $("#models").hidden = !visible.length;
  $("#models tbody").replaceChildren(...visible.slice(0, shown).map(rowOf));
  $("#none").replaceChildren(...(visible.length ? [] : ["No model matches. ", showAll]));
  const left = visible.length - shown;
  showMore.textContent = `Show ${Math.min(PAGE, left)} more`;
  $("#more").replaceChildren(...(left > 0 ? [showMore] : []));
  for (const header of $$("#models thead th:has(button)")) {
    const isSorted = $("button", header).dataset.sort === view.sort;
    if (isSorted) header.setAttribute("aria-sort", view.order);
    else header.removeAttribute("aria-sort");
  }
  showTicks();
}

function showTicks() {
  const full = view.compare.length >= MOST_COMPARED;
  for (const input of $$("#models tbody input")) {
    input.checked = view.compare.includes(input.value);
    input.disabled = full && !input.checked;
  }
}

function showCompared() {
  const compared = view.compare.map((id) => listed.find(({ model }) => model.id === id));
  showComparison(/** @type {Listed[]} */ (compared), view.all);
}

/**
 * Offer the values that the models have, and the one in the address.
 * @param {"dataset" | "engine"} field
 */
function prepareChoices(field) {
  /** @type {Map<string, string>} the words for each value */
  const values = new Map(view[field] ? [[view[field], view[field]]] : []);
  for (const { model } of listed) {
    if (field === "engine") values.set(model.recipe.engine, engineName(model.recipe.engine));
    else values.set(datasetOf(model), titleOf(model.dataset));
  }
  const titles = [...values.values()];
  /** @param {string} value @param {string} words */
  const text = (value, words) =>
    titles.filter((other) => other === words).length > 1 ? `${words} (${value})` : words;
  $(`#${field}`).append(
    ...[...values]
      .sort(([, one], [, other]) => one.localeCompare(other, "en"))
      .map(([value, words]) => h("option", { value }, text(value, words))),
  );
}

/**
 * Find the models to compare in the address, which may name them by an alias.
 * @param {Record<string, string>} ids by alias
 */
function findCompared(ids) {
  const wanted = [...new Set(view.compare.map((reference) => ids[reference] ?? reference))];
  const found = wanted.filter((id) => listed.some(({ model }) => model.id === id));
  view.compare = found.slice(0, MOST_COMPARED);
  const missing = wanted.filter((id) => !found.includes(id));
  const left = found.slice(MOST_COMPARED);
  const details = [
    missing.length && `There is no model or alias ${missing.map((id) => `“${id}”`).join(", ")}.`,
    left.length && `At most ${MOST_COMPARED} can be compared; left out: ${left.join(", ")}.`,
  ].filter((detail) => typeof detail === "string");
  if (!details.length) return;
  const title = "Not all models of this address can be compared";
  $("#trouble").append(notice({ title, detail: details.join(" ") }));
}

function listen() {
  for (const name of FILTERS) {
    $(`#${name}`).value = view[name];
    $(`#${name}`).addEventListener("input", (/** @type {{ target: HTMLInputElement }} */ event) => {
      changeList({ [name]: event.target.value });
    });
  }
  $("#filters").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
  $("#models").addEventListener("click", (/** @type {{ target: HTMLElement }} */ { target }) => {
    const { sort } = target.dataset;
    if (sort) changeList(sortedBy(view, sort));
  });
  $("#models tbody").addEventListener(
    "change",
    (/** @type {{ target: HTMLInputElement }} */ { target }) => tick(target.value, target.checked),
  );
  $("#clear").addEventListener("click", () => {
    changeComparison({ compare: [] });
    $("#list").focus({ preventScroll: true });
  });
}

/** @param {{ id: string, detail: string }[]} damaged */
function showDamaged(damaged) {
  if (!damaged.length) return;
  const [{ id }] = damaged;
  const title =
    damaged.length === 1
      ? `${id} is damaged and is not used`
      : `${count(damaged.length)} models are damaged and are not used`;
  const message = notice({ title, detail: damaged.length === 1 ? damaged[0].detail : "" });
  if (damaged.length > 1) {
    const items = damaged.map(({ detail }) => h("li", null, detail));
    message.append(h("details", null, h("summary", null, "Show why"), h("ul", null, ...items)));
  }
  $("#trouble").append(message);
}

async function showModels() {
  const [{ models, damaged }, { computed, aliases }, recipes] = await Promise.all([
    listModels(),
    get("/aliases"),
    loadRecipes(),
  ]);
  const ids = { ...computed, ...aliases };
  listed = models.map((model) => ({
    model,
    name: nameOf(model, recipes),
    aliases: Object.keys(ids).filter((alias) => ids[alias] === model.id),
  }));
  findCompared(ids);
  showDamaged(damaged);
  if (!models.length) {
    const link = h("a", { href: "/" }, "Train one on the page Jobs");
    $("#trouble").append(h("p", { class: "empty" }, "There are no models yet. ", link, "."));
    return;
  }
  prepareChoices("dataset");
  prepareChoices("engine");
  listen();
  $("main").classList.remove("nothing");
  showList();
  showCompared();
  if (location.hash === "#compare") $("#compare").scrollIntoView();
}

await catchProblem(showModels, (problem) => $("#trouble").append(notice(problem)));
ready();
