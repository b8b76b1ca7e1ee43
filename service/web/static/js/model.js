// @ts-check
// The page of one model: its facts, its confusion matrix, its calibration and its weights.
import "./page.js";
import { catchProblem, get, send } from "./api.js";
import { $, facts, h, notice, ready, whenSeen } from "./dom.js";
import { labelForm } from "./labels.js";
import { aliasList, prepareNaming, showAliases } from "./model/aliases.js";
import { showConfusion } from "./model/confusion.js";
import { drawCurves } from "./model/curves.js";
import { showMistakes } from "./model/mistakes.js";
import { preparePrediction } from "./model/predict-data.js";
import { showCalibration, showClasses } from "./model/quality.js";
import { showFilters } from "./model/filters.js";
import { exportLinks, prepareDownload } from "./model/files.js";
import { showHistograms } from "./model/histograms.js";
import { showLayers } from "./model/layers.js";
import { showSampleMaps } from "./model/sample-maps.js";
import { otherAccuracies, sizesText, titleOf } from "./models/card.js";
import { showWords, summary } from "./model/words.js";
import { trainingSeconds } from "./models/listing.js";
import { remark } from "./models/remark.js";
import { count, fixed, percent } from "./numbers.js";
import { keyOf } from "./predict/input.js";
import { projectionFigure } from "./projection.js";
import { engineName, loadRecipes, nameOf, namedRecipe, publishedFor, runName } from "./recipes.js";
import { duration, localText, localTime } from "./times.js";

/** @typedef {import("./types.d.ts").Model} Model */
/** @typedef {import("./types.d.ts").Recipes} Recipes */
/** @typedef {import("./model/aliases.js").Aliases} Aliases */

const path = `/models/${encodeURIComponent($("main").dataset.ref)}`;
/** @param {import("./api.js").ProblemError} problem */
const showTrouble = (problem) => $("#trouble").replaceChildren(notice(problem));

/** Write the mean time of the epochs after the first evaluation. @param {Model} model */
function epochText(model) {
  const epochs = model.history.length - 1;
  return epochs > 0 ? duration(trainingSeconds(model) / epochs) : "not known";
}

/** Link to the job, once it is known whether it still exists. @param {string} job its id */
async function showJob(job) {
  const link = h("a", { href: `/ui/jobs/${job}` }, job);
  const found = await catchProblem(
    () => get(`/jobs/${encodeURIComponent(job)}`),
    (problem) => ({ deleted: problem.status === 404 }),
  );
  $("#job").replaceChildren(found.deleted ? "deleted" : link);
}

/** @param {Model} model @param {Aliases} aliases @param {Recipes} recipes */
function showFacts(model, aliases, recipes) {
  const name = nameOf(model, recipes);
  const { evaluation, recipe, computer } = model;
  document.title = `${name} ${model.id} · Stepbox`;
  $("#crumb").textContent = model.id;
  $("#title").textContent = name;
  $("#sentence").textContent = summary(model);
  $("#remark").replaceChildren(remark(model) || "");
  $("#notes").textContent = model.notes ?? "";
  $("#try").href = `/ui/predict?models=${model.id}`;
  $("#steps").href = `/ui/models/${model.id}/steps`;
  $("#compare-with").href = `/ui/models?compare=${model.id}`;
  const items = facts([
    ["Aliases", aliasList(model.id, aliases, showTrouble)],
    ...(model.tags?.length
      ? [/** @type {[string, string]} */ (["Tags", model.tags.join(", ")])]
      : []),
    ["Recipe", runName(namedRecipe(model), recipes)],
    ["Layers", sizesText(model)],
    ["Parameters", count(model.parameters)],
    ["Test accuracy", percent(evaluation.accuracy, 2)],
    ...otherAccuracies(model).map(
      ([text, value]) =>
        /** @type {[string, string]} */ ([text, value == null ? "—" : percent(value, 2)]),
    ),
    ["Test loss", `${fixed(evaluation.loss, 3)} nats`],
    ["Engine", `${engineName(recipe.engine)} on ${model.device.replace("cpu", "CPU")}`],
    ...(computer ? [/** @type {[string, string]} */ (["Processor", computer.processor])] : []),
    ["Training time", duration(trainingSeconds(model))],
    ["Time per epoch", epochText(model)],
    ["Data set", h("a", { href: `/ui/data/${keyOf(model.dataset)}` }, titleOf(model.dataset))],
    ...(recipe.from_model
      ? [
          /** @type {[string, any]} */ ([
            "Continues",
            h("a", { href: `/ui/models/${recipe.from_model}` }, String(recipe.from_model)),
          ]),
        ]
      : []),
    ["Created", localTime(model.created_at, (stamp) => localText(stamp, false))],
    ["Job", h("span", { id: "job" }, "…")],
    ["For other programs", exportLinks(model.id, showTrouble)],
    ["Weights, SHA-256", `${model.weights.sha256.slice(0, 16)}…`],
  ]);
  $("#facts").replaceChildren(...items);
  const accuracy = percent(evaluation.accuracy);
  $("#sure-words").textContent =
    `This deletes the weights and the card of ${model.id} (test accuracy ${accuracy}). ` +
    "It cannot be undone.";
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

/** Let the recipe be trained again, and open the page of the job. @param {string} id */
function prepareReproduction(id) {
  const reproduce = async () => {
    const answer = await send("POST", `/models/${id}/reproduce`);
    location.assign(`/ui/jobs/${(await answer.json()).id}`);
  };
  $("#reproduce").addEventListener("click", () => catchProblem(reproduce, showTrouble));
}

async function showModel() {
  const [model, aliases, { recipes: allPublished }, recipes] = await Promise.all([
    get(path),
    get("/aliases"),
    get("/published"),
    loadRecipes(),
  ]);
  showWords(model);
  showFacts(model, aliases, recipes);
  $("main").classList.remove("nothing");
  prepareDownload(model.id, showTrouble);
  prepareDeletion(model.id);
  prepareNaming(model.id);
  preparePrediction(model);
  prepareReproduction(model.id);
  labelForm(
    path,
    () => model,
    ({ title, notes, tags }) => {
      Object.assign(model, { title, notes, tags });
      showFacts(model, aliases, recipes);
      showJob(model.job);
    },
  );
  drawCurves(model, publishedFor(model.recipe, recipes, allPublished)?.history);
  showConfusion(model);
  showMistakes(model);
  showClasses(model);
  showCalibration(model);
  showLayers(model);
  showHistograms(model);
  showFilters(model);
  showSampleMaps(model);
  const showProjection = projectionFigure($("#projection"), model);
  whenSeen($("#projection"), () => showProjection(null));
  ready();
  showJob(model.job);
  await showAliases(model.id, aliases.aliases);
}

await catchProblem(showModel, (problem) => {
  const link = h("a", { href: "/ui/models" }, "See all models");
  if (problem.status === 404) {
    $("#title").textContent = "No such model";
    $("#trouble").append(
      h("p", null, "No model has this id or alias. It may have been deleted. ", link, "."),
    );
  } else $("#trouble").append(notice(problem));
  ready();
});
