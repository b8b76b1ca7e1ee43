// @ts-check
// Tags as people write them. Needs no browser.

/** Read tags: text between commas, each once. @param {string} text */
export const parseTags = (text) => [
  ...new Set(
    text
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
];
