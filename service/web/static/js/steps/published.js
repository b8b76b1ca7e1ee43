// @ts-check
// The same step with the published gradient: angles and lengths, slopes, and the loss after it.
import { ACTIVATIONS, SATURATED, symbolOf } from "../activations.js";
import { $, h, numberCell, rowHeader, tableContent } from "../dom.js";
import { display, inline, row, sup, sub, words } from "../mathml.js";
import { count, fixed, sum } from "../numbers.js";
import { savable } from "../save-figure.js";
import { hasMaps } from "./layout.js";
import { figure } from "./ledger.js";
import { angleText, compass, growth, slopes } from "./published-plots.js";

/** @typedef {import("./data.js").Step} Step */
/** @typedef {import("./data.js").StepLayer} StepLayer */
/** @typedef {import("./scrubber.js").StepIndex} StepIndex */

const KINDS = [
  ["published", "As published"],
  ["slope", "Mistake 1 only"],
  ["order", "Mistake 2 only"],
];
const MOST_SLOPES = 2; // layers whose slopes are drawn
const WIDEST = 808; // pixels

/** Layers with parameters, the last first. @param {Step} step */
const learning = ({ layers }) => layers.filter(({ gradient }) => gradient).reverse();

/** Layers of neurons whose slope at a differs from that at z: the first and the last.
 * @param {Step} step */
function slopedLayers({ layers }) {
  const found = layers.filter(
    (layer) => !hasMaps(layer) && ACTIVATIONS[layer.activation ?? ""]?.leastPublished != null,
  );
  return found.length > MOST_SLOPES ? [found[0], found[found.length - 1]] : found;
}

/** @param {StepLayer} layer @param {string} kind */
function difference(layer, kind) {
  const [angle, ratio] = [layer.angle[kind], layer.ratio[kind]];
  if (angle == null || ratio == null) return "—";
  if (angle < 0.05 && Math.abs(ratio - 1) < 5e-4) return "0° · ×1.000";
  const digits = ratio < 1.01 && ratio > 0.99 ? 3 : 2;
  return `${angleText(angle)} · ×${fixed(ratio, digits)}`;
}

/** @param {Step} step */
function fillTable(step) {
  const { after, loss } = step;
  const outcome = (/** @type {string} */ kind) => after?.[kind];
  const rows = learning(step).map((layer) => {
    const { inputs, outputs } = /** @type {any} */ (layer);
    const same = (/** @type {string} */ kind) =>
      layer.isLast ? "the same" : difference(layer, kind);
    const name = `${layer.number}: ${count(inputs)} → ${count(outputs)}`;
    const size = figure(layer.gradient?.norm ?? 0);
    return h(
      "tr",
      null,
      rowHeader(name),
      numberCell(size),
      ...KINDS.map(([kind]) => numberCell(same(kind))),
    );
  });
  const lossRow = (
    /** @type {string} */ name,
    /** @type {(outcome: import("./data.js").Outcome) => number | null} */ value,
    isTotal = false,
  ) => {
    const cells = ["exact", ...KINDS.map(([kind]) => kind)].map((kind, i) => {
      const found = outcome(kind);
      const number = found && value(found);
      const before = isTotal && !i ? `${figure(loss, 4)} ` : "";
      return numberCell(number == null ? "—" : `${before}→ ${figure(number, 4)}`);
    });
    return h("tr", { class: isTotal ? "total" : null }, rowHeader(name), ...cells);
  };
  $("#differences").replaceChildren(
    ...tableContent(
      [
        ["Layer"],
        ["Length of the true gradient", true],
        ...KINDS.map(([, name]) => /** @type {[string, boolean]} */ ([name, true])),
      ],
      [
        ...rows,
        lossRow("Loss of this sample, before and after", (found) => found.loss, true),
        lossRow("Loss after a step as long as the true one", (found) => found.loss_same_length),
      ],
    ),
  );
}

/** Make the rows of the table's data. @param {Step} step */
const differenceRows = (step) =>
  learning(step).flatMap((layer) =>
    KINDS.map(([kind, name]) => ({
      layer: layer.number,
      gradient: name,
      "angle, degrees": layer.angle[kind],
      "length, relative": layer.ratio[kind],
      "loss after the step, nats": step.after?.[kind]?.loss,
      "loss after a step of the same length, nats": step.after?.[kind]?.loss_same_length,
    })),
  );

