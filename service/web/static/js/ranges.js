// @ts-check
// Ranges of the axes of charts. Needs no browser.

/**
 * Find the range of a logarithmic loss axis. It always contains 1 and `highest`.
 * @param {number[]} losses
 * @param {number} highest
 * @returns {[low: number, high: number]}
 */
export const lossRange = (losses, highest) => [
  0.9 * Math.min(...losses, 1),
  Math.max(...losses, highest),
];

/**
 * Find the range of an accuracy axis. The first epochs, which are far below the rest, do not count.
 * @param {Pick<import("./types.d.ts").Epoch, "epoch" | "test_accuracy">[]} history
 * @param {number[]} references accuracies that the axis contains too, in percent
 * @returns {[low: number, high: number]} percent
 */
export function accuracyRange(history, references) {
  const firstEpoch = Math.min(2, history.at(-1)?.epoch ?? 0);
  const late = history.filter((row) => row.epoch >= firstEpoch);
  const values = [...late.map((row) => 100 * row.test_accuracy), ...references];
  const low = 10 * Math.floor(Math.min(70, ...values) / 10);
  const high = Math.min(100, 5 * Math.ceil((Math.max(0, ...values) + 2) / 5));
  return [low, Math.max(high, low + 20)];
}
