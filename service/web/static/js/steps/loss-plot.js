// @ts-check
// The loss in the diagram: a dot on the curve −log p, and after the update a second one.
import { s } from "../dom.js";
import { fixed } from "../numbers.js";

/** @typedef {import("./stage.js").Scene} Scene */

const POINTS = 60; // of the curve
const LEAST_TOP = 5; // nats

/** Draw the loss once it is known. @param {Scene} scene */
export function drawLoss({ step, view, layout, words }) {
  if (view.at < view.phases.findIndex(({ kind }) => kind === "loss")) return;
  const isUpdate = view.phase.kind === "update";
  const after = isUpdate ? step.after?.[view.gradient] : null;
  const isHot = isUpdate || view.phase.kind === "loss";
  // The curve is that of −log p, without the weight of the class.
  const cost = (/** @type {number} */ loss) => loss / step.weight;
  const [was, is] = [cost(step.loss), after ? cost(after.loss) : 0];
  const top = Math.max(LEAST_TOP, was + 0.4, is + 0.4);
  const { x: left, y: upper, width, height } = layout.loss;
  const x = (/** @type {number} */ p) => left + 14 + p * (width - 18);
  const y = (/** @type {number} */ c) => upper + height - 14 - ((height - 24) * c) / top;
  const curve = Array.from({ length: POINTS + 1 }, (_, i) => {
    const c = top * (1 - i / POINTS);
    return `${x(Math.exp(-c)).toFixed(1)} ${y(c).toFixed(1)}`;
  });
  const scale = { y: y(0) + 12, class: "scale" };
  words.append(
    s("path", { d: `M${x(0)} ${y(top)}V${y(0)}H${x(1)}`, class: "axis" }),
    s("path", { d: `M${curve.join("L")}`, class: isHot ? "curve hot" : "curve" }),
    s("text", { x: x(0) - 2, y: y(top) - 5, class: "scale" }, "−log p of the label"),
    s("text", { ...scale, x: x(1), "text-anchor": "end" }, "1"),
    s("text", { ...scale, x: x(0), "text-anchor": "middle" }, "0"),
  );
  const dot = (/** @type {number} */ c, /** @type {string} */ name) =>
    words.append(s("circle", { cx: x(Math.exp(-c)), cy: y(c), r: 4.5, class: `dot ${name}` }));
  const value = (/** @type {number} */ c, /** @type {string} */ name) => {
    const isLeft = Math.exp(-c) < 0.55;
    const place = {
      x: x(Math.exp(-c)) + (isLeft ? 8 : -6),
      y: Math.min(y(c), y(0) - 10) - (isLeft ? 0 : 5),
      "text-anchor": isLeft ? "start" : "end",
    };
    words.append(s("text", { ...place, class: `value ${name}` }, fixed(c, c < 0.1 ? 4 : 3)));
  };
  dot(was, after ? "was" : "");
  if (after) {
    dot(is, "is");
    value(is, "is");
  } else value(was, "");
}
