// @ts-check
// The remark on a model that learned too little.
import { h } from "../dom.js";
import { losesToGuessing } from "../guessing.js";

/** Build the remark, if the model needs it. @param {import("../types.d.ts").Model} model */
export function remark({ classes, evaluation }) {
  const words =
    evaluation.better_than_guessing === false
      ? "No better than guessing"
      : losesToGuessing(evaluation.loss, classes.length) && "Its loss is no lower than guessing";
  return words && h("p", { class: "remark" }, words);
}
