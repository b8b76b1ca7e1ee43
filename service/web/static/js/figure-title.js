// @ts-check
// The name and the title of a figure that is shown away from its page: in a file, or in a frame of
// another site.

/** @param {Element | null | undefined} element */
function plainText(element) {
  if (!element) return "";
  const copy = /** @type {Element} */ (element.cloneNode(true));
  for (const one of copy.querySelectorAll(".num, .tip")) one.remove();
  return (copy.textContent ?? "").replace(/\s+/g, " ").trim().replace(/\.$/, "");
}

/** @param {Element} figure @returns {string} the id that names a figure or section in `?embed=` */
export const embedName = (figure) =>
  (figure.id ? figure : (figure.querySelector("[id]") ?? figure.closest("[id]")))?.id ?? "";

/** @param {Element} figure @returns {string} the heading of the section that a figure is in */
export const sectionOf = (figure) => plainText(figure.closest("main section")?.querySelector("h2"));

/**
 * Return a figure's own title: its heading, the first, bold words of its caption, or its name for
 * screen readers.
 * @param {Element} figure
 */
export const ownTitleOf = (figure) =>
  plainText(figure.querySelector("h2")) ||
  plainText(figure.querySelector(":scope > figcaption > b:first-child:not([class])")) ||
  (figure.getAttribute("aria-label") ?? "");
