// @ts-check
// The remark on a model that did not learn.
import { h } from "../dom.js";

/** Build the remark, if the model needs it. @param {import("../types.d.ts").Model} model */
export const remark = ({ evaluation }) =>
  !evaluation.better_than_guessing && h("p", { class: "remark" }, "No better than guessing");
