// @ts-check
// What the page says of a model whose steps were not kept.
import { h } from "../dom.js";
import { formAddress, loadRecipes } from "../recipes.js";

/**
 * Build the message, with a link to the form that trains the same recipe again.
 * @param {import("../types.d.ts").Model} model
 * @param {string} [detail] why there are no steps
 */
export async function trainAgain({ recipe }, detail = "") {
  const recipes = await loadRecipes();
  const link = { class: "button", href: formAddress(recipe, recipes), "data-writes": true };
  const words =
    "If you train the same recipe again, the steps are kept. On the same kind of processor, the " +
    "weights are the same, too.";
  return h(
    "div",
    { class: "notice" },
    h("b", null, "The steps of this model were not kept. "),
    `${detail} ${words}`.trim(),
    h("p", { class: "row" }, h("a", link, "Train again")),
  );
}
