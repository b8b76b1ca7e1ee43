// @ts-check
// Get the points of a data set: of the settings, or of an earlier job.
import { get } from "../api.js";
import { curveOf } from "./boxes.js";
import { graphOf, pointsAround } from "./function-points.js";
import { divide } from "./points.js";
import { DATA, datasetBody, usualSettings } from "./settings.js";

/** @typedef {import("./points.js").Points} Points */
/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {{ values: number[], label: number }} Vector */

const PICTURE_SAMPLES = 120;
const MOST_LISTED = 1000; // samples in a response

/** @param {object} fields of a generated data set @returns {Promise<Points>} */
async function generated(fields) {
  const query = new URLSearchParams(/** @type {Record<string, any>} */ (fields));
  const { train, test } = await get(`/generated?${query}`);
  return { train, test };
}

/**
 * Get the points of settings, and the graph of the function that they follow, if they do.
 * @param {Settings} settings
 * @returns {Promise<{ points: Points, graph: [number, number][] }>}
 */
export async function pointsOf(settings) {
  if (settings.data === "own") return { points: divide(settings.points), graph: [] };
  if (settings.data === "function") {
    const curve = await curveOf(settings.function);
    return { points: divide(pointsAround(curve)), graph: graphOf(curve) };
  }
  return { points: await generated(datasetBody(settings, [])), graph: [] };
}

/** Get the points that a job trains on. @param {string} dataset @returns {Promise<Points>} */
export async function pointsOfJob(dataset) {
  const [train, test] = await Promise.all(
    ["train", "test"].map(async (split) => {
      const { vectors } = await get(`/datasets/${dataset}/${split}?limit=${MOST_LISTED}`);
      return vectors.map((/** @type {Vector} */ { values, label }) => [...values, label]);
    }),
  );
  return { train, test };
}

/**
 * Get some points of each generated data set, for a picture.
 * @param {(data: string, points: Points) => void} show
 */
export async function loadPictures(show) {
  for (const [data, { generate }] of Object.entries(DATA)) {
    if (!generate) continue;
    const fields = { ...datasetBody(usualSettings(data), []), samples: PICTURE_SAMPLES };
    show(data, await generated(fields));
  }
}
