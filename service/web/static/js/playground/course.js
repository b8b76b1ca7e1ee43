// @ts-check
// The course of the training: train and test loss against steps, both on a log scale.
import { h, s } from "../dom.js";
import { spreadLabels } from "../label-layout.js";
import { count, percent } from "../numbers.js";
import { figure } from "../steps/ledger.js";

/**
 * @typedef {object} Frame what an event of the job brings
 * @property {number} step
 * @property {string} parameters
 * @property {number} train_loss
 * @property {number} train_accuracy
 * @property {number} test_loss
 * @property {number} test_accuracy
 */

const HEIGHT = 132;
const EDGES = { left: 34, right: 92, top: 20, bottom: 20 }; // around the lines
const LABEL_GAP = 14;
/** @type {[key: "train_loss" | "test_loss", split: string][]} the look of a line is its split */
const LINES = [
  ["train_loss", "train"],
  ["test_loss", "test"],
];

/**
 * Make the scales of the figure.
 * @param {Frame[]} frames
 * @param {{ steps: number, classes: number, width: number }} options
 */
function scales(frames, { steps, classes, width }) {
  const [left, right] = [EDGES.left, width - EDGES.right];
  const [top, base] = [EDGES.top, HEIGHT - EDGES.bottom];
  const guessing = Math.log(classes);
  const losses = frames.flatMap((frame) => [frame.train_loss, frame.test_loss]);
  const high = Math.max(1.15 * guessing, ...losses);
  const low = Math.max(1e-6, 0.8 * Math.min(0.5, ...losses));
  const share = (/** @type {number} */ loss) =>
    Math.log(Math.max(loss, low) / low) / Math.log(high / low);
  return {
    ...{ left, right, top, base, guessing },
    ticks: [1e-5, 1e-4, 0.001, 0.01, 0.1, 1, 10].filter((tick) => tick > low && tick < high),
    x: (/** @type {number} */ step) =>
      left + ((right - left) * Math.log1p(step)) / Math.log1p(Math.max(1, steps)),
    y: (/** @type {number} */ loss) => base - (base - top) * share(loss),
  };
}

/** @typedef {ReturnType<typeof scales>} Scales */

/** @param {Scales} scales @param {number} steps */
function axes({ left, right, base, x, y, ticks, guessing }, steps) {
  const powers = [1, 10, 100, 1000, 10000, 100000].filter((step) => step <= steps);
  return [
    s("text", { x: 0, y: 10, class: "scale" }, "↑ Loss, nats, against steps (both on a log scale)"),
    ...ticks.flatMap((tick) => [
      s("line", { x1: left, x2: right, y1: y(tick), y2: y(tick), class: "grid" }),
      s(
        "text",
        { x: left - 6, y: y(tick), dy: ".34em", "text-anchor": "end", class: "scale" },
        String(tick),
      ),
    ]),
    s("line", { x1: left, x2: right, y1: y(guessing), y2: y(guessing), class: "guessing" }),
    ...powers.map((step) =>
      s("text", { x: x(step), y: base + 16, "text-anchor": "middle", class: "scale" }, count(step)),
    ),
  ];
}

/** @param {Scales} scales @param {Frame[]} frames @param {Frame} now */
function curves({ x, y, top, base, right, guessing }, frames, now) {
  const at = x(now.step);
  const labels = LINES.map(([key, split]) => ({
    text: `${split} ${figure(now[key])}`,
    look: `end ${split}`,
    y: y(now[key]),
    x: Math.min(at, right) + 8,
  }));
  const isFree = labels.every((label) => Math.abs(label.y - y(guessing)) > LABEL_GAP);
  if (isFree) labels.push({ text: "guessing", look: "scale", y: y(guessing), x: right + 8 });
  return [
    ...LINES.map(([key, split]) => {
      const points = frames.map((one) => `${x(one.step).toFixed(1)} ${y(one[key]).toFixed(1)}`);
      return s("path", { d: `M${points.join("L")}`, class: `line ${split}` });
    }),
    s("line", { x1: at, x2: at, y1: top, y2: base, class: "now" }),
    ...LINES.map(([key, split]) => s("circle", { cx: at, cy: y(now[key]), r: 4, class: split })),
    ...spreadLabels(labels, LABEL_GAP).map((label) =>
      s("text", { x: label.x, y: label.y, dy: ".34em", class: label.look }, label.text),
    ),
  ];
}

/**
 * Draw the course of a training.
 * @param {Frame[]} frames
 * @param {number} shown index of the frame to mark
 * @param {{ steps: number, classes: number, width: number }} options
 */
export function courseChart(frames, shown, options) {
  const { width, steps } = options;
  const scale = scales(frames, options);
  return s(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" },
    ...axes(scale, steps),
    ...(frames.length ? curves(scale, frames, frames[shown]) : []),
  );
}

/** Find the position of a step on the slider, which is a log scale too. @param {number} step */
const sliderPosition = (step) => Math.round(1000 * Math.log1p(step));

/** Find the frame that is nearest to a position.
 * @param {Frame[]} frames @param {number} position */
export function frameAt(frames, position) {
  const distances = frames.map(({ step }) => Math.abs(sliderPosition(step) - position));
  return distances.indexOf(Math.min(...distances));
}

/**
 * Put a slider below the axis of the figure, and its thumb below the frame that is shown.
 * @param {HTMLInputElement} slider
 * @param {Frame[]} frames
 * @param {number} shown
 * @param {number} steps
 */
export function placeSlider(slider, frames, shown, steps) {
  const step = frames[shown]?.step ?? 0;
  const last = frames.at(-1)?.step ?? 0;
  slider.max = String(sliderPosition(last));
  slider.value = String(sliderPosition(step));
  slider.disabled = frames.length < 2;
  slider.setAttribute("aria-valuetext", `step ${count(step)}`);
  const share = Math.log1p(last) / Math.log1p(Math.max(1, steps));
  const around = EDGES.left + EDGES.right;
  slider.style.marginInlineStart = `calc(${EDGES.left}px - var(--thumb) / 2)`;
  slider.style.width = `calc((100% - ${around}px) * ${share} + var(--thumb))`;
}

/**
 * Write the figures of a frame as a table.
 * @param {Frame | undefined} frame
 * @param {{ train: unknown[], test: unknown[] }} points
 * @param {number} steps
 */
export function scoreTable(frame, { train, test }, steps) {
  const share = (/** @type {number | undefined} */ value) =>
    value == null ? "—" : percent(value, 1);
  /** @type {[string, string, string][]} */
  const rows = [
    [`Test accuracy, n=${count(test.length)}`, share(frame?.test_accuracy), "n big orange"],
    [`Train accuracy, n=${count(train.length)}`, share(frame?.train_accuracy), "n big blue"],
    ["Step", frame ? `${count(frame.step)} of ${count(steps)}` : "—", "n"],
  ];
  return h(
    "table",
    { class: "scores" },
    h(
      "tbody",
      null,
      ...rows.map(([name, text, look]) =>
        h("tr", null, h("th", { scope: "row" }, name), h("td", { class: look }, text)),
      ),
    ),
  );
}

/** Make the rows of a CSV file. @param {Frame[]} frames */
export const courseRows = (frames) =>
  frames.map(({ step, train_loss, train_accuracy, test_loss, test_accuracy }) => {
    return { step, train_loss, train_accuracy, test_loss, test_accuracy };
  });
