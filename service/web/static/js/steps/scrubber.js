// @ts-check
// The whole training with a slider over it, and the jumps to notable steps.
import { catchProblem } from "../api.js";
import { $, h, s } from "../dom.js";
import { count } from "../numbers.js";
import { savable } from "../save-figure.js";
import { curveRows, drawCurve, HEIGHT } from "./curve.js";
import { nearestOpenable, nextOpenable } from "./data.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./curve.js").Scales} Scales */

/**
 * @typedef {object} StepIndex what the API says about all steps
 * @property {string} model
 * @property {number} steps
 * @property {number} steps_per_epoch
 * @property {number} batch_size
 * @property {string} trained_with
 * @property {number[]} snapshots
 * @property {number} reach
 * @property {import("./curve.js").Losses | null} loss
 * @property {number[] | null} wrong
 * @property {{ every: number, layers: (number | null)[][][] } | null} angles
 * @property {{ first: number, epoch_ends: number[], largest_loss: number | null }} jumps
 */

const MOST_ENDS = 5; // epochs whose ends have buttons

/**
 * Prepare the slider and the jumps.
 * @param {StepIndex} index
 * @param {ReturnType<typeof import("./data.js").stepLoader>} loader
 * @param {{ go: (step: number) => void,
 *   fail: (problem: import("../api.js").ProblemError) => void }} options
 */
export function scrubber(index, loader, { go, fail }) {
  /** @type {Step | null} */
  let current = null;
  /** @type {Scales | null} */
  let scales = null;
  const mark = s("g", { class: "here" });
  const plot = h("div", { class: "curve" });
  const slider = h("input", {
    type: "range",
    id: "range",
    min: 1,
    max: index.steps,
    step: 1,
    "aria-label": "Step of the training",
  });

  /** Draw where the current step is. */
  function place() {
    if (!current || !scales) return;
    const x = scales.x(current.step);
    const isRight = current.said === current.label;
    const y = index.loss ? scales.y(current.loss) : HEIGHT / 2;
    mark.replaceChildren(
      s("line", { x1: x, x2: x, y1: 12, y2: 87 }),
      s("circle", { cx: x, cy: y, r: 5, class: isRight ? "right" : "wrong" }),
    );
  }

  function draw() {
    const width = Math.round(plot.clientWidth);
    if (!width) return;
    const drawn = drawCurve(index, width);
    scales = drawn.scales;
    drawn.svg.append(mark);
    plot.replaceChildren(drawn.svg);
    place();
  }

  const next = () => current && nextOpenable(index, current.step);

  /** Find the next step of some kind, from the beginning after the last one. */
  const nextMistake = () =>
    catchProblem(async () => {
      const from = current;
      const { step } = await loader.find("wrong", from?.step ?? 0);
      const found = step ?? (await loader.find("wrong", 0)).step;
      if (found != null && current === from) go(found); // unless another step was chosen meanwhile
    }, fail);

  slider.addEventListener("input", () => go(nearestOpenable(index, Number(slider.value))));
  slider.addEventListener("keydown", (event) => {
    const forward = ["ArrowRight", "ArrowUp"].includes(event.key);
    if (!current || (!forward && !["ArrowLeft", "ArrowDown"].includes(event.key))) return;
    event.preventDefault();
    const step = forward ? next() : previousOpenable(index, current.step);
    if (step) go(step);
  });
  $("#track").append(plot, slider);
  new ResizeObserver(draw).observe(plot);
  savable($("#track-figure"), { name: `steps-${index.model}`, rows: () => curveRows(index) });

  /** @param {string} text @param {() => number | null | void | Promise<void>} to
   * @param {Record<string, string>} [attributes] */
  const jump = (text, to, attributes) => {
    const onclick = () => {
      const step = to();
      if (typeof step === "number") go(step);
    };
    return h("button", { class: "button", type: "button", ...attributes, onclick }, text);
  };
  const { first, epoch_ends: ends, largest_loss: largest } = index.jumps;
  const nextButton = jump("Next step", next);
  const later = jump("Same sample, one epoch later", () => current?.next_epoch ?? null);
  const shownEnds = ends.length > MOST_ENDS ? [ends.length] : ends.map((_, i) => i + 1);
  $("#jumps").append(
    nextButton,
    later,
    h("span", { class: "gap" }),
    jump("First step", () => first),
    h(
      "span",
      { class: "ends", role: "group", "aria-label": "End of an epoch" },
      h("span", { class: "small" }, "End of epoch"),
      ...shownEnds.map((epoch) => jump(String(epoch), () => ends[epoch - 1])),
    ),
    ...(largest == null ? [] : [jump("Largest loss", () => largest)]),
    ...(index.loss == null ? [] : [jump("Next mistake", nextMistake)]),
  );

  return {
    next,
    later: () => current?.next_epoch ?? null,
    /** @param {Step} step */
    show(step) {
      current = step;
      slider.value = String(step.step);
      const text = `step ${count(step.step)} of ${count(index.steps)}, epoch ${step.epoch}`;
      slider.setAttribute("aria-valuetext", text);
      later.disabled = step.next_epoch == null;
      nextButton.disabled = next() == null;
      place();
    },
  };
}

/** Find the last step before another one that can be opened, or null.
 * @param {StepIndex} index @param {number} step */
function previousOpenable(index, step) {
  const before = nearestOpenable(index, step - 1);
  if (before < step) return before;
  const snapshot = index.snapshots.findLast((one) => one < step);
  return snapshot == null ? null : Math.min(step - 1, snapshot + index.reach - 1);
}
