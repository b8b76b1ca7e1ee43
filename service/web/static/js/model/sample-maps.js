// @ts-check
// A test image in the network: what it depends on in the image, and the feature maps of each layer.
import { catchProblem, get, inTurn, latest } from "../api.js";
import { $, $$, h, notice, whenSeen } from "../dom.js";
import { createLayers } from "../maps/layers.js";
import { areMaps, mapShape, networkLayers, valuesOf } from "../maps/shapes.js";
import { mapText } from "../maps/words.js";
import { fixed, shareText } from "../numbers.js";
import { isVectors, keyOf } from "../predict/input.js";
import { createTiles, testSample } from "../predict/tiles.js";
import { query, requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { paintInTheme } from "../theme.js";
import { createAttribution } from "./attribution.js";
import { mapRows, readLayers } from "./network.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").LayerActivations} LayerActivations */
/** @typedef {import("./attribution.js").Attribution} Attribution */

/** Read which test image the address names. @param {string | null} text */
const indexOf = (text) => (text && /^\d{1,9}$/.test(text) ? Number(text) : null);

/**
 * Prepare the section, and fill it once it comes near the view.
 * @param {Model} model
 */
export function showSampleMaps(model) {
  const { id, dataset, classes } = model;
  const section = $("#sample");
  section.hidden = isVectors(dataset);
  $("nav a[href='#maps-title']").hidden = section.hidden;
  if (section.hidden) return;
  const network = networkLayers(model);
  /** @type {LayerActivations[]} */
  let layers = [];
  /** @type {number[]} */
  let seen = [];
  const asked = indexOf(query.get("image"));
  let index = asked ?? 0;
  let isChosen = asked != null;

  const figure = createLayers(network, "maps-help", { look });
  const attribution = createAttribution($("#attribution"), dataset);
  const updateRequest = requestLine($("#maps-request"), {
    method: "GET",
    path: `/models/${id}/feature-maps`,
    anchor: "maps-title",
    figure: "the feature maps",
  });
  const kinds = network.map(({ output_shape }) => (areMaps(output_shape) ? "maps" : "neurons"));
  for (const words of $$("[data-of]", section)) words.hidden = !kinds.includes(words.dataset.of);
  $("#maps").hidden = !network.length;
  $("#maps").append(...figure.elements);
  figure.fit();

  /** @param {number} number @param {number} i */
  function look(number, i) {
    const output = layers[number - 1];
    if (!output) return;
    const { output_shape } = network[number - 1];
    const shape = mapShape(output_shape);
    const words = areMaps(output_shape)
      ? `map ${i}: ${mapText(valuesOf(output.activations, shape, i), shape.width)}`
      : `neuron ${i}: activation ${fixed(output.activations[i], 3)}`;
    $("#maps-value").textContent = `Hidden layer ${number}, ${words}.`;
  }

  function paint() {
    figure.show(layers, seen.length ? { values: seen, picture: dataset } : null);
    attribution.draw();
  }

  /** @param {number} label @param {Attribution} found */
  function describe(label, found) {
    const predicted = classes[found.class];
    $("#maps-words").replaceChildren(
      `Test image ${index}: ${classes[label]}. The model predicts ${predicted} ` +
        `(${shareText(found.probability, 1)}). `,
      h(
        "a",
        { href: `/ui/predict?sample=${keyOf(dataset)}-${index}&models=${id}` },
        "Open in Predict",
      ),
    );
  }

  const load = latest(
    async () => {
      const wanted = index;
      const at = `index=${wanted}`;
      const [sample, answer, found] = await Promise.all([
        testSample(dataset, wanted),
        inTurn(() => get(`/models/${id}/feature-maps?${at}`)),
        inTurn(() => get(`/models/${id}/attribution?${at}`)),
      ]);
      return { wanted, sample, answer, found };
    },
    ({ wanted, sample, answer, found }) => {
      if (wanted !== index) return; // another image was chosen meanwhile
      $("#maps-trouble").replaceChildren();
      seen = sample.pixels;
      layers = readLayers(answer);
      describe(answer.label, found);
      attribution.show(seen, found, classes[found.class]);
      paint();
    },
    (problem) => $("#maps-trouble").replaceChildren(notice(problem)),
  );

  function update() {
    const path = `/models/${id}/feature-maps?index=${index}`;
    updateRequest(undefined, isChosen ? { image: index } : null, path);
    return load();
  }

  const offer = createTiles((sample) => {
    [index, isChosen] = [sample.index, true];
    catchProblem(update, () => {});
  });
  savable($("#maps"), {
    name: `feature-maps-${id}`,
    rows: () => mapRows(layers.slice(0, network.length)),
  });
  savable($("#attribution"), { name: `attribution-${id}`, rows: attribution.rows });
  whenSeen(section, async () => {
    await Promise.all([offer(dataset), update()]);
    paintInTheme(paint, "sample-maps");
  });
}
