// @ts-check
// Ranges of the axes of charts. Needs no browser.

const DIGITS = [1, 2, 3, 5]; // of the ticks on a logarithmic axis
const FEW_DIGITS = [1, 2, 5];
const MOST_TICKS = 8;
const MOST_DECADES = 5; // between which other ticks than powers of ten have room

/**
 * List the numbers digit · 10^exponent in a range, in order.
 * @param {number} low
 * @param {number} high
 * @param {number[]} digits
 */
function roundNumbers(low, high, digits) {
  const [from, to] = [low, high].map((x) => Math.floor(Math.log10(x)));
  const exponents = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return exponents
    .flatMap((exponent) => digits.map((digit) => Number(`${digit}e${exponent}`)))
    .filter((x) => low <= x && x <= high);
}

/**
 * Find the range of a logarithmic loss axis: from one tick to another. It always contains 1 and
 * `highest`.
 * @param {number[]} losses
 * @param {number} highest
 * @returns {[low: number, high: number]}
 */
export function lossRange(losses, highest) {
  const positive = losses.filter((loss) => loss > 0);
  const low = positive.reduce((a, b) => Math.min(a, b), 0.9);
  const high = positive.reduce((a, b) => Math.max(a, b), highest);
  return roundRange(low, high);
}

/**
 * Widen a range to round numbers, which can be ticks of a logarithmic axis. If it spans many powers
 * of ten, to powers of ten.
 * @param {number} low above 0
 * @param {number} high
 * @returns {[low: number, high: number]}
 */
export function roundRange(low, high) {
  const digits = high / low > 10 ** MOST_DECADES ? [1] : DIGITS;
  const below = roundNumbers(low / 10, low, digits).at(-1) ?? low;
  return [below, roundNumbers(high, 10 * high, digits)[0] ?? high];
}

/**
 * List the ticks of a logarithmic axis: both ends, and round numbers between them.
 * @param {number[]} range
 */
export function logTicks([low, high]) {
  const inner = [DIGITS, FEW_DIGITS, [1]]
    .map((digits) => roundNumbers(low, high, digits))
    .find((ticks, i) => ticks.length <= MOST_TICKS || i === 2);
  const every = Math.ceil((inner?.length ?? 0) / MOST_TICKS); // so that labels have room
  const shown = (inner ?? []).filter((_, i, all) => (all.length - 1 - i) % every === 0);
  return [...new Set([low, ...shown, high])];
}

/**
 * Find the range of an accuracy axis. Epoch 0, before training, does not count, because it is far
 * below the rest; but with a single epoch, it is the other end of the curve.
 * @param {Pick<import("./types.d.ts").Epoch, "epoch" | "test_accuracy">[]} history
 * @param {number[]} references accuracies that the axis contains too, in percent
 * @param {number} [epochs] the last epoch of the axis
 * @returns {[low: number, high: number]} percent: ticks of `accuracyTicks`
 */
export function accuracyRange(history, references, epochs = history.at(-1)?.epoch ?? 0) {
  const isLong = epochs > 1 && history.some((row) => row.epoch > 0);
  const firstEpoch = isLong ? 1 : 0;
  const late = history.filter((row) => row.epoch >= firstEpoch && row.test_accuracy != null);
  const values = [...late.map((row) => 100 * Number(row.test_accuracy)), ...references];
  const lowest = Math.min(80, ...values);
  const step = accuracyStep(lowest);
  const low = step * Math.floor(lowest / step);
  const high = Math.min(100, step * Math.ceil((Math.max(0, ...values) + 2) / step));
  return [low, Math.max(high, low + 2 * step)];
}

/** @param {number} lowest percent */
const accuracyStep = (lowest) => (lowest >= 80 ? 5 : lowest >= 50 ? 10 : 20);

/** List the ticks of an accuracy axis, in percent. @param {number[]} range */
export function accuracyTicks([low, high]) {
  const step = accuracyStep(low);
  return Array.from({ length: (high - low) / step + 1 }, (_, i) => low + i * step);
}
