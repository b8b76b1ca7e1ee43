// @ts-check
// The names of classes, as sentences use them. Needs no browser.

/**
 * Write the name of a class with its article: a 7, an 8, an ankle boot, a T-shirt or top.
 * @param {string} name
 */
export function withArticle(name) {
  const article = name === "8" || /^[aeiou]/i.test(name) ? "an" : "a";
  const words = name.toLowerCase().replace("t-shirt/top", "T-shirt or top");
  return `${article} ${words}`;
}

/** Tell whether the classes are digits. @param {string[]} classes */
export const areDigits = (classes) => classes.every((name) => /^\d$/.test(name));

const LONG = 12; // letters; "Ankle boot" has 10, and the bars have place for it

/**
 * Tell whether some names need more place than those of the built-in data sets.
 * @param {string[]} classes
 */
export const areLong = (classes) => classes.some((name) => name.length > LONG);

const CLOTHES = /^(T-shirt\/top|trouser|pullover|dress|coat|sandal|shirt|sneaker|bag|ankle boot)$/i;

/**
 * Tell whether sentences can use the names with an article: those of digits, or of clothes.
 * @param {string[]} classes
 */
export const haveArticles = (classes) =>
  areDigits(classes) || classes.every((name) => CLOTHES.test(name));
