// @ts-check
// The two ways to show the models something: an image on the board, or a row of numbers. Both have
// the same functions, so the page need not know which of them it uses.
import { ask } from "../api.js";
import { keyOf } from "./input.js";
import { writeContent, writeValues } from "./link.js";
import {
  predictionPath,
  requestContent,
  testImageOf,
  vectorContent,
  vectorPath,
} from "./request.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../curl.js").RequestBody} RequestBody */
/** @typedef {{ label: number, index: number, dataset: import("./input.js").Dataset }} Sample */

/**
 * @typedef {object} Entry
 * @property {() => boolean} isEmpty
 * @property {() => string} nothing says why there is nothing to predict
 * @property {(model: string) => string} path of a prediction
 * @property {(model: Model) => { type: string, body: BodyInit }} content of a prediction
 * @property {() => Sample | null} sample the test sample that is shown
 * @property {(dataset: Model["dataset"]) => Promise<void>} adapt to what the first model takes
 * @property {(sample: any) => void} show a test sample
 * @property {(text: string) => string} read the numbers of a link; says what is wrong with them
 * @property {(seen: number[] | null) => { body: RequestBody, state: Record<string, any>,
 *   note: string }} written as a request for people, and for a link
 */

const NOTHING = "Nothing is drawn.";
const NO_INK = "The image shows nothing: it is empty or nearly uniform.";
const FILE_OPTIONS = "-H 'Content-Type: image/png' --data-binary @image.png"; // of curl
const ROW_OPTIONS = "-H 'Content-Type: application/json' --data-binary @sample.json";
const MOST_WRITTEN = 100; // numbers in a request that people read

/**
 * Let people show an image.
 * @param {ReturnType<typeof import("./board.js").createBoard>} board
 * @param {() => import("./request.js").FitName} fit
 * @returns {Entry}
 */
export function pictureEntry(board, fit) {
  const image = () => board.content().image ?? null;
  return {
    isEmpty: board.isEmpty,
    nothing: () => (image() ? NO_INK : NOTHING),
    path: (model) => predictionPath(model, image(), fit()),
    content: ({ dataset }) => requestContent(image(), () => board.drawing(dataset)),
    sample: () => testImageOf(image()),
    adapt: async (dataset) => board.adapt(dataset),
    show: board.show,
    read: () => "",
    written(seen) {
      const { state, note } = writeContent(board.content(), seen);
      return {
        body: FILE_OPTIONS,
        state: { fit: fit() === "none" ? "none" : null, ...state },
        note,
      };
    },
  };
}

/**
 * Let people enter a row of numbers.
 * @param {ReturnType<typeof import("./numbers.js").createNumbers>} numbers
 * @returns {Entry}
 */
export const rowEntry = (numbers) => ({
  isEmpty: () => !numbers.values(),
  nothing: numbers.missing,
  path: vectorPath,
  content: () => vectorContent(numbers.values() ?? []),
  sample: numbers.sample,
  adapt: async (dataset) => {
    if (await numbers.adapt(dataset)) numbers.fillMeans();
  },
  show: numbers.show,
  read: numbers.read,
  written() {
    const [values, sample] = [numbers.values(), numbers.sample()];
    const name = sample && `${keyOf(sample.dataset)}-${sample.index}`;
    const { state, note } = writeValues(values, name);
    const isShort = values && values.length <= MOST_WRITTEN;
    const body = isShort ? { inputs: [values] } : ROW_OPTIONS;
    return { body, state: { fit: null, ...state }, note };
  },
});

/**
 * Send what the page shows.
 * @param {Entry} entry
 * @param {string} path
 * @param {Model} model whose data set says what is sent
 * @param {AbortSignal} [signal]
 */
export async function sendEntry(entry, path, model, signal) {
  const { type, body } = entry.content(model);
  const headers = { "Content-Type": type };
  return (await ask(path, { method: "POST", headers, body, signal })).json();
}

/**
 * Let a model predict what the page shows.
 * @param {Entry} entry
 * @param {Model} model
 * @param {AbortSignal} [signal]
 * @param {string} [options] of the query, in place of an explanation
 * @returns {Promise<import("../types.d.ts").Prediction>}
 */
export async function requestPrediction(entry, model, signal, options = "&explain=true") {
  const path = entry.path(model.id).replace("&explain=true", options);
  return (await sendEntry(entry, path, model, signal)).predictions[0];
}
