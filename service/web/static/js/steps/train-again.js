// @ts-check
// An offer to train a recipe again, for models whose steps were not kept.
import { catchProblem, post } from "../api.js";
import { h, notice } from "../dom.js";

/**
 * Build the offer.
 * @param {import("../types.d.ts").Model} model
 * @param {import("../api.js").ProblemError} problem says why there are no steps
 */
export function offerTraining({ recipe }, { detail }) {
  const fault = h("div");
  const train = () =>
    catchProblem(
      async () => {
        const { name, engine: _, ...fields } = recipe;
        const given = Object.entries(fields).filter(([, value]) => value != null);
        const job = await post("/train", { recipe: name, ...Object.fromEntries(given) });
        location.assign(`/ui/jobs/${job.id}`);
      },
      (problem) => fault.replaceChildren(notice(problem)),
    );
  return h(
    "div",
    { class: "notice" },
    h("b", null, "The steps of this model were not kept. "),
    `${detail} If you train the same recipe again, the steps are kept. On the same kind of ` +
      "processor, the weights are the same, too.",
    h(
      "p",
      { class: "row" },
      h(
        "button",
        { class: "button", type: "button", "data-writes": true, onclick: train },
        "Train again",
      ),
    ),
    fault,
  );
}
