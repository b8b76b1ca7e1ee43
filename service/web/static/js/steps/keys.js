// @ts-check
// What keys do on the page. Needs no browser.

/**
 * @typedef {{ action: "turn" | "neuron", way: number } | { action: "layer", layer: number }
 *   | { action: "play" | "next" | "later" }} Action
 */

/** @type {Record<string, Action>} */
const ANYWHERE = {
  ArrowRight: { action: "turn", way: 1 },
  ArrowLeft: { action: "turn", way: -1 },
};

/** @type {Record<string, Action>} with the focus on the diagram */
const IN_DIAGRAM = {
  ArrowDown: { action: "neuron", way: 1 },
  ArrowUp: { action: "neuron", way: -1 },
  " ": { action: "play" },
  n: { action: "next" },
  e: { action: "later" },
};

/**
 * Find what a key does, or null.
 * @param {string} key
 * @param {boolean} inDiagram
 * @param {number} layers that a digit can choose
 * @returns {Action | null}
 */
export function actionOf(key, inDiagram, layers) {
  if (ANYWHERE[key]) return ANYWHERE[key];
  if (!inDiagram) return null;
  const layer = /^[1-9]$/.test(key) ? Number(key) : null;
  if (layer != null) return layer <= layers ? { action: "layer", layer } : null;
  return IN_DIAGRAM[key.length === 1 ? key.toLowerCase() : key] ?? null;
}
