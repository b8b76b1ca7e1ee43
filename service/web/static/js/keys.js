// @ts-check
// Keys that move something. Needs no browser.

/** @type {Record<string, [right: number, down: number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Get the direction of an arrow key, or undefined for any other key. @param {string} key */
export const arrowStep = (key) => STEPS[key];
