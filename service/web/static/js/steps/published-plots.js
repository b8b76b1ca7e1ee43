// @ts-check
// The plots that compare the published gradient with the true one.
import { ACTIVATIONS } from "../activations.js";
import { h, s } from "../dom.js";
import { spreadLabels } from "../label-layout.js";
import { fixed } from "../numbers.js";
import { figure } from "./ledger.js";

/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {import("./scrubber.js").StepIndex} StepIndex */

const LONGEST = 4; // longer arrows are cut off
const LEAST_ANGLE = 0.05; // degrees

/** @param {number} degrees */
export const angleText = (degrees) =>
  degrees > 0 && degrees < LEAST_ANGLE ? "below 0.1°" : `${fixed(degrees, 1)}°`;

/**
 * Draw two arrows from one point: the true gradient to the right, with length 1, and the published
 * one at its angle and length.
 * @param {string} name of the layer
 * @param {number | null | undefined} angle degrees
 * @param {number | null | undefined} ratio of the lengths
 */
export function compass(name, angle, ratio) {
  const title = h("h3", null, name);
  if (angle == null || ratio == null) {
    return h("div", null, title, h("p", { class: "small" }, "A gradient is 0 at this step."));
  }
  const [width, height, y] = [232, 150, 118];
  const length = Math.min(ratio, LONGEST);
  const x = angle > 90 ? 110 : 12;
  const turn = (angle * Math.PI) / 180;
  const rise = length * Math.abs(Math.sin(turn));
  const unit = Math.min(108, 200 / Math.max(1, length), 105 / rise);
  const at = (/** @type {number} */ r, /** @type {number} */ t) => ({
    x: x + r * Math.cos(t),
    y: y - r * Math.sin(t),
  });
  /** @param {number} r @param {number} t @param {string} look */
  const arrow = (r, t, look) => {
    const end = at(r, t);
    const place = `translate(${end.x} ${end.y}) rotate(${(-t * 180) / Math.PI})`;
    return [
      s("line", { x1: x, y1: y, x2: end.x, y2: end.y, class: `vector ${look}` }),
      s("path", { d: "M0 0L-9 -4V4Z", transform: place, class: `tip-of ${look}` }),
    ];
  };
  const radius = Math.min(26, unit * 0.6);
  const end = at(radius, turn);
  const arc = `M${x} ${y}L${x + radius} ${y}A${radius} ${radius} 0 0 0 ${end.x} ${end.y}Z`;
  const isVisible = angle > 0.5;
  const differs = angle > 0.005 || Math.abs(ratio - 1) > 0.005;
  const beside = at(radius + 16, turn / 2);
  const label = !isVisible
    ? s("text", { x: x + 8, y: y - 12, class: "degrees" }, differs ? angleText(angle) : "the same")
    : angle < 28
      ? s("text", { x: x + radius, y: y + 18, class: "degrees" }, angleText(angle))
      : s("text", { ...beside, dy: ".35em", class: "degrees" }, angleText(angle));
  const times = `${fixed(ratio, ratio < 10 ? 2 : 0)} times`;
  const words =
    `${name}: the gradients are ${angleText(angle)} apart; ` +
    `the published one is ${times} as long`;
  const svg = s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
    s("path", { d: `M${Math.max(0, x - 100)} ${y}H${width - 8}M${x} 6V${y + 12}`, class: "cross" }),
    isVisible && s("path", { d: arc, class: "arc" }),
    ...arrow(unit * length, turn, "published"),
    ...arrow(unit, 0, "true"),
    label,
  );
  const text = differs ? [h("b", { class: "orange" }, times), " as long"] : "no difference";
  return h("div", null, title, svg, h("p", { class: "small" }, ...[text].flat()));
}

const GROWTH_HEIGHT = 170;
const LABEL_GAP = 14;

/**
 * Draw the angle over the whole training: medians, the middle half, and this step.
 * @param {StepIndex} index with angles
 * @param {number} step
 * @param {(number | null | undefined)[]} own angles of the step
 * @param {number} width pixels
 */
