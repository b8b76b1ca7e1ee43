// @ts-check
// What a training has learned so far, in words. Needs no browser.
import { capitalized } from "../capitalized.js";
import { count } from "../numbers.js";

/** Say after which epoch something was. @param {number} epoch */
const afterEpoch = (epoch) => (epoch ? `after epoch ${count(epoch)}` : "before the training");

/**
 * Say which neurons or filters are shown, and when they were so.
 * @param {{ epochs: number, samples: number, count: number, neurons: unknown[] }} layer
 * @param {string} noun
 * @param {string} samplesNoun
 */
export function layerWords({ epochs, samples, count: total, neurons }, noun, samplesNoun) {
  const which =
    neurons.length < total
      ? `The first ${neurons.length} of ${count(total)} ${noun}s`
      : `All ${total} ${noun}s`;
  const when = samples
    ? `in epoch ${count(epochs + 1)}, after ${count(samples)} ${samplesNoun}`
    : afterEpoch(epochs);
  return `${which}, ${when}.`;
}

/**
 * Count the mistakes.
 * @param {{ epoch: number, count: number, total: number }} mistakes
 * @param {string} samplesNoun
 */
export function mistakesWords({ epoch, count: n, total }, samplesNoun) {
  const when = capitalized(afterEpoch(epoch));
  return `${when}, the network misreads ${count(n)} of ${count(total)} test ${samplesNoun}.`;
}
