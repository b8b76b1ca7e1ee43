// @ts-check
// The remark on a model that learned too little.
import { h } from "../dom.js";
import { GUESSING_LOSS } from "../sizes.js";

/** Build the remark, if the model needs it. @param {import("../types.d.ts").Model} model */
export function remark({ evaluation }) {
  const words = !evaluation.better_than_guessing
    ? "No better than guessing"
    : evaluation.loss >= GUESSING_LOSS && "Its loss is no lower than guessing";
  return words && h("p", { class: "remark" }, words);
}
