// @ts-check
// Links to the glossary, like those of the template function `term`.
import { $, h } from "./dom.js";

/**
 * Build a link to a term. Its meaning is shown under the pointer or the focus.
 * @param {string} key of the term in service/web/glossary.py
 * @param {string} [text] of the link; by default, the key
 */
export const term = (key, text = key) =>
  h(
    "a",
    { class: "term", href: `/ui/glossary#${key}` },
    text,
    h("span", { class: "tip" }, $(`#glossary [data-term="${key}"]`).textContent),
  );
