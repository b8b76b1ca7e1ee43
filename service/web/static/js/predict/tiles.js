// @ts-check
// The test samples that the page offers: of a data set, one of each class or those of one class.
import { catchProblem, get } from "../api.js";
import { $, h, notice } from "../dom.js";
import { drawPicture } from "../pixels.js";
import { paintInTheme } from "../theme.js";
import { areAlike, isVectors, keyOf } from "./input.js";

/** @typedef {import("./input.js").Dataset} Dataset */
/** @typedef {import("./history.js").TestImage} TestImage */
/** @typedef {{ index: number, label: number, values: number[], dataset: Dataset }} TestSample */

const MOST_TILES = 10; // at a time
const EACH = ""; // instead of a class

/**
 * Get samples of a test set by a query.
 * @param {Dataset} dataset
 * @param {string} query
 * @returns {Promise<{ count: number, samples: any[] }>} images with flat `pixels`, or vectors
 */
async function testSamples(dataset, query) {
  const { count, images, vectors } = await get(`/datasets/${keyOf(dataset)}/test?${query}`);
  const samples = (images ?? vectors).map((/** @type {any} */ sample) => ({
    ...sample,
    ...(sample.pixels && { pixels: sample.pixels.flat(Infinity) }),
    dataset,
  }));
  return { count, samples };
}

/** Get one test sample. @param {Dataset} dataset @param {number | string} index */
export const testSample = async (dataset, index) =>
  (await testSamples(dataset, `index=${index}`)).samples[0];

/**
 * Get the test sample after the last one; the first one at first and after all.
 * @param {Dataset} dataset
 * @param {{ index: number, dataset: Dataset } | null} last
 */
export async function nextSample(dataset, last) {
  const { count } = await testSamples(dataset, "limit=1&values=false");
  return testSample(dataset, last?.dataset.id === dataset.id ? (last.index + 1) % count : 0);
}

/** Find a test sample of each class. @type {Map<string, Promise<number[]>>} */
const ofEach = new Map();

/** @param {Dataset} dataset @returns {Promise<number[]>} their indices */
function oneOfEach(dataset) {
  const indices =
    ofEach.get(dataset.id) ??
    get(`/datasets/${keyOf(dataset)}/summary?split=test&samples=1`).then(({ classes }) =>
      classes.flatMap((/** @type {{ samples: number[] }} */ { samples }) => samples),
    );
  ofEach.set(dataset.id, indices);
  return indices;
}

/**
 * Offer test samples. A page without a menu of data sets offers those of the model's own.
 * @param {(sample: any) => void} choose
 */
export function createTiles(choose) {
  const host = $("#samples");
  const [datasets, classes, more] = ["dataset", "class", "more"].map((id) => $(`#samples-${id}`));
  /** @type {Dataset[]} */
  let offered = [];
  /** @type {{ canvas: HTMLCanvasElement, sample: TestImage }[]} */
  let drawn = [];
  let start = 0;
  let asked = 0;

  const current = () => offered[Number(datasets?.value ?? 0)];

  /** @param {any} sample */
  function tile(sample) {
    const { dataset, label, index } = sample;
    const name = dataset.classes[label];
    const onclick = () => choose(sample);
    if (isVectors(dataset)) {
      const words = `Test sample ${index}: ${name}`;
      return h("button", { class: "button", type: "button", title: words, onclick }, name);
    }
    const canvas = h("canvas");
    drawn.push({ canvas, sample });
    const attributes = { title: name, "aria-label": `Test image: ${name}`, onclick };
    return h("button", { class: "tile", type: "button", ...attributes }, canvas);
  }

  /** @returns {Promise<{ count: number, samples: any[] }>} */
  async function find() {
    const dataset = current();
    if (classes.value !== EACH) {
      const query = `label=${classes.value}&offset=${start}&limit=${MOST_TILES}`;
      return testSamples(dataset, query);
    }
    const all = await oneOfEach(dataset);
    const indices = all.slice(start, start + MOST_TILES);
    const { samples } = await testSamples(dataset, `index=${indices}`);
    return { count: all.length, samples };
  }

  const paint = () =>
    drawn.forEach(({ canvas, sample }) => drawPicture(canvas, sample.pixels, sample.dataset));

  async function show() {
    const dataset = current();
    if (!dataset) return;
    const turn = ++asked;
    const { count, samples } = await find();
    if (turn !== asked) return; // something else was chosen meanwhile
    drawn = [];
    host.setAttribute("aria-label", `Test samples of ${dataset.title}`);
    host.classList.toggle("rows", isVectors(dataset));
    host.replaceChildren(...samples.map(tile));
    paint();
    more.disabled = count <= MOST_TILES;
    more.onclick = () => {
      start = start + MOST_TILES < count ? start + MOST_TILES : 0;
      load();
    };
  }

  const load = () => catchProblem(show, (problem) => host.replaceChildren(notice(problem)));

  function offerClasses() {
    const names = current()?.classes ?? [];
    classes.replaceChildren(
      h("option", { value: EACH }, "one of each class"),
      ...names.map((name, i) => h("option", { value: i }, name)),
    );
    start = 0;
  }

  datasets?.addEventListener("change", () => {
    offerClasses();
    load();
  });
  classes.addEventListener("change", () => {
    start = 0;
    load();
  });
  paintInTheme(paint, host);

  /** @param {Dataset} own @returns {Promise<Dataset[]>} its own data set, then those like it */
  async function alikeTo(own) {
    const { datasets: all } = await get("/datasets");
    const alike = all.filter((/** @type {Dataset} */ one) => areAlike(one, own));
    const isOwn = (/** @type {Dataset} */ one) => one.id === own.id;
    return [...alike.filter(isOwn), ...alike.filter((/** @type {Dataset} */ one) => !isOwn(one))];
  }

  /**
   * Offer the samples of a model's data set, and of others that the model can look at.
   * @param {Dataset} own
   */
  async function offer(own) {
    const found = datasets ? await alikeTo(own) : [own];
    const ids = found.map(({ id }) => id);
    if (String(ids) === String(offered.map(({ id }) => id))) return;
    offered = found;
    datasets?.replaceChildren(...offered.map(({ title }, i) => h("option", { value: i }, title)));
    offerClasses();
    return load();
  }

  return (/** @type {Dataset} */ own) =>
    catchProblem(
      () => offer(own),
      (problem) => host.replaceChildren(notice(problem)),
    );
}
