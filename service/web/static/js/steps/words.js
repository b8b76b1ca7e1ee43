// @ts-check
// Sentences about a step. Needs no browser.
import { sampleWord } from "../models/card.js";
import { count, shareText } from "../numbers.js";
import { figure } from "./ledger.js";

/** @typedef {import("./data.js").Step} Step */

/** Say what happened in a step. @param {Step} step @param {import("../types.d.ts").Model} model */
export function stepText(step, { classes, dataset }) {
  const { epoch, sample, label, said, probabilities, loss } = step;
  const share = shareText(probabilities[said], 1);
  return (
    `Epoch ${epoch}, ${sampleWord(dataset, 1)} ${count(sample)}, label ${classes[label]}. The ` +
    `network predicts ${classes[said]} (${share}). ${said === label ? "Right" : "Wrong"}: ` +
    `loss ${figure(loss)} nats.`
  );
}

/** Say where the parameters come from, and how exact they are. @param {Step} step */
export function replayText({ replay, step }) {
  const from =
    replay.snapshot === step
      ? "The parameters before this step were stored."
      : `The parameters were computed again from step ${count(replay.snapshot)}, before which ` +
        "they were stored.";
  if (replay.difference == null) {
    return `${from} They were not compared with the next stored ones.`;
  }
  const far = replay.difference ? figure(replay.difference, 2) : "0";
  const good = replay.within_goal
    ? ""
    : ` This is more than the goal of ${figure(replay.goal, 1)}.`;
  return `${from} At the next stored ones, the largest difference is ${far}.${good}`;
}
