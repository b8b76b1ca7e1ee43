// @ts-check
// The test images in two dimensions, as a layer of a network represents them before and after
// training. Each image is drawn as the number of its class.
import { catchProblem, inTurn, post } from "./api.js";
import { enlargement } from "./chart.js";
import { areDigits } from "./class-names.js";
import { cssColor } from "./color.js";
import { $, h, notice } from "./dom.js";
import { percent } from "./numbers.js";
import { drawPicture } from "./pixels.js";
import { hiddenLayers } from "./maps/shapes.js";
import { isVectors, keyOf } from "./predict/input.js";
import { testSample } from "./predict/tiles.js";
import { savable } from "./save-figure.js";
import { nearestPoint, scaleToFit } from "./scatter.js";
import { paintInTheme, themeColor } from "./theme.js";

/** @typedef {[x: number, y: number]} Point */
/** @typedef {{ shares: Point, points: Point[], image: Point | null }} Projected */
/** @typedef {"before" | "after"} Which */

/**
 * @typedef {object} Projection
 * @property {number} layer
 * @property {number[]} sizes
 * @property {string} dataset
 * @property {number[]} labels
 * @property {Projected} before
 * @property {Projected} after
 */

const SIDES = /** @type {Which[]} */ (["before", "after"]);
const FIRST_SIZE = 420; // pixels, of a canvas that has no layout yet
const MOST_LONG = 6; // layers; the names of more are short, so that they fit in one row
const NEAR = 16; // pixels between the pointer and an image that it shows
const NEAR_FINGER = 32; // pixels
const CLASS_COLORS = Array.from({ length: 10 }, (_, i) => `--class-${i}`);

/**
 * Show the figure in a section of a page, for one model.
 * @param {Element} host
 * @param {import("./types.d.ts").Model} model
 * @returns {(image: any[] | null) => Promise<void>} shows the projection again, with an image
 *   or a vector, as numbers, among the test samples
 */
