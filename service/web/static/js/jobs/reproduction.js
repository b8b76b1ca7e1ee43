// @ts-check
// What a job found that has trained the recipe of a model again.
import { h } from "../dom.js";

/**
 * List the model, whether the weights are the same, and what differs.
 * @param {import("../types.d.ts").Job} job
 * @returns {[string, import("../dom.js").Child][]} nothing for other jobs
 */
export function reproductionFacts({ reproduces, reproduction }) {
  if (!reproduces) return [];
  const link = h("a", { href: `/ui/models/${reproduces}` }, reproduces);
  if (!reproduction) return [["Reproduces", link]];
  /** @type {[string, string][]} */
  const differences = reproduction.differs.map(({ what, before, now }) => [
    `Differs: ${what.replaceAll("_", " ")}`,
    `${before} → ${now}`,
  ]);
  const same = reproduction.same ? "yes, byte for byte" : "no";
  return [["Reproduces", link], ["Same weights", same], ...differences];
}
