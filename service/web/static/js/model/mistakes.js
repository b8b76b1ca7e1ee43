// @ts-check
// The gallery of the test images that a model gets wrong, or on which two models disagree. Each
// image opens on the page Predict.
import { allModels, catchProblem, get } from "../api.js";
import { $, h, notice, whenSeen } from "../dom.js";
import { count, percent } from "../numbers.js";
import { drawImage } from "../pixels.js";
import { loadRecipes, nameOf } from "../recipes.js";
import { paintInTheme } from "../theme.js";

/** @typedef {import("../types.d.ts").Model} Model */

/**
 * @typedef {object} Mistake
 * @property {number} index
 * @property {number} label
 * @property {number[][]} pixels
 * @property {number} predicted
 * @property {number} probability
 * @property {number | null} other_predicted
 * @property {number | null} other_probability
 */

const PAGE = 24; // images

/** @param {string} id */
const chosen = (id) => $(`#${id}`).value;

/** @param {Mistake} image @param {string[]} classes */
function captionText({ label, predicted, probability, ...other }, classes) {
  const own = `${classes[predicted]}, ${percent(probability, 0)}`;
  if (other.other_predicted == null || other.other_probability == null) {
    return `${classes[label]} read as ${own}`;
  }
  const second = `${classes[other.other_predicted]}, ${percent(other.other_probability, 0)}`;
  return `${classes[label]}: this model ${own}; the other ${second}`;
}

/** @param {Model} model @param {string} against @param {Mistake} image */
function tile({ id, classes, dataset }, against, image) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const models = [id, against].filter(Boolean).join(",");
  const href = `/ui/predict?sample=${dataset.name}-${image.index}&models=${models}`;
  const caption = h("span", null, captionText(image, classes));
  return { canvas, image, element: h("li", null, h("a", { href }, canvas, caption)) };
}

/** @param {number} n @param {boolean} compared */
function countText(n, compared) {
  const images = n === 1 ? "1 test image" : `${count(n)} test images`;
  if (compared && !n) return "The two models predict the same class for each of these images.";
  if (compared) return `The two models predict different classes for ${images}.`;
  return n ? `${images}, the most confident mistake first.` : "No test image is misread.";
}

/**
 * Fill the menus of classes, and the menu of the other models of this data set.
 * @param {Model} model
 */
async function fillMenus({ id, classes, dataset }) {
  for (const menu of [$("#mistakes-true"), $("#mistakes-predicted")]) {
    menu.append(...classes.map((name, i) => h("option", { value: i }, name)));
  }
  const [models, recipes] = await Promise.all([allModels(), loadRecipes()]);
  const others = models.filter((one) => one.id !== id && one.dataset.name === dataset.name);
  $("#mistakes-against").append(
    ...others.map((one) => {
      const accuracy = percent(one.evaluation.accuracy);
      return h("option", { value: one.id }, `${nameOf(one, recipes)}, ${accuracy} (${one.id})`);
    }),
  );
}

/**
 * Show the gallery, once it comes near the view.
 * @param {Model} model
 */
export const showMistakes = (model) =>
  whenSeen($("#mistakes"), () => {
    /** @type {ReturnType<typeof tile>[]} */
    let tiles = [];
    let latestRequest = 0;
    const fail = (/** @type {import("../api.js").ProblemError} */ problem) =>
      $("#mistakes-words").replaceChildren(notice(problem));

    const paint = () => {
      for (const { canvas, image } of tiles) drawImage(canvas, image.pixels.flat());
    };

    /** @param {number} offset number of images that are shown already */
    async function load(offset) {
      const request = ++latestRequest;
      const against = chosen("mistakes-against");
      const parameters = new URLSearchParams({ limit: String(PAGE), offset: String(offset) });
      for (const name of ["true", "predicted", "against"]) {
        const value = chosen(`mistakes-${name}`);
        if (value) parameters.set(name, value);
      }
      const found = await get(`/models/${model.id}/mistakes?${parameters}`);
      if (request !== latestRequest) return; // the user has chosen something else meanwhile
      const more = found.images.map((/** @type {Mistake} */ image) => tile(model, against, image));
      tiles = [...tiles.slice(0, offset), ...more];
      $("#mistakes").replaceChildren(...tiles.map(({ element }) => element));
      $("#mistakes-words").textContent = countText(found.count, Boolean(against));
      $("#mistakes-more").hidden = tiles.length >= found.count;
      paintInTheme(paint, "mistakes");
    }

    catchProblem(() => fillMenus(model), fail);
    catchProblem(() => load(0), fail);
    $("#mistakes-form").addEventListener("change", () => catchProblem(() => load(0), fail));
    $("#mistakes-more").addEventListener("click", () =>
      catchProblem(async () => {
        const shown = tiles.length;
        await load(shown);
        $("a", tiles[shown]?.element)?.focus(); // the button may be hidden now
      }, fail),
    );
  });