export function projectionFigure(host, { id, classes, recipe, dataset }) {
  const areVectors = isVectors(dataset);
  const [what, own] = areVectors ? ["sample", "your numbers"] : ["image", "your drawing"];

  /** @type {Projection | null} */
  let found = null;
  /** @type {any[] | null} */
  let image = null;
  /** @type {number | null} */
  let layer = null;
  /** @type {number | null} */
  let highlighted = null;
  let selected = 0;
  let asked = 0;

  const layerCount = hiddenLayers(recipe).length + 2; // with the inputs and the logits

  /** @param {number} layer */
  function layerName(layer) {
    if (layer === 0) return areVectors ? "columns" : "pixels";
    if (layer === layerCount - 1) return "logits";
    return layerCount > MOST_LONG ? `layer ${layer}` : `hidden layer ${layer}`;
  }

  const choices = Array.from({ length: layerCount }, (_, i) =>
    h("input", { type: "radio", name: `layer-${id}`, value: i }),
  );
  const layers = h(
    "fieldset",
    { class: "segments" },
    h("legend", { class: "sr" }, "Layer"),
    ...choices.map((input, i) => h("label", null, input, h("span", null, layerName(i)))),
  );
  const canvases = SIDES.map((which) =>
    h("canvas", { role: "img", "aria-label": `Test ${what}s ${which} training` }),
  );
  const captions = SIDES.map(() => h("p", { class: "small" }));
  const classMenu = h(
    "select",
    { onchange: chooseClass },
    h("option", { value: "" }, "all classes"),
    ...classes.map((name, i) => h("option", { value: i }, name)),
  );
  const slider = h("input", { type: "range", min: 0, max: 999, value: 0, oninput: chooseImage });
  const sliderWords = h("span", null, `Test ${what}, 0 to 999`);
  const picture = h("canvas", { class: "seen-image", "aria-hidden": "true", hidden: areVectors });
  const words = h("p", { class: "small", role: "status" });
  const key = h("p", { class: "small" });
  host.replaceChildren(
    h("div", { class: "row" }, layers, h("label", { class: "small" }, "Highlight", classMenu)),
    h(
      "div",
      { class: "scatter" },
      ...SIDES.map((which, i) =>
        h(
          "div",
          null,
          h("h3", null, which === "before" ? "Before training" : "After training"),
          canvases[i],
          captions[i],
        ),
      ),
    ),
    key,
    h(
      "div",
      { class: "row chosen-image" },
      picture,
      h("div", null, h("label", { class: "small" }, sliderWords, slider), words),
    ),
  );
  savable(/** @type {HTMLElement} */ (host), {
    name: `test-images-in-two-dimensions-${id}`,
    rows: () => {
      if (!found) return [];
      const { labels, before, after } = found;
      /**
       * @param {number | string} name
       * @param {string} kind
       * @param {Point} from
       * @param {Point} to
       */
      const row = (name, kind, from, to) => ({
        layer: layerName(layer ?? 0),
        [`test ${what}`]: name,
        class: kind,
        "x before training": from[0],
        "y before training": from[1],
        "x after training": to[0],
        "y after training": to[1],
      });
      const rows = labels.map((label, i) =>
        row(i, classes[label], before.points[i], after.points[i]),
      );
      if (before.image && after.image) {
        rows.push(row(own, "", before.image, after.image));
      }
      return rows;
    },
  });
  if (!areDigits(classes)) key.textContent = classes.map((name, i) => `${i}: ${name}`).join(" · ");

  function chooseClass() {
    highlighted = classMenu.value === "" ? null : Number(classMenu.value);
    paint();
  }

  function chooseImage() {
    selected = Number(slider.value);
    paint();
    showSelected();
  }

  layers.addEventListener("change", (/** @type {Event} */ { target }) => {
    layer = Number(/** @type {HTMLInputElement} */ (target).value);
    load();
  });

  /** Width and height of a canvas, in pixels of usual type. @param {HTMLCanvasElement} canvas */
  const sizeOf = (canvas) => canvas.clientWidth / enlargement() || FIRST_SIZE;

  /** @param {Projected} projected @param {number} size */
  const placed = ({ points, image: shown }, size) =>
    scaleToFit(shown ? [...points, shown] : points, size);

  function paint() {
    if (!found) return;
    const { labels } = found;
    const colors = CLASS_COLORS.map((name) => cssColor(themeColor(name)));
    const [paper, ink, grey] = ["--paper", "--ink", "--grey"].map((n) => cssColor(themeColor(n)));
    SIDES.forEach((which, side) => {
      const projected = /** @type {Projection} */ (found)[which];
      const canvas = canvases[side];
      const size = sizeOf(canvas);
      const points = placed(projected, size);
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const sharpness = enlargement() * devicePixelRatio;
      canvas.width = canvas.height = Math.round(size * sharpness); // this clears it, too
      context.scale(sharpness, sharpness);
      context.font = "600 11px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      /** @param {number} i */
      const isHighlighted = (i) => highlighted == null || labels[i] === highlighted;
      const order = labels
        .map((_, i) => i)
        .sort((a, b) => Number(isHighlighted(a)) - Number(isHighlighted(b)));
      for (const i of order) {
        context.globalAlpha = isHighlighted(i) ? 1 : 0.35;
        context.fillStyle = isHighlighted(i) ? colors[labels[i] % colors.length] : grey;
        context.fillText(String(labels[i]), ...points[i]);
      }
      context.globalAlpha = 1;
      context.strokeStyle = ink;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(...points[selected], 10, 0, 2 * Math.PI);
      context.stroke();
      if (!projected.image) return;
      const [x, y] = points[points.length - 1];
      context.fillStyle = ink;
      context.strokeStyle = paper;
      context.beginPath();
      context.arc(x, y, 8, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
      context.font = "600 13px system-ui, sans-serif";
      const isRight = x > size / 2;
      context.textAlign = isRight ? "end" : "start";
      context.lineWidth = 4;
      const label = /** @type {const} */ ([own, x + (isRight ? -12 : 12), y]);
      context.strokeText(...label);
      context.fillText(...label);
    });
  }

  async function showSelected() {
    const { labels } = /** @type {Projection} */ (found);
    const index = selected;
    words.replaceChildren(
      `Test ${what} ${index}, ${classes[labels[index]]}. `,
      h(
        "a",
        { class: "unsaved", href: `/ui/predict?sample=${keyOf(dataset)}-${index}&models=${id}` },
        "Open in Predict",
      ),
    );
    if (areVectors) return;
    const one = await testSample(dataset, index);
    if (index === selected) paintInTheme(() => drawPicture(picture, one.pixels, dataset), picture);
  }

  async function load() {
    const request = ++asked;
    const body = {
      model: id,
      ...(layer == null ? {} : { layer }),
      ...(image && { [areVectors ? "input" : "image"]: image }),
    };
    const answer = await inTurn(
      async () => request === asked && post("/analysis/projection", body),
    );
    if (request !== asked) return; // a newer request is under way
    found = /** @type {Projection} */ (answer);
    layer = found.layer;
    choices[layer].checked = true;
    SIDES.forEach((which, i) => {
      const [x, y] = answer[which].shares;
      captions[i].textContent =
        `Shows ${percent(x, 0)} of the variance along x, and ${percent(y, 0)} along y.`;
    });
    slider.max = String(found.labels.length - 1);
    sliderWords.textContent = `Test ${what}, 0 to ${slider.max}`;
    paintInTheme(paint, host);
    await showSelected();
  }

  canvases.forEach((canvas, side) => {
    /** Choose the image that is nearest to the pointer. @param {PointerEvent} event */
    const choose = ({ clientX, clientY, pointerType }) => {
      if (!found) return;
      const box = canvas.getBoundingClientRect();
      const size = sizeOf(canvas);
      const at = /** @type {Point} */ ([
        ((clientX - box.left) * size) / box.width,
        ((clientY - box.top) * size) / box.height,
      ]);
      const points = placed(found[SIDES[side]], size).slice(0, found.labels.length);
      const near = nearestPoint(points, at, pointerType === "mouse" ? NEAR : NEAR_FINGER);
      if (near == null || near === selected) return;
      slider.value = String(near);
      chooseImage();
    };
    canvas.addEventListener("pointermove", choose);
    canvas.addEventListener("pointerdown", choose); // a tap does not move
  });
  new ResizeObserver(paint).observe(canvases[0]);

  return (newImage) => {
    image = newImage;
    return catchProblem(load, (problem) => $("p", host)?.before(notice(problem)));
  };
}
