// @ts-check
// The page of one model: its facts, its confusion matrix, its calibration and its weights.
import { ask, catchProblem, get, hasToken, send } from "./api.js";
import { chart } from "./chart.js";
import { withArticle } from "./class-names.js";
import { lossCurves } from "./curves.js";
import { $, facts, h, notice, plainButton, ready } from "./dom.js";
import { correctCount, totalCount, worstMistake } from "./model/confusion-matrix.js";
import { showConfusion } from "./model/confusion.js";
import { showCalibration, showClasses } from "./model/quality.js";
import { showFirstLayer, showHistograms } from "./model/weights.js";
import { count, fixed, percent, sum } from "./numbers.js";
import { layersText } from "./recipes.js";
import { localText, localTime } from "./times.js";

/** @typedef {import("./types.d.ts").Model} Model */
/** @typedef {Record<string, string>} Ids of models, by alias */
/** @typedef {{ computed: Ids, aliases: Ids }} Aliases */

const KEPT_MS = 10000; // enough for a download to begin
const path = `/models/${encodeURIComponent($("main").dataset.ref)}`;
/** @param {import("./api.js").ProblemError} problem */
const showTrouble = (problem) => $("#trouble").replaceChildren(notice(problem));

/** @param {string} alias @param {string} id */
function aliasElement(alias, id) {
  const remove = async () => {
    await send("DELETE", `/aliases/${encodeURIComponent(alias)}`);
    location.assign(`/ui/models/${id}`);
  };
  const button = plainButton("×", {
    "aria-label": `Remove the alias ${alias}`,
    title: "Remove this alias",
    onclick: () => catchProblem(remove, showTrouble),
  });
  return h("span", { class: "nowrap" }, `${alias} `, button);
}

/**
 * List a model's aliases, with a button to remove each one that a user has set.
 * @param {string} id
 * @param {Aliases} all
 */
function aliasList(id, { computed, aliases }) {
  /** @param {Ids} ids */
  const own = (ids) => Object.keys(ids).filter((alias) => ids[alias] === id);
  const items = [...own(computed), ...own(aliases).map((alias) => aliasElement(alias, id))];
  return items.length ? items.flatMap((item, i) => (i ? [", ", item] : [item])) : "—";
}

/** @param {Model} model */
function summary({ classes, evaluation: { confusion_matrix: matrix } }) {
  const correct = `${count(correctCount(matrix))} of ${count(totalCount(matrix))} test images`;
  const worst = worstMistake(matrix);
  if (!worst.count) return `Classifies ${correct} correctly.`;
  const [label, predicted] = [worst.label, worst.predicted].map((i) => withArticle(classes[i]));
  const times = worst.count === 1 ? "once" : `${worst.count} times`;
  const mistake = `${label} predicted as ${predicted}, ${times}`;
  return `Classifies ${correct} correctly. Its most frequent mistake: ${mistake}.`;
}

/** @param {Model} model @param {Aliases} aliases @param {boolean} isPublished */
function showFacts(model, aliases, isPublished) {
  const { evaluation, recipe, computer } = model;
  const seconds = sum(model.history.map((row) => row.seconds));
  document.title = `${recipe.name} ${model.id} · Stepbox`;
  $("#crumb").textContent = model.id;
  $("#title").textContent = recipe.name;
  $("#sentence").textContent = summary(model);
  const items = facts([
    ["Aliases", aliasList(model.id, aliases)],
    ["Layers", layersText(recipe.hidden_sizes)],
    ["Parameters", count(model.parameters)],
    ["Test loss", `${fixed(evaluation.loss, 3)} nats`],
    ["Engine", `${recipe.engine}, ${model.device}`],
    ...(computer ? [/** @type {[string, string]} */ (["Processor", computer.processor])] : []),
    ["Training time", `${Math.round(seconds)} s`],
    ["Data set", model.dataset.name],
    ["Created", localTime(model.created_at, (stamp) => localText(stamp, false))],
    ["Weights, SHA-256", `${model.weights.sha256.slice(0, 16)}…`],
  ]);
  $("#facts").replaceChildren(...items);
  $("#job").href = `/ui/jobs/${model.job}`;
  $("#learned-published").textContent = isPublished
    ? "; grey: the published run"
    : "; there is no published run of this recipe";
  const accuracy = percent(evaluation.accuracy);
  $("#sure-words").textContent =
    `This deletes the weights and the card of ${model.id} (test accuracy ${accuracy}). ` +
    "It cannot be undone.";
}

/**
 * Prepare the download link. With a token, this page fetches the file: a link cannot send a token.
 * @param {string} id
 */
function prepareDownload(id) {
  const file = `/models/${id}/weights`;
  const fetchFile = async () => {
    const blob = await (await ask(file)).blob();
    const link = h("a", { href: URL.createObjectURL(blob), download: `${id}.safetensors` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
  };
  $("#download").href = file;
  $("#download").addEventListener("click", (/** @type {Event} */ event) => {
    if (!hasToken()) return;
    event.preventDefault();
    catchProblem(fetchFile, showTrouble);
  });
}

/** @param {string} id */
function prepareDeletion(id) {
  const dialog = $("#sure");
  const remove = async () => {
    await send("DELETE", `/models/${id}`);
    location.assign("/ui/models");
  };
  $("#delete").addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") catchProblem(remove, showTrouble);
  });
}

/** @param {string} id */
function prepareNaming(id) {
  const input = $("#alias-name");
  const dialog = $("#naming");
  const clearFault = () => {
    $("#alias-fault")?.remove();
    input.removeAttribute("aria-invalid");
  };
  const addAlias = async () => {
    const alias = encodeURIComponent(input.value.trim()) || "%20";
    await send("PUT", `/aliases/${alias}`, { model: id });
    location.reload();
  };
  $("#alias").addEventListener("click", () => {
    clearFault();
    dialog.showModal();
    input.focus();
  });
  $("#unnamed").addEventListener("click", () => dialog.close());
  $("form", dialog).addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    clearFault();
    catchProblem(addAlias, ({ errors, detail }) => {
      const words = errors[0]?.detail ?? detail;
      input.setAttribute("aria-invalid", "true");
      input.after(h("span", { class: "fault", id: "alias-fault", role: "alert" }, words));
    });
  });
}

async function showModel() {
  const [model, aliases, { recipes }] = await Promise.all([
    get(path),
    get("/aliases"),
    get("/published"),
  ]);
  const { history, losses, recipe } = model;
  const published = recipes[recipe.name]?.history;
  showFacts(model, aliases, Boolean(published));
  prepareDownload(model.id);
  prepareDeletion(model.id);
  prepareNaming(model.id);
  chart($("#learned"), (width) =>
    lossCurves({ width, height: 330, history, losses, published, epochs: recipe.epochs }),
  );
  ready();
  showConfusion(model);
  showClasses(model);
  showCalibration(model);
  showHistograms(model);
  showFirstLayer(model);
}

await catchProblem(showModel, (problem) => {
  $("#trouble").append(notice(problem));
  $("main").classList.add("nothing");
  ready();
});
