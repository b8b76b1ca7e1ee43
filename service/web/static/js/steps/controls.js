// @ts-check
// The choice of the gradient and of the sample in a batch, and the hints of the ledger.
import { $, $$, h } from "../dom.js";

/** Offer the samples of a batch. @param {import("./data.js").Step} step */
export function showBatch({ batch_size: size, position }) {
  $("#batch").hidden = size === 1;
  const menu = $("#position");
  if (menu.length !== size) {
    const numbers = Array.from({ length: size }, (_, i) => h("option", { value: i }, i + 1));
    menu.replaceChildren(...numbers);
  }
  menu.value = String(position);
}

/**
 * Connect the controls.
 * @param {import("./view.js").Choices} choices that they change
 * @param {{ show: () => void, hint: (from: string | null) => void, hasPublished: boolean }} page
 */
export function connectControls(choices, { show, hint, hasPublished }) {
  $("#gradient").hidden = !hasPublished;
  for (const input of $$("#gradient input")) {
    input.addEventListener("change", () => {
      choices.gradient = input.value;
      show();
    });
  }
  $("#position").addEventListener("change", (/** @type {any} */ { target }) => {
    choices.sample = Number(target.value);
    show();
  });
  const ledger = $("#ledger");
  ledger.addEventListener("pointerover", (/** @type {any} */ { target }) =>
    hint(target.closest("tr")?.dataset.from ?? null),
  );
  ledger.addEventListener("pointerleave", () => hint(null));
}
