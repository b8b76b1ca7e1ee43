// @ts-check
// A function of one variable, twice: as a sum of boxes, which are step neurons, and as the boundary
// between the classes of the trained network.
import { latest, post } from "../api.js";
import { $, h, notice, s } from "../dom.js";
import { curveRows } from "../maths/box-sums.js";
import { count, percent } from "../numbers.js";
import { requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { graphOf, valueFromLeft, wrongShare } from "./function-points.js";
import { answers, decisions, gridPoints, probabilitiesAt } from "./network.js";
import { SIDE, paintDecisions, paintNothing } from "./paint.js";
import { VIEW, polyline } from "./plane.js";

/** @typedef {import("./function-points.js").Curve} Curve */
/** @typedef {{ function: string, neurons: number, boxes: number, curve: Curve }} Answer */

const PATH = "/analysis/box-approximation";
const FEWEST = 1; // of the boxes: only the curve of the function itself is needed

/** @param {string} text @param {number} boxes */
const bodyOf = (text, boxes) => ({ function: text, bound: 1, boxes, dimensions: 1 });

/** Get the curve of a function from −1 to 1. @param {string} text @returns {Promise<Curve>} */
export const curveOf = async (text) => (await post(PATH, bodyOf(text, FEWEST))).curve;

/** @param {HTMLElement} host */
function squareMap(host) {
  const canvas = h("canvas");
  const over = s("svg", { viewBox: `0 0 ${VIEW} ${VIEW}`, "aria-hidden": "true" });
  host.replaceChildren(canvas, over);
  return { canvas, over };
}

/** Make the section. */
export function createBoxes() {
  const slider = $("#n");
  const [boxMap, trainedMap] = [$("#box-map"), $("#trained-map")].map(squareMap);
  const grid = gridPoints(SIDE, 1);
  const showRequest = requestLine($("#boxes-request"), { path: PATH, figure: "the sum of boxes" });
  /** @type {Answer | null} */
  let answer = null;
  /** @type {import("./network.js").Network | null} */
  let network = null;
  let text = "";

  function drawBoxes() {
    if (!answer) return;
    const { curve, boxes, neurons } = answer;
    const best = Uint8Array.from(grid[0], (x, k) =>
      grid[1][k] > valueFromLeft(curve, "approximation", x) ? 0 : 1,
    );
    paintDecisions(boxMap.canvas, { best, sure: new Float64Array(best.length).fill(1) });
    boxMap.over.replaceChildren(polyline(graphOf(curve), 1, "graph"));
    const share = percent(wrongShare(curve, grid, best));
    $("#boxes-words").textContent =
      `${count(boxes)} ${boxes === 1 ? "box" : "boxes"}, ${count(neurons)} step neurons. ` +
      `${share} of the square is on the wrong side.`;
  }

  function drawTrained() {
    const caption = $("#trained-boundary-caption");
    trainedMap.over.replaceChildren(
      ...(answer ? [polyline(graphOf(answer.curve), 1, "graph")] : []),
    );
    if (!network || !answer) {
      paintNothing(trainedMap.canvas, SIDE);
      caption.replaceChildren(
        h("b", null, "A trained network"),
        ", once you have trained one above.",
      );
      return;
    }
    const found = decisions(answers(network, grid).at(-1) ?? []);
    paintDecisions(trainedMap.canvas, found);
    const hidden = network.layers.slice(0, -1).reduce((sum, { outputs }) => sum + outputs, 0);
    const share = percent(wrongShare(answer.curve, grid, found.best));
    caption.replaceChildren(
      h("b", null, "The trained network"),
      ` above, with ${count(hidden)} hidden neurons. The boundary between its classes follows ` +
        `the function: ${share} of the square is on the wrong side.`,
    );
  }

  const ask = latest(
    () => post(PATH, bodyOf(text, Number(slider.value))),
    (/** @type {Answer} */ found) => {
      answer = found;
      drawBoxes();
      drawTrained();
    },
    (problem) => $("#boxes-words").replaceChildren(notice(problem)),
  );

  function update() {
    const n = Number(slider.value);
    slider.nextElementSibling.textContent = count(n);
    showRequest(bodyOf(text, n));
    ask();
  }
  slider.addEventListener("input", update);
  savable($("#step-neurons"), {
    name: "step-neurons",
    rows: () => curveRows(answer?.curve),
  });
  savable($("#trained-boundary"), {
    name: "trained-boundary",
    rows: () => (network ? boundaryRows(network, grid) : []),
  });

  return {
    /** Show a function; "" hides the section. @param {string} next */
    show(next) {
      $("#boxes").hidden = !next;
      if (!next) return;
      if (next === text) return drawBoxes();
      text = next;
      update();
    },
    /** Say that the section still shows the function before one that is not allowed. */
    keep() {
      if (text) $("#boxes-words").textContent = `These figures still show ${text}.`;
    },
    /** Show a network beside the boxes. @param {import("./network.js").Network | null} next */
    compare(next) {
      network = next;
      drawTrained();
    },
    repaint() {
      drawBoxes();
      drawTrained();
    },
  };
}

/** @param {import("./network.js").Network} network @param {Float64Array[]} grid */
const boundaryRows = (network, [xs, ys]) =>
  Array.from(xs, (x, k) => ({
    x,
    y: ys[k],
    "probability of being above": probabilitiesAt(network, x, ys[k])[0],
  }));
