// @ts-check
// The activation functions and their derivatives. Needs no browser.

/**
 * @typedef {object} Activation
 * @property {string} symbol
 * @property {(z: number) => number} value
 * @property {(z: number) => number} slope f′(z)
 * @property {number | null} leastPublished f′(f(z)) is never smaller; null if it can be 0
 */

const sech2 = (/** @type {number} */ z) => Math.cosh(z) ** -2;
const sigmoidSlope = (/** @type {number} */ z) => 0.25 * sech2(z / 2);

/** @type {Record<string, Activation>} */
export const ACTIVATIONS = {
  sigmoid: {
    symbol: "σ",
    value: (z) => 1 / (1 + Math.exp(-z)),
    slope: sigmoidSlope,
    leastPublished: sigmoidSlope(1),
  },
  tanh: { symbol: "tanh", value: Math.tanh, slope: sech2, leastPublished: sech2(1) },
  relu: {
    symbol: "relu",
    value: (z) => Math.max(0, z),
    slope: (z) => Number(z > 0),
    leastPublished: null,
  },
};

export const SATURATED = 0.05; // a slope below this

/** @param {string | null} name @returns {string} how formulas write the function */
export const symbolOf = (name) => (name && ACTIVATIONS[name]?.symbol) || name || "f";
