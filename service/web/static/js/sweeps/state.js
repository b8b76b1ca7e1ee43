// @ts-check
// A sweep and its trials, as answers and events of the API change them. Needs no browser.
import { fixed, percent } from "../numbers.js";

/** @typedef {import("../types.d.ts").Sweep} Sweep */
/** @typedef {import("../types.d.ts").Trial} Trial */
/** @typedef {import("../types.d.ts").Metric} Metric */

/** @param {Trial} trial */
export const isEnded = ({ state }) => state !== "queued" && state !== "running";

/** The metric of a trial so far; undefined before its first epoch. @param {Trial} trial */
export const latestValue = ({ values }) => values.at(-1);

/** @param {Metric} metric */
export const metricWords = (metric) => metric.replace("_", " ");

/** Write a value of the metric. @param {Metric} metric @param {number | null | undefined} value */
export function valueText(metric, value) {
  if (value == null) return "—";
  return metric === "validation_loss" ? fixed(value, 4) : percent(value, 2);
}

/**
 * Compare two values: negative if the first one is better.
 * @param {Metric} metric
 * @param {number} a
 * @param {number} b
 */
export const compareValues = (metric, a, b) => (metric === "validation_loss" ? a - b : b - a);

/** @param {Sweep} sweep @param {Trial[]} trials */
function withTrials(sweep, trials) {
  const { metric } = sweep.search;
  const complete = trials.filter(({ value }) => value != null);
  const [best] = complete.toSorted((a, b) =>
    compareValues(metric, Number(a.value), Number(b.value)),
  );
  return { ...sweep, trials, best: best ?? null };
}

/**
 * Take what an event says about a trial: that it was submitted, or that it has ended.
 * @param {Sweep} sweep
 * @param {Trial} trial
 * @returns {Sweep}
 */
export function withTrial(sweep, trial) {
  if (trial.final) return { ...sweep, winner: trial };
  const known = sweep.trials.find(({ number }) => number === trial.number);
  if (known && (isEnded(known) || !isEnded(trial))) return sweep; // an old event
  const others = sweep.trials.filter((one) => one !== known);
  return withTrials(
    sweep,
    [...others, trial].sort((a, b) => a.number - b.number),
  );
}

/**
 * Take the metric after an epoch of a trial.
 * @param {Sweep} sweep
 * @param {{ number: number, epoch: number, value: number }} event
 * @returns {Sweep}
 */
export function withValue(sweep, { number, epoch, value }) {
  const trials = sweep.trials.map((trial) =>
    trial.number === number && !isEnded(trial) && trial.values.length === epoch - 1
      ? { ...trial, state: /** @type {const} */ ("running"), values: [...trial.values, value] }
      : trial,
  );
  return { ...sweep, trials };
}

/**
 * Take an answer of the API, which may be older than what events have said meanwhile.
 * @param {Sweep} sweep
 * @param {Sweep} answer
 * @returns {Sweep}
 */
export function withAnswer(sweep, answer) {
  const known = new Map(sweep.trials.map((trial) => [trial.number, trial]));
  const trials = answer.trials.map((trial) => {
    const one = known.get(trial.number);
    known.delete(trial.number);
    if (!one || isEnded(trial)) return trial;
    if (isEnded(one)) return one;
    return one.values.length > trial.values.length ? { ...trial, values: one.values } : trial;
  });
  return withTrials(answer, [...trials, ...known.values()]);
}

/**
 * Place the trials by their values: 0 is the best one, 1 the worst. Only those that are complete or
 * still run count.
 * @param {Trial[]} trials
 * @param {Metric} metric
 * @returns {Map<number, number>} by the numbers of the trials
 */
export function shares(trials, metric) {
  const placed = trials
    .filter((trial) => isRated(trial) && latestValue(trial) !== undefined)
    .sort((a, b) => compareValues(metric, Number(latestValue(a)), Number(latestValue(b))));
  return new Map(placed.map(({ number }, i) => [number, i / Math.max(1, placed.length - 1)]));
}

/** Tell whether a trial can still win. @param {Trial} trial */
export const isRated = ({ state }) => state === "complete" || state === "running";

/** How many epochs a trial has at most. @param {Sweep} sweep */
export function mostEpochs({ recipe, search }) {
  const domain = search.space.epochs;
  if (!domain) return recipe.epochs;
  if ("choices" in domain) return Math.max(...domain.choices.map(Number));
  return "high" in domain ? domain.high : recipe.epochs;
}

/** Say how far a sweep has come. @param {Sweep} sweep */
export function progressText({ trials, progress, status }) {
  const ended = trials ? trials.filter(isEnded).length : progress.trials_ended;
  const pruned = (trials ?? []).filter(({ state }) => state === "pruned").length;
  const text = `${ended} of ${progress.trials} trials have ended`;
  return status === "queued" ? "queued" : `${text}${pruned ? `, ${pruned} pruned` : ""}`;
}

/** Say why nothing is known about the importance of the parameters. @param {Sweep} sweep */
export function noImportance({ trials, search }) {
  if (Object.keys(search.space).length === 1 && trials.every(({ params }) => one(params))) {
    return "Only one parameter varies, so there is nothing to compare.";
  }
  const complete = trials.filter(({ state }) => state === "complete").length;
  return complete < 4
    ? `It is not known before 4 trials are complete; ${complete} are.`
    : "It is not known, because the trials do not differ enough.";
}

/** @param {Record<string, unknown>} params */
const one = (params) => Object.keys(params).length === 1;
