// @ts-check
// The classes of a data set: how many samples they have, their mean image, and some images.
import { catchProblem } from "../api.js";
import { $, h, notice, numberCell, rowHeader, table, whenSeen } from "../dom.js";
import { count } from "../numbers.js";
import { fromPixels } from "../save/csv.js";
import { savable } from "../save-figure.js";
import { cutAll, cutOut, getBitmap } from "./pictures.js";
import { plural } from "./words.js";

/** @typedef {import("./words.js").Dataset} Dataset */

const PAGE = 20; // classes that are added at once, so that a thousand do not block the page
const SHOWN = 8; // images of each class

/** Show the numbers of samples as two bars. @param {number[]} numbers @param {number} largest */
function bars(numbers, largest) {
  const [train, test] = numbers.map((number) => {
    const bar = h("i");
    bar.style.width = `${(100 * number) / largest}%`;
    return bar;
  });
  train.className = "train";
  test.className = "test";
  return h("td", { class: "split-bars", "aria-hidden": "true" }, train, test);
}

/**
 * Show the first images of a class in a cell, once it is seen.
 * @param {Dataset} dataset
 * @param {number} label
 */
function imagesCell({ id, shape, train }, label) {
  const strip = h("div", { class: "strip8", "aria-hidden": "true" });
  const images = Math.min(SHOWN, train.per_class[label] ?? SHOWN);
  const blank = () => h("canvas", { width: shape[1], height: shape[0] });
  strip.append(...Array.from({ length: SHOWN }, blank));
  const cell = h("td", null, strip);
  const path = `/datasets/${id}/sheet.png?split=train&label=${label}&columns=${SHOWN}&rows=1`;
  whenSeen(strip, () =>
    catchProblem(
      async () => strip.replaceChildren(...cutAll(await getBitmap(path), images, shape)),
      (problem) => cell.replaceChildren(notice(problem)),
    ),
  );
  return cell;
}

/**
 * Average the mean images of the classes.
 * @param {ImageBitmap} means
 * @param {Dataset} dataset
 * @returns {Float64Array} red, green, blue and alpha of each pixel
 */
function meanOfAll(means, { classes, shape, train }) {
  const [height, width] = shape;
  const total = new Float64Array(4 * height * width);
  classes.forEach((_, label) => {
    const { data } = /** @type {CanvasRenderingContext2D} */ (
      cutOut(means, label, shape).getContext("2d")
    ).getImageData(0, 0, width, height);
    const share = train.per_class[label] / train.samples;
    data.forEach((value, i) => (total[i] += share * value));
  });
  return total;
}

/** Make a figure of the mean image. @param {Float64Array} mean @param {Dataset} dataset */
function meanFigure(mean, { name, shape }) {
  const [height, width, channels = 1] = shape;
  const canvas = h("canvas", { width, height, role: "img", "aria-label": "Mean image" });
  const pixels = new ImageData(new Uint8ClampedArray(mean), width, height);
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  const caption = h("figcaption", null, "The mean of all training images.");
  const figure = h("figure", { "aria-label": "The mean training image" }, canvas, caption);
  const values = mean.filter((_, i) => i % 4 < channels);
  savable(figure, { name: `mean-${name}`, rows: () => fromPixels(values, shape) });
  return figure;
}

/** @param {Dataset} dataset @param {HTMLElement[]} places of the mean images */
async function showMeans(dataset, places) {
  const columns = Math.ceil(Math.sqrt(dataset.classes.length));
  const means = await getBitmap(`/datasets/${dataset.id}/means.png?columns=${columns}`);
  places.forEach((place, label) => place.replaceChildren(cutOut(means, label, dataset.shape)));
  $("#mean").replaceChildren(meanFigure(meanOfAll(means, dataset), dataset));
}

/** Show the table of the classes. @param {Dataset} dataset */
export function showClasses(dataset) {
  const { classes, kind, train, test, name } = dataset;
  const images = kind === "images";
  const largest = Math.max(1, ...train.per_class, ...test.per_class);
  const body = h("tbody");
  const means = classes.map(() => h("td", { class: "mean", "aria-hidden": "true" }));
  const more = $("#per-class-more");
  let shown = 0;
  const showMore = () => {
    const rows = classes.slice(shown, shown + PAGE).map((text, i) => {
      const label = shown + i;
      const numbers = [train, test].map(({ per_class: each }) => each[label] ?? 0);
      return h(
        "tr",
        null,
        rowHeader(text),
        ...numbers.map((number) => numberCell(count(number))),
        bars(numbers, largest),
        ...(images ? [means[label], imagesCell(dataset, label)] : []),
      );
    });
    body.append(...rows);
    shown += rows.length;
    const left = classes.length - shown;
    more.hidden = !left;
    more.textContent = `Show ${Math.min(PAGE, left)} more of ${plural(left, "class", "classes")}`;
  };
  showMore();
  more.addEventListener("click", showMore);
  /** @type {import("../dom.js").Header[]} */
  const headers = [["Class"], ["Train", true], ["Test", true], [""]];
  if (images) headers.push(["Mean"], ["Training images"]);
  const all = table(headers, [], { class: images ? "percls pictured" : "percls" });
  $("tbody", all).replaceWith(body);
  $("#per-class").replaceChildren(all);
  if (!images) $("#mean").remove();
  else {
    const fail = (/** @type {import("../api.js").ProblemError} */ problem) =>
      $("#mean").replaceChildren(notice(problem));
    whenSeen($("#mean"), () => catchProblem(() => showMeans(dataset, means), fail));
  }
  savable($("#per-class").closest("figure"), {
    name: `classes-${name}`,
    rows: () =>
      classes.map((text, label) => ({
        class: text,
        train: train.per_class[label],
        test: test.per_class[label],
      })),
    drawing: false,
  });
}