export function growth({ steps, snapshots, angles }, step, own, width) {
  const [left, right, top, base] = [30, width - 60, 22, GROWTH_HEIGHT - 22];
  const x = (/** @type {number} */ at) => left + ((right - left) * at) / steps;
  const y = (/** @type {number} */ angle) => base - ((base - top) * angle) / 90;
  const ends = snapshots.map((start, i) => [start, snapshots[i + 1] ?? steps + 1]);
  const middles = ends.map(([start, end]) => (start + end) / 2);
  /** @param {(number | null)[]} values */
  const points = (values) =>
    values.flatMap((value, i) =>
      value == null ? [] : [`${x(middles[i]).toFixed(1)} ${y(value).toFixed(1)}`],
    );
  const layers = angles?.layers ?? [];
  const grid = [0, 30, 60, 90].flatMap((tick) => [
    s("line", { x1: left, x2: right, y1: y(tick), y2: y(tick), class: tick ? "grid" : "axis" }),
    s(
      "text",
      { x: left - 6, y: y(tick), dy: ".34em", "text-anchor": "end", class: "scale" },
      String(tick),
    ),
  ]);
  const known = layers.map(([low, median, high], i) => ({ low, median, high, number: i + 1 }));
  const drawn = known.filter(({ median }) => median.some((value) => value != null)); // no max-pools
  const curves = drawn.flatMap(({ low, median, high }, i) => [
    s("path", {
      d: `M${points(low).join("L")}L${points(high).reverse().join("L")}Z`,
      class: "half",
    }),
    s("path", {
      d: `M${points(median).join("L")}`,
      class: "curve-of published",
      "stroke-dasharray": i ? `${4 + 2 * i} 3` : null,
    }),
  ]);
  const labels = drawn.map(({ median, number }) => ({
    y: y(median.findLast((value) => value != null) ?? 0),
    text: `layer ${number}`,
  }));
  const names = spreadLabels(labels, LABEL_GAP, { top, bottom: base }).map((label) =>
    s("text", { x: right + 8, y: label.y, dy: ".34em", class: "end" }, label.text),
  );
  const dots = own.flatMap((angle, i) =>
    angle == null
      ? []
      : [
          s("circle", { cx: x(step), cy: y(angle), r: 4, class: "dot here" }),
          s("text", { x: x(step) + 7, y: y(angle) - 5, class: "end" }, String(i + 1)),
        ],
  );
  const svg = s(
    "svg",
    { viewBox: `0 0 ${width} ${GROWTH_HEIGHT}`, class: "plot growth" },
    s("text", { x: 0, y: 11, class: "scale" }, "↑ Angle, degrees"),
    ...grid,
    ...curves,
    ...names,
    s("text", { x: left, y: GROWTH_HEIGHT - 5, class: "scale" }, "step 1"),
    s(
      "text",
      { x: right, y: GROWTH_HEIGHT - 5, "text-anchor": "end", class: "scale" },
      "last step",
    ),
    s("line", { x1: x(step), x2: x(step), y1: top - 4, y2: base, class: "now" }),
    ...dots,
  );
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

const POINTS = 120; // of a curve

/**
 * Draw both slopes, with the neurons of a layer on them.
 * @param {StepLayer} layer with an activation function of `ACTIVATIONS`
 */
export function slopes(layer) {
  const { value, slope } = ACTIVATIONS[layer.activation ?? ""];
  const [width, height, left, top] = [352, 190, 30, 26];
  const [right, base] = [width - 8, height - 24];
  const reach = Math.max(4, ...layer.z.map(Math.abs)) * 1.06;
  const highest = Math.max(slope(0), slope(1));
  const x = (/** @type {number} */ z) => left + ((right - left) * (z + reach)) / (2 * reach);
  const y = (/** @type {number} */ at) => base - ((base - top) * at) / (1.04 * highest);
  const published = (/** @type {number} */ z) => slope(value(z));
  /** @param {(z: number) => number} of */
  const curve = (of) =>
    Array.from({ length: POINTS + 1 }, (_, i) => {
      const z = reach * ((2 * i) / POINTS - 1) ** 3; // most points where the curve bends
      return `${x(z).toFixed(1)} ${y(of(z)).toFixed(1)}`;
    }).join("L");
  const ticks = [0, 0.4, 0.8].map((share) => Number((share * highest).toPrecision(1)));
  const tick = Number((0.7 * reach).toPrecision(1));
  const least = Math.min(...layer.z.map(slope));
  const most = Math.max(...layer.z.map(slope));
  const leastPublished = Math.min(...layer.z.map(published));
  const words =
    `Slopes of layer ${layer.number}: the true ones are between ${figure(least)} and ` +
    `${figure(most)}; the published ones are at least ${figure(leastPublished)}`;
  return s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": words },
    s("text", { x: 0, y: 12, class: "scale" }, `↑ Slope, layer ${layer.number}`),
    ...ticks.flatMap((at) => [
      s("line", { x1: left, x2: right, y1: y(at), y2: y(at), class: at ? "grid" : "axis" }),
      s(
        "text",
        { x: left - 6, y: y(at), dy: ".34em", "text-anchor": "end", class: "scale" },
        String(at),
      ),
    ]),
    ...[-tick, 0, tick].map((at) =>
      s("text", { x: x(at), y: height - 8, "text-anchor": "middle", class: "scale" }, fixed(at, 0)),
    ),
    s("text", { x: right, y: height - 8, "text-anchor": "end", class: "scale" }, "z →"),
    ...layer.z.map((z) =>
      s("line", { x1: x(z), x2: x(z), y1: y(slope(z)), y2: y(published(z)), class: "gap" }),
    ),
    s("path", { d: `M${curve(slope)}`, class: "curve-of true" }),
    s("path", { d: `M${curve(published)}`, class: "curve-of published" }),
    ...layer.z.flatMap((z) => [
      s("circle", { cx: x(z), cy: y(slope(z)), r: 2.8, class: "dot true" }),
      s("circle", { cx: x(z), cy: y(published(z)), r: 2.8, class: "dot published" }),
    ]),
  );
}
