// @ts-check
// The layers of a network as a table.
import { get } from "../api.js";
import { capitalized } from "../capitalized.js";
import { $, h, numberCell, rowHeader, tableContent, whenSeen } from "../dom.js";
import { describeLayer, describeShape } from "../maps/words.js";
import { count } from "../numbers.js";
import { savable } from "../save-figure.js";
import { allLayers } from "./network.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").NetworkLayer} NetworkLayer */

/** @param {NetworkLayer & { activation: string | null }} layer @param {boolean} isLast */
function nameText(layer, isLast) {
  if (isLast) return "Dense, for the classes";
  const activation = layer.activation === "relu" ? "ReLU" : layer.activation;
  return capitalized([describeLayer(layer), activation].filter(Boolean).join(", "));
}

/**
 * Show the table. Its rows keep their space until their numbers arrive.
 * @param {Model} model
 */
export function showLayers(model) {
  const host = $("#layers");
  /** @param {string} name @param {number[]} shape @param {string} parameters */
  const row = (name, shape, parameters) =>
    h("tr", null, rowHeader(name), h("td", null, describeShape(shape)), numberCell(parameters));
  /** @param {any[]} layers of the answer */
  const show = (layers) => {
    const last = layers.length - 1;
    host.replaceChildren(
      ...tableContent(
        [["Layer"], ["Output"], ["Parameters", true]],
        [
          row("Input", model.dataset.shape, ""),
          ...layers.map((layer, i) =>
            row(
              `${i + 1}. ${nameText(layer, i === last)}`,
              layer.output_shape,
              layer.parameters == null ? "…" : count(layer.parameters),
            ),
          ),
        ],
      ),
      h(
        "tfoot",
        null,
        h("tr", null, rowHeader("All"), h("td"), numberCell(count(model.parameters))),
      ),
    );
  };
  show(allLayers(model));
  whenSeen(host, async () => {
    const { layers } = await get(`/models/${model.id}/layers`);
    show(layers);
    savable(host.closest("figure"), {
      name: `layers-${model.id}`,
      rows: () =>
        layers.map((/** @type {any} */ layer, /** @type {number} */ i) => ({
          layer: i + 1,
          type: layer.type,
          input: layer.input_shape.join(" x "),
          output: layer.output_shape.join(" x "),
          parameters: layer.parameters,
        })),
    });
  });
}