/** Explain the first mistake at this step. @param {Step} step */
function slopeText(step) {
  const layer = slopedLayers(step)[0];
  const activation = layer && ACTIVATIONS[layer.activation ?? ""];
  const least = activation?.leastPublished;
  if (!activation || least == null) {
    const isRelu = step.layers.some(({ activation: name }) => name === "relu");
    return isRelu ? "For relu, the slope at a is the slope at z, so this changes nothing." : "";
  }
  const flat = layer.z.filter((z) => activation.slope(z) < SATURATED).length;
  const where = `of the ${layer.z.length} neurons in layer ${layer.number}`;
  if (!flat) return `At this step, none ${where} is saturated: no slope is below ${SATURATED}.`;
  return (
    `At this step, ${flat} ${where} ${flat === 1 ? "is" : "are"} saturated: ` +
    `${flat === 1 ? "its" : "their"} slope is below ${SATURATED}. ` +
    `The original used ${Math.floor(100 * least) / 100} or more instead.`
  );
}

/** Explain the second mistake at this step. @param {Step} step */
function orderText(step) {
  const last = step.layers[step.layers.length - 1];
  const squared = sum(last.delta.exact.map((value) => value ** 2));
  const norm2 = () => sup(row(words("‖"), "δ", words("‖")), "2");
  return [
    "The error that reaches the layer below is too small by ",
    inline("η", norm2(), "a"),
    `. Below the last layer, that is ${figure(step.learning_rate * squared)} times each ` +
      "activation at this step. It should be 0. It grows with the learning rate and with the " +
      "square of the error.",
  ];
}

/** Write the formulas of both mistakes. @param {Step} step */
function fillFormulas(step) {
  const symbol = symbolOf(step.layers[0].activation);
  const slope = (/** @type {string} */ at) => [symbol, "′", "(", sub(at, "j"), ")"];
  const first = display(...slope("a"), words("\u2002instead of\u2002"), ...slope("z"));
  const updated = row("(", "W", "−", "η", "δ", sup("a", words("⊤")), ")");
  const transposed = () => sup("W", words("⊤"));
  const norm2 = sup(row(words("‖"), "δ", words("‖")), "2");
  const second = display(
    sup(updated, words("⊤")),
    "δ",
    "=",
    transposed(),
    "δ",
    "−",
    "η",
    norm2,
    "a",
  );
  $("#slope-formula").replaceChildren(first);
  $("#order-formula").replaceChildren(second);
}

/**
 * Prepare the comparison.
 * @param {StepIndex} index
 * @returns {(step: Step) => void} shows a step
 */
export function comparison(index) {
  /** @type {Step | null} */
  let shown = null;
  const host = $("#growth");
  $("#published").hidden = false;
  $("#growth-figure").hidden = index.angles == null;

  function drawGrowth() {
    if (!shown || !index.angles || !host.clientWidth) return;
    const own = shown.layers.slice(0, -1).filter(({ gradient }) => gradient);
    const angles = own.map(({ angle }) => angle.published);
    const width = Math.round(Math.min(WIDEST, host.clientWidth));
    host.replaceChildren(growth(index, shown.step, angles, width));
  }

  new ResizeObserver(drawGrowth).observe(host);
  const rows = () => (shown ? differenceRows(shown) : []);
  savable($("#angles").closest("figure"), { name: "angles", rows });
  savable($("#differences").closest("figure"), { name: "gradients", rows, drawing: false });
  savable($("#growth-figure"), {
    name: `angles-${index.model}`,
    rows: () =>
      (index.angles?.layers ?? []).flatMap(([low, median, high], i) =>
        index.snapshots.map((step, k) => ({
          "from step": step,
          layer: i + 1,
          "lower quartile, degrees": low[k],
          "median, degrees": median[k],
          "upper quartile, degrees": high[k],
        })),
      ),
  });
  savable($("#slopes").closest("figure"), {
    name: "slopes",
    rows: () =>
      (shown ? slopedLayers(shown) : []).flatMap(({ number, z, a, slope, activation }) =>
        z.map((value, neuron) => ({
          layer: number,
          neuron,
          z: value,
          "slope at z": slope?.[neuron],
          "slope as published": ACTIVATIONS[activation ?? ""].slope(a[neuron]),
        })),
      ),
  });

  return (step) => {
    shown = step;
    const layers = learning(step);
    const compasses = layers.map((layer) =>
      layer.isLast
        ? compass(`Layer ${layer.number}`, 0, 1)
        : compass(`Layer ${layer.number}`, layer.angle.published, layer.ratio.published),
    );
    $("#angles").replaceChildren(...compasses);
    const isCut = layers.some(({ ratio }) => (ratio.published ?? 0) > 4);
    $("#angles-words").textContent = isCut ? "Arrows longer than 4 are cut off at 4." : "";
    const sloped = slopedLayers(step).reverse();
    $("#slopes").replaceChildren(...sloped.map(slopes));
    $("#slopes").closest("figure").hidden = !sloped.length;
    fillFormulas(step);
    $("#slope-words").textContent = slopeText(step);
    $("#order-words").replaceChildren(...orderText(step));
    fillTable(step);
    drawGrowth();
  };
}
