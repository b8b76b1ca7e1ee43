// @ts-check
// The search on the page of the API.
import { $, $$ } from "../dom.js";

/** @typedef {{ element: HTMLDetailsElement, name: string, text: string }} Entry */

/**
 * Rank an entry for a search: the higher, the better; 0 if a word of the search is missing.
 * @param {{ name: string, text: string }} entry in lower case
 * @param {string} search
 */
export function rank({ name, text }, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.every((word) => text.includes(word))) return 0;
  return words.every((word) => name.includes(word)) ? 2 : 1;
}

/** @param {number} n @param {string} noun */
const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/**
 * Show only the requests and objects that contain all words of a search. Enter opens the best one.
 * @param {HTMLInputElement} input
 * @param {HTMLElement} said what was found, in words
 * @returns {() => void} clears the search
 */
export function createSearch(input, said) {
  /** @type {Entry[]} */
  const entries = $$("details.operation").map((element) => ({
    element,
    name: $("summary", element).textContent.toLowerCase(),
    text: `${$("summary", element).textContent} ${$("p", element)?.textContent ?? ""} ${$$(
      ".fields-of dt code, label code",
      element,
    )
      .map(({ textContent }) => textContent)
      .join(" ")}`.toLowerCase(),
  }));
  const found = () => entries.filter((entry) => rank(entry, input.value));

  function show() {
    const shown = new Set(found().map(({ element }) => element));
    for (const { element } of entries) element.hidden = !shown.has(element);
    for (const section of $$(".docs .stack > section")) {
      const own = $$("details.operation", section);
      section.hidden = input.value.trim() ? own.every(({ hidden }) => hidden) : false;
    }
    $("#parts").hidden = Boolean(input.value.trim()); // so that what was found is near
    const objects = [...shown].filter(({ id }) => id.startsWith("object-")).length;
    said.textContent = input.value.trim()
      ? `Found: ${counted(shown.size - objects, "request")}, ${counted(objects, "object")}.`
      : "";
  }

  input.addEventListener("input", () => {
    show();
    const first = entries.find(({ element }) => !element.hidden)?.element;
    const isBelow = first && first.getBoundingClientRect().top > innerHeight / 2;
    // On a phone, what was found is below, and the keyboard covers the rest.
    if (isBelow) input.closest(".field")?.scrollIntoView();
  });
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") clear();
    if (key !== "Enter") return;
    const all = found();
    const best = all.find((entry) => rank(entry, input.value) === 2) ?? all[0];
    if (best) location.hash = best.element.id;
  });

  function clear() {
    input.value = "";
    show();
  }
  return clear;
}
