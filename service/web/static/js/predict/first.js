// @ts-check
// Sends the first requests of the page while its module is still on the way: the newest models,
// and what the first models predict. The module finds the responses in `globalThis.early`. If it
// was faster, as from a cache, it has sent the requests itself.
import { NEWEST_PATH, areEnough, findAsked, firstModels, references } from "./asked.js";
import { isVectors } from "./input.js";
import { readContent } from "./link.js";
import { fitOf, needsSample, predictionPath, requestContent } from "./request.js";
import { strokesPng } from "./strokes.js";

/** @param {string} path @param {RequestInit} [options] */
function send(path, options) {
  const response = fetch(path, options);
  response.catch(() => {}); // the module of the page reports it
  return response;
}

/** @param {Map<string, Promise<Response>>} early */
async function sendRequests(early) {
  const query = new URLSearchParams(location.search);
  const response = send(NEWEST_PATH);
  const copy = response.then((one) => one.clone());
  copy.catch(() => {});
  early.set(`GET ${NEWEST_PATH}`, copy);
  const { content, sample } = readContent(query);
  if (sample) return; // the page must load it first
  const { models, next } = await (await response).json();
  const asked = references(query.get("models") ?? query.get("a"));
  if (next != null && !areEnough(models, asked)) return; // the page must load the others first
  const image = content.image ?? null;
  const { found } = findAsked(asked, models, {});
  for (const { id, dataset } of asked.length ? found : firstModels(models)) {
    // The page must load the numbers or the image first.
    if (isVectors(dataset) || needsSample(content, dataset)) continue;
    const { type, body } = requestContent(image, () => strokesPng(content.strokes, dataset));
    const path = predictionPath(id, image, fitOf(query));
    const options = { method: "POST", headers: { "Content-Type": type }, body };
    early.set(`POST ${path}`, send(path, options));
  }
}

if (!globalThis.early) {
  globalThis.early = new Map();
  sendRequests(globalThis.early).catch(() => {}); // as above
}
