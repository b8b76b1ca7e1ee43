// @ts-check
// The gallery of the test images that a model gets wrong, or on which two models disagree. Each
// image opens on the page Predict.
import { allModels, catchProblem, get } from "../api.js";
import { $, h, notice, whenSeen } from "../dom.js";
import { count, percent, shareText } from "../numbers.js";
import { sampleWord } from "../models/card.js";
import { keyOf } from "../predict/input.js";
import { loadRecipes, nameOf } from "../recipes.js";
import { savable } from "../save-figure.js";
import { paintInTheme } from "../theme.js";
import { misreadRow, misreadText, sampleTile, sampleView } from "./sample-view.js";

/** @typedef {import("../types.d.ts").Model} Model */

/** @typedef {{ other_predicted: number | null, other_probability: number | null }} Other */
/** @typedef {import("./sample-view.js").Misread & Other} Mistake */

const PAGE = 24; // images
const MOST_AT_ONCE = 1000; // images, the API's limit

/** @param {string} id */
const chosen = (id) => $(`#${id}`).value;

/** The choices of the form, as parameters of the API. */
function choices() {
  const parameters = ["true", "predicted", "against"].map((name) => [
    name,
    chosen(`mistakes-${name}`),
  ]);
  return Object.fromEntries(parameters.filter(([, value]) => value));
}

/**
 * Get a part of the images.
 * @param {string} id
 * @param {Record<string, string>} chosenOnes what `choices` returned
 * @param {number} offset number of images before
 * @param {number} limit
 * @returns {Promise<{ count: number, images: Mistake[] }>}
 */
function getMistakes(id, chosenOnes, offset, limit) {
  const parameters = { ...chosenOnes, offset: String(offset), limit: String(limit) };
  return get(`/models/${id}/mistakes?${new URLSearchParams(parameters)}`);
}

/**
 * Make a row of a table for each image that the form chooses, also for those not shown yet.
 * @param {Model} model
 */
async function mistakeRows({ id, classes, dataset }) {
  const chosenOnes = choices();
  const { against } = chosenOnes;
  /** @type {import("../save/csv.js").Row[]} */
  const rows = [];
  for (let total = 1; rows.length < total;) {
    const { count: n, images } = await getMistakes(id, chosenOnes, rows.length, MOST_AT_ONCE);
    if (!images.length) break;
    total = n;
    for (const image of images) {
      rows.push({
        ...misreadRow(image, { ...dataset, classes }),
        ...(against && {
          [`class predicted by ${against}`]: classes[Number(image.other_predicted)],
          [`probability by ${against}`]: image.other_probability,
        }),
      });
    }
  }
  return rows;
}

/**
 * Choose the mistakes of one cell of the confusion matrix.
 * @param {number} label
 * @param {number} predicted
 */
export function chooseMistakes(label, predicted) {
  $("#mistakes-true").value = String(label);
  $("#mistakes-predicted").value = String(predicted);
  $("#mistakes-against").value = "";
  $("#mistakes-form").dispatchEvent(new Event("change"));
}

/** Write the lines below an image. @param {Mistake} image @param {string[]} classes */
function captionLines(image, classes) {
  const { label, predicted, probability, ...other } = image;
  const share = shareText(probability, 1);
  if (other.other_predicted == null || other.other_probability == null) {
    return [misreadText(image, classes), share];
  }
  const second = `${classes[other.other_predicted]}, ${shareText(other.other_probability, 1)}`;
  return [`true: ${classes[label]}`, `this: ${classes[predicted]}, ${share}`, `other: ${second}`];
}

/** @param {Model} model @param {string} against @param {Mistake} image */
function tile({ id, classes, dataset }, against, image) {
  const view = sampleView(dataset, image);
  const models = [id, against].filter(Boolean).join(",");
  const href = `/ui/predict?sample=${keyOf(dataset)}-${image.index}&models=${models}`;
  return { paint: view.paint, element: sampleTile(view, captionLines(image, classes), href) };
}

/** @param {number} n @param {boolean} compared @param {Model} model */
function countText(n, compared, { dataset }) {
  const images = `${count(n)} test ${sampleWord(dataset, n)}`;
  if (compared && !n) {
    return `The two models predict the same class for each of these ${sampleWord(dataset)}.`;
  }
  if (compared) return `The two models predict different classes for ${images}.`;
  return n
    ? `${images}, the most confident mistake first.`
    : `No test ${sampleWord(dataset, 1)} is misread.`;
}

/** Fill the menu of the other models of this data set. @param {Model} model */
async function fillModels({ id, dataset }) {
  const [models, recipes] = await Promise.all([allModels(), loadRecipes()]);
  const others = models.filter((one) => one.id !== id && keyOf(one.dataset) === keyOf(dataset));
  $("#mistakes-against").append(
    ...others.map((one) => {
      const accuracy = percent(one.evaluation.accuracy);
      return h("option", { value: one.id }, `${nameOf(one, recipes)}, ${accuracy} (${one.id})`);
    }),
  );
}

/**
 * Prepare the gallery, and show it once it comes near the view.
 * @param {Model} model
 */
export function showMistakes(model) {
  for (const menu of [$("#mistakes-true"), $("#mistakes-predicted")]) {
    menu.append(...model.classes.map((name, i) => h("option", { value: i }, name)));
  }
  $("#mistakes").classList.add(model.dataset.kind);
  savable($("#mistakes").closest("figure"), {
    name: `mistakes-${model.id}`,
    rows: () => mistakeRows(model),
    drawing: false,
  });
  whenSeen($("#mistakes"), async () => {
    /** @type {ReturnType<typeof tile>[]} */
    let tiles = [];
    let latestRequest = 0;
    const fail = (/** @type {import("../api.js").ProblemError} */ problem) =>
      $("#mistakes-words").replaceChildren(notice(problem));

    const paint = () => {
      for (const tile of tiles) tile.paint();
    };

    /** @param {number} offset number of images that are shown already */
    async function load(offset) {
      const request = ++latestRequest;
      $("#mistakes-more").disabled = !offset; // until the images of the new choice are here
      const against = chosen("mistakes-against");
      const found = await getMistakes(model.id, choices(), offset, PAGE);
      if (request !== latestRequest) return; // the user has chosen something else meanwhile
      const more = found.images.map((image) => tile(model, against, image));
      tiles = [...tiles.slice(0, offset), ...more];
      $("#mistakes").replaceChildren(...tiles.map(({ element }) => element));
      $("#mistakes-words").textContent = countText(found.count, Boolean(against), model);
      $("#mistakes-more").disabled = false;
      $("#mistakes-more").hidden = tiles.length >= found.count;
      paintInTheme(paint, "mistakes");
    }

    $("#mistakes-form").addEventListener("change", () => catchProblem(() => load(0), fail));
    $("#mistakes-more").addEventListener("click", () =>
      catchProblem(async () => {
        const shown = tiles.length;
        await load(shown);
        $("a", tiles[shown]?.element)?.focus(); // the button may be hidden now
      }, fail),
    );
    await Promise.all([
      catchProblem(() => fillModels(model), fail),
      catchProblem(() => load(0), fail),
    ]);
  });
}
