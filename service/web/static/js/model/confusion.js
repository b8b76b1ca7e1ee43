// @ts-check
// The confusion matrix as a table of buttons. Arrow keys move between the cells. Choosing a cell
// shows its images.
import { catchProblem, get } from "../api.js";
import { areDigits } from "../class-names.js";
import { cssColor, textOn } from "../color.js";
import { $, $$, h, notice, rowHeader } from "../dom.js";
import { arrowStep } from "../keys.js";
import { count, shareText } from "../numbers.js";
import { drawImage } from "../pixels.js";
import { isVectors, keyOf } from "../predict/input.js";
import { hasFaces, samples } from "../samples.js";
import { SIDE } from "../sizes.js";
import { heatColor, paintInTheme } from "../theme.js";
import { sampleWord } from "../models/card.js";
import { showLargeMatrix } from "./confusion-large.js";
import { cellScale, cellText, worstMistake } from "./confusion-matrix.js";
import { chooseMistakes } from "./mistakes.js";
import { savable } from "../save-figure.js";
import { sampleView } from "./sample-view.js";

const SHOWN = 12; // samples per cell
const MOST_LABELLED = 30; // classes; a matrix of more is an image without labels
const EMPTY = "·"; // in a cell without images
let latestPath = ""; // of the images that were asked for last

/** Make the canvas for the sample image of a class. */
const face = () => h("canvas", { "aria-hidden": "true", class: "face", width: SIDE, height: SIDE });

/** @param {import("../types.d.ts").Model} model */
function buildTable({ classes, dataset, evaluation: { confusion_matrix: matrix } }) {
  const withFaces = hasFaces(keyOf(dataset));
  /** @type {HTMLButtonElement[]} */
  const cells = [];
  const columnHeaders = classes.map((name) =>
    h("th", { scope: "col" }, withFaces && face(), h("span", { title: name }, name)),
  );
  const rows = matrix.map((row, label) => {
    const buttons = row.map((n, predicted) => {
      const words = cellText(classes, label, predicted, n, sampleWord(dataset, 1));
      const state = { tabindex: -1, "aria-pressed": "false", "aria-label": words };
      return h("button", { type: "button", ...state }, n ? String(n) : EMPTY);
    });
    cells.push(...buttons);
    const header = rowHeader(
      h("span", { title: classes[label] }, classes[label]),
      withFaces && face(),
    );
    return h("tr", null, header, ...buttons.map((button) => h("td", null, button)));
  });
  const table = h(
    "table",
    { class: `${areDigits(classes) ? "digits" : ""} ${withFaces ? "" : "unfaced"}` },
    h(
      "caption",
      { class: "small" },
      h("span", null, "↓ True class"),
      h("span", null, "Predicted class →"),
    ),
    h("thead", null, h("tr", null, h("td"), ...columnHeaders)),
    h("tbody", null, ...rows),
  );
  table.style.setProperty("--classes", String(classes.length));
  return { table, cells };
}

/** @param {HTMLButtonElement[]} cells @param {number[][]} matrix */
function colorCells(cells, matrix) {
  const scale = cellScale(matrix);
  cells.forEach((cell, i) => {
    const color = heatColor(scale(Math.floor(i / matrix.length), i % matrix.length));
    cell.style.background = cssColor(color);
    cell.style.color = cell.textContent === EMPTY ? "var(--ink-2)" : textOn(color);
  });
}

/**
 * Show images of a cell.
 * @param {import("../types.d.ts").Model} model
 * @param {number} label
 * @param {number} predicted
 */
async function showImages({ id, classes, dataset }, label, predicted) {
  const path = `/models/${id}/confusion/${label}/${predicted}?limit=${SHOWN}`;
  latestPath = path;
  const { images, count: n } = await get(path);
  if (path !== latestPath) return; // the user has chosen another cell meanwhile
  const views = images.map((/** @type {import("./sample-view.js").Shown} */ one) =>
    sampleView(dataset, one),
  );
  /** @param {{ index: number, probability: number }} image @param {number} i */
  const link = ({ index, probability }, i) => {
    const noun = sampleWord(dataset, 1);
    const share = shareText(probability, 1);
    const words = `Test ${noun} ${index}, probability ${share}. Open in Predict`;
    const href = `/ui/predict?sample=${keyOf(dataset)}-${index}&models=${id}`;
    return h("a", { href, "aria-label": words, title: words }, views[i].element);
  };
  const end = n > SHOWN ? `. The ${SHOWN} with the highest probability:` : ".";
  const all = h("a", { href: "#mistakes-title", onclick: () => chooseMistakes(label, predicted) });
  all.textContent = `See all ${count(n)} below`;
  $("#cell").replaceChildren(
    h("p", null, cellText(classes, label, predicted, n, sampleWord(dataset, 1)) + end),
    h("div", { class: isVectors(dataset) ? "cellrows" : "cellpictures" }, ...images.map(link)),
    h("p", { class: "small" }, n > SHOWN && label !== predicted && all),
  );
  paintInTheme(() => views.forEach((/** @type {any} */ { paint }) => paint()), "cell");
}

/**
 * Show the confusion matrix, and the most frequent mistake.
 * @param {import("../types.d.ts").Model} model
 */
export async function showConfusion(model) {
  const matrix = model.evaluation.confusion_matrix;
  const size = matrix.length;
  const isLarge = size > MOST_LABELLED;
  const { table, cells } = isLarge ? { table: null, cells: [] } : buildTable(model);
  if (table) $("#confusion").append(table);
  else showLargeMatrix(model, (label, predicted) => choose(label, predicted));
  savable($("#confusion").closest("figure"), {
    name: `confusion-matrix-${model.id}`,
    rows: () =>
      matrix.map((row, i) => ({
        "true class": model.classes[i],
        ...Object.fromEntries(row.map((n, j) => [`predicted ${model.classes[j]}`, n])),
      })),
  });
  if (table) paintInTheme(() => colorCells(cells, matrix));

  // Two menus choose a cell too, on phones, where the cells are small.
  const menus = [$("#cell-true"), $("#cell-predicted")];
  for (const menu of menus) {
    menu.append(...model.classes.map((name, i) => h("option", { value: i }, name)));
    menu.addEventListener("change", () => choose(Number(menus[0].value), Number(menus[1].value)));
  }

  /** @param {number} label @param {number} predicted */
  const choose = (label, predicted) => {
    menus.forEach((menu, i) => {
      menu.value = String([label, predicted][i]);
    });
    cells.forEach((cell, i) => {
      const chosen = i === size * label + predicted;
      cell.setAttribute("aria-pressed", String(chosen));
      cell.tabIndex = chosen ? 0 : -1;
    });
    return catchProblem(
      () => showImages(model, label, predicted),
      (problem) => $("#cell").replaceChildren(notice(problem)),
    );
  };
  cells.forEach((cell, i) =>
    cell.addEventListener("click", () => choose(Math.floor(i / size), i % size)),
  );
  table?.addEventListener("keydown", (event) => {
    const step = arrowStep(event.key);
    const at = cells.findIndex((cell) => cell === document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    cells[at + step[0] + size * step[1]]?.focus();
  });
  const worst = worstMistake(matrix);
  choose(worst.label, worst.predicted);

  // The images of the classes stay empty if they cannot be loaded.
  if (!table || !hasFaces(keyOf(model.dataset))) return;
  const faces = await samples(keyOf(model.dataset)).catch(() => null);
  if (!faces) return;
  paintInTheme(() =>
    $$(".face", table).forEach((canvas, i) => drawImage(canvas, faces[i % size].pixels)),
  );
}
