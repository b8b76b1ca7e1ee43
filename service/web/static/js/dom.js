// @ts-check
// Find and build the elements of a page.
import { fixed, powerOfTen } from "./numbers.js";

/** @typedef {Node | string | number | null | undefined | false} Child null and false are skipped */
/** @typedef {Record<string, any>} Attributes a function under "onclick" listens to that event */

/**
 * Find the first element that matches a selector. Its type depends on the template, hence `any`.
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {any}
 */
export const $ = (selector, root = document) => root.querySelector(selector);

/**
 * Find all elements that match a selector.
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {any[]}
 */
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes | null | undefined} attributes
 * @param {(Child | Child[])[]} children
 */
function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(
    .../** @type {string[]} */ (
      children.flat().filter((child) => child != null && child !== false)
    ),
  );
  return element;
}

/**
 * Build an HTML element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 */
export const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

/**
 * Build an SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 */
export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** Record that the page can be used from now on. */
export const ready = () => performance.mark("ready");

/** Build a button that looks like a link. @param {string} text @param {Attributes} attributes */
export const plainButton = (text, attributes) =>
  h("button", { class: "plain", type: "button", ...attributes }, text);

/** Write a number as a digit times a power of ten. @param {number} x */
export function power(x) {
  if (!x) return "0";
  const { digit, exponent } = powerOfTen(x);
  return h("span", { class: "nowrap" }, `${digit} · 10`, h("sup", null, exponent));
}

/** Write a positive number, with a power of ten if it is small. @param {number} x */
export const positive = (x) => (x < 0.001 ? power(x) : fixed(x, 3));

/**
 * Build the terms and descriptions of a list of facts.
 * @param {[string, Child | Child[]][]} pairs
 */
export const facts = (pairs) =>
  pairs.flatMap(([term, description]) => [h("dt", null, term), h("dd", null, description)]);

/** Build a table cell with a number. @param {...(Child | Child[])} children */
export const numberCell = (...children) => h("td", { class: "n" }, ...children);

/** Build the header of a table row. @param {...(Child | Child[])} children */
export const rowHeader = (...children) => h("th", { scope: "row" }, ...children);

/** @typedef {[text: string, numeric?: boolean]} Header of a column, which may be empty */

/** @param {Header} header */
const headerCell = ([text, numeric]) =>
  h(text ? "th" : "td", { class: numeric ? "n" : null, scope: text ? "col" : null }, text);

/**
 * Build the head and the body of a table.
 * @param {Header[]} headers
 * @param {Element[]} rows
 */
export const tableContent = (headers, rows) => [
  h("thead", null, h("tr", null, ...headers.map(headerCell))),
  h("tbody", null, ...rows),
];

/**
 * Build a table.
 * @param {Header[]} headers
 * @param {Element[]} rows
 * @param {Attributes} [attributes]
 */
export const table = (headers, rows, attributes) =>
  h("table", attributes, ...tableContent(headers, rows));

/**
 * Replace the children of an element. A link, button or box that had the focus gets it back.
 * @param {Element} host
 * @param {...(Node | string)} children
 */
export function renew(host, ...children) {
  /** @param {Element} element */
  const key = (element) => element.getAttribute("href") ?? (element.id || element.textContent);
  const active = document.activeElement;
  const focused = active && host.contains(active) ? key(active) : null;
  host.replaceChildren(...children);
  if (focused == null) return;
  const same = $$("a, button, input", host).find((element) => key(element) === focused);
  same?.focus({ preventScroll: true });
}

/**
 * Build a message about a problem.
 * @param {{ title: string, detail: string }} problem
 * @param {() => void} [retry] what the button "Try now" does
 */
export const notice = ({ title, detail }, retry) =>
  h(
    "div",
    { class: "notice bad", role: "alert" },
    h("b", null, `${title}. `),
    detail,
    retry && h("p", { class: "row" }, plainButton("Try now", { onclick: retry })),
  );

/** @type {WeakMap<Element, () => Promise<void>>} what loads each place that waits */
const loaders = new WeakMap();

/**
 * Call `load` once, when an element comes near the view, or when the page is about to be printed.
 * Until it is done, the section, cell or item around the element has `data-waiting`: on paper,
 * style.css puts a sentence in its place.
 * @param {Element} element
 * @param {() => void | Promise<void>} load
 */
export function whenSeen(element, load) {
  const place = /** @type {HTMLElement} */ (element.closest("section, td, li") ?? element);
  /** @type {Promise<void> | null} */
  let loading = null;
  const begin = async () => {
    observer.disconnect();
    await load();
    delete place.dataset.waiting;
  };
  const beginOnce = () => (loading ??= begin());
  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) beginOnce();
    },
    { rootMargin: "300px" },
  );
  place.dataset.waiting = "";
  loaders.set(place, beginOnce);
  observer.observe(element);
}

/** @returns {HTMLElement[]} the places of this page that are not loaded yet */
const waiting = () => $$("[data-waiting]").filter((place) => place.checkVisibility());

/** Load the rest of the page. */
const loadRest = () => Promise.allSettled(waiting().map((place) => loaders.get(place)?.()));

const PATIENCE_MS = 5000; // before the page is printed with what it has
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/**
 * Load the rest of the page before it is printed. The keys that print wait for it. The browser's
 * menu does not: it prints at once, and what is printed next is complete.
 */
export function loadBeforePrinting() {
  addEventListener("beforeprint", loadRest);
  addEventListener("keydown", async (event) => {
    const prints = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "p";
    if (!prints || event.shiftKey || event.altKey || !waiting().length) return;
    event.preventDefault();
    await Promise.race([loadRest(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    for (let frame = 0; frame < 2; frame++) await nextFrame(); // in which charts are drawn
    print();
  });
}
