// @ts-check

/** Write the first letter of a text as a capital. @param {string} text */
export const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);
