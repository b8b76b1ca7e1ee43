// @ts-check
// A figure or a section alone (`?embed`), for a slide or the page of a lecture.
import { $, $$, h, notice } from "./dom.js";
import { embedName, ownTitleOf, sectionOf } from "./figure-title.js";
import { query } from "./request-line.js";

const SMALLEST = 0.5; // below it, type would be too small to read, so a figure scrolls instead

/** Make an element smaller if it is higher than the frame. @param {HTMLElement} alone */
function fitFrame(alone) {
  const fit = () => {
    const top = alone.getBoundingClientRect().top + scrollY;
    const room = innerHeight - top - parseFloat(getComputedStyle(document.body).paddingBottom);
    const zoom = Math.max(SMALLEST, Math.min(1, room / alone.offsetHeight));
    alone.style.setProperty("--zoom", String(zoom));
  };
  new ResizeObserver(fit).observe(alone);
  addEventListener("resize", fit);
}

/**
 * Show a figure or section alone. `?embed=` names it, or anything in it; without a name, it is the
 * first figure of the page.
 */
export function showAlone() {
  const id = query.get("embed");
  const element = id ? document.getElementById(id) : $("main figure:not([hidden])");
  const named = element?.closest("figure, section") ?? element;
  const names = [
    ...new Set($$("main :is(figure:not([hidden]), section[id])").map(embedName)),
  ].filter(Boolean);
  const detail =
    `The address asks for embed=${id}, but this page has nothing with this name. ` +
    (names.length ? `It has: ${names.join(", ")}.` : "It has no figures.");
  const problem = () => h("div", null, notice({ title: "There is no such figure", detail }));
  const alone = /** @type {HTMLElement} */ (named ?? problem());
  if (!named) document.body.append(alone);
  alone.dataset.alone = "";
  for (let one = alone.parentElement; one; one = one.parentElement) one.dataset.around = "";
  if (!alone.matches("figure")) return;
  // The title stands before the figure, because pages replace the contents of some figures.
  const title = !ownTitleOf(alone) && sectionOf(alone);
  if (title) alone.before(h("p", { class: "alone-title", "data-alone": "" }, title));
  fitFrame(alone);
}
