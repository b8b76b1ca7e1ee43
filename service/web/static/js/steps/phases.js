// @ts-check
// The phases of a step, in the order in which things are computed. Needs no browser.

/**
 * @typedef {object} Phase
 * @property {string} key in the address
 * @property {"input" | "forward" | "softmax" | "loss" | "backward" | "gradients" | "update"} kind
 * @property {number | null} layer from 1; null if the reader chooses it
 * @property {string[]} mark on the button; the second part is written above the line
 * @property {string} name for screen readers
 */

/**
 * List the phases of a step of a network.
 * @param {number} layers
 * @returns {Phase[]}
 */
export function phasesOf(layers) {
  const numbers = Array.from({ length: layers }, (_, i) => i + 1);
  return [
    { key: "input", kind: "input", layer: 1, mark: ["x"], name: "the input" },
    ...numbers.map((l) => ({
      key: `forward-${l}`,
      kind: /** @type {const} */ ("forward"),
      layer: l,
      mark: [layers > 5 ? String(l) : `layer ${l}`],
      name: `forward through layer ${l}`,
    })),
    { key: "softmax", kind: "softmax", layer: layers, mark: ["softmax"], name: "softmax" },
    { key: "loss", kind: "loss", layer: layers, mark: ["loss"], name: "loss" },
    ...numbers.reverse().map((l) => ({
      key: `delta-${l}`,
      kind: /** @type {const} */ ("backward"),
      layer: l,
      mark: ["δ", String(l)],
      name: `backward to layer ${l}`,
    })),
    { key: "gradients", kind: "gradients", layer: null, mark: ["gradients"], name: "gradients" },
    { key: "update", kind: "update", layer: null, mark: ["update"], name: "update" },
  ];
}

/** Tell whether a phase is before the backward pass. @param {Phase} phase */
export const isForward = ({ kind }) => ["input", "forward", "softmax", "loss"].includes(kind);

/**
 * Tell which columns of a layer have been computed in a phase, and which the phase computes.
 * @param {Phase[]} phases
 * @param {number} at index of the phase
 * @param {number} layer
 * @param {number} chosen the layer that the reader chose, for the phases that show one
 */
export function columnsOf(phases, at, layer, chosen) {
  const last = Math.max(...phases.map((phase) => phase.layer ?? 0));
  const { kind, layer: own } = phases[at];
  const done = (/** @type {string} */ key) => at >= phases.findIndex((phase) => phase.key === key);
  const forward = kind === "forward" && own === layer;
  const isLast = layer === last;
  return {
    seen: {
      z: done(`forward-${layer}`),
      a: done(isLast ? "softmax" : `forward-${layer}`),
      delta: done(`delta-${layer}`),
    },
    fresh: {
      z: forward || (kind === "softmax" && isLast),
      a: isLast
        ? ["softmax", "loss", "update"].includes(kind)
        : forward || (kind === "gradients" && layer === chosen - 1),
      delta:
        (kind === "backward" && (own === layer || own === layer - 1)) ||
        (kind === "gradients" && layer === chosen),
    },
  };
}
