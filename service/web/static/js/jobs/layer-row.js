// @ts-check
// The row of a hidden layer in the training form: its type, its options, and its buttons.
import { h, plainButton } from "../dom.js";
import { capitalized } from "../capitalized.js";
import { parseField } from "./fields.js";

/** @typedef {import("../types.d.ts").HiddenLayer} HiddenLayer */
/** @typedef {import("./new-layers.js").Type} Type */

/**
 * @typedef {object} Row
 * @property {HTMLElement} item
 * @property {HiddenLayer} layer as its fields say
 * @property {Record<string, HTMLSelectElement | HTMLInputElement>} fields the type, and the options
 * @property {HTMLElement} said the place for its sizes, or what is wrong
 * @property {HTMLButtonElement} up
 * @property {HTMLButtonElement} down
 */

/**
 * @typedef {object} Context of a row
 * @property {import("./new-layers.js").Types} types
 * @property {boolean} isLast
 * @property {() => void} onInput called after an option has changed
 * @property {(type: Type) => void} onType
 * @property {(by: -1 | 1) => void} onMove
 * @property {() => void} onRemove
 */

/**
 * Build the row of a layer.
 * @param {HiddenLayer} layer
 * @param {number} index
 * @param {Context} context
 * @returns {Row}
 */
export function layerRow(layer, index, { types, isLast, onInput, onType, onMove, onRemove }) {
  const name = `Layer ${index + 1}`;
  const type = h(
    "select",
    {
      "aria-label": `${name}: type`,
      "aria-describedby": `layer-${index}-said`,
      onchange: () => onType(/** @type {Type} */ (type.value)),
    },
    ...Object.keys(types).map((value) =>
      h("option", { value, selected: value === layer.type }, capitalized(value)),
    ),
  );
  /** @param {string} sign @param {string} words @param {boolean} isOff @param {() => void} act */
  const button = (sign, words, isOff, act) =>
    plainButton(sign, {
      "aria-label": `${words} layer ${index + 1}`,
      title: words,
      disabled: isOff,
      onclick: act,
    });
  const up = button("↑", "Move up", index === 0, () => onMove(-1));
  const down = button("↓", "Move down", isLast, () => onMove(1));
  const remove = button("✕", "Remove", false, onRemove);
  const said = h("p", { id: `layer-${index}-said` });
  const inputs = Object.fromEntries(
    Object.entries(types[layer.type]).map(([option, { help }]) => [
      option,
      h("input", {
        type: "text",
        inputmode: "numeric",
        autocomplete: "off",
        "aria-label": `${name}: ${option}`,
        "aria-describedby": said.id,
        title: help,
        value: String(/** @type {any} */ (layer)[option] ?? ""),
        oninput: () => read(option),
      }),
    ]),
  );
  const item = h(
    "li",
    null,
    h("div", { class: "row" }, type, h("span", { class: "buttons" }, up, down, remove)),
    h(
      "div",
      { class: "options" },
      ...Object.entries(inputs).map(([option, input]) =>
        h("label", null, h("span", null, option), input),
      ),
    ),
    said,
  );
  const row = { item, layer, fields: { type, ...inputs }, said, up, down };

  /** Read an option. The windows of a pool that do not overlap stay so. @param {string} option */
  function read(option) {
    const { type: kind, stride, size } = row.layer;
    /** @type {any} */
    const value = parseField("number", inputs[option].value);
    row.layer = { ...row.layer, [option]: value };
    if (kind === "max-pool" && option === "size" && stride === size) {
      row.layer.stride = value;
      inputs.stride.value = inputs.size.value;
    }
    onInput();
  }

  return row;
}
