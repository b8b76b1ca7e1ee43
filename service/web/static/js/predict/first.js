// @ts-check
// Sends the first requests of the page while its module is still on the way: the list of models,
// and what the first models predict. The module finds the responses in `globalThis.early`. If it
// was faster, as from a cache, it has sent the requests itself.
import { MODELS_PATH } from "../paths.js";
import { firstModels, references } from "./asked.js";
import { readContent } from "./link.js";
import { fitOf, predictionPath, requestContent } from "./request.js";
import { strokesPng } from "./strokes.js";

/** @typedef {import("../types.d.ts").Model} Model */

/** @param {string} path @param {RequestInit} [options] */
function send(path, options) {
  const response = fetch(path, options);
  response.catch(() => {}); // the module of the page reports it
  return response;
}

/**
 * Choose the models as the page does, unless it needs another request for this.
 * @param {Model[]} models
 * @param {string[]} asked
 */
function choose(models, asked) {
  if (!asked.length) return firstModels(models);
  const found = asked.map((id) => models.find((model) => model.id === id));
  return found.every((model) => model !== undefined) ? found : [];
}

/** @param {Map<string, Promise<Response>>} early */
async function sendRequests(early) {
  const query = new URLSearchParams(location.search);
  const response = send(MODELS_PATH);
  const copy = response.then((one) => one.clone());
  copy.catch(() => {});
  early.set(`GET ${MODELS_PATH}`, copy);
  const { content, sample } = readContent(query);
  if (sample) return; // the page must load it first
  const { models } = await (await response).json();
  const image = content.image ?? null;
  const { type, body } = requestContent(image, () => strokesPng(content.strokes));
  for (const { id } of choose(models, references(query.get("models") ?? query.get("a")))) {
    const path = predictionPath(id, image, fitOf(query));
    const options = { method: "POST", headers: { "Content-Type": type }, body };
    early.set(`POST ${path}`, send(path, options));
  }
}

if (!globalThis.early) {
  globalThis.early = new Map();
  sendRequests(globalThis.early).catch(() => {}); // as above
}
