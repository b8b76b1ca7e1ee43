// @ts-check
// What this browser keeps between visits. If it denies storage, as in some frames, values are kept
// until the page is closed.

/** @type {Map<string, string>} */
const inThisPage = new Map();

/** @param {string} key */
export function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return inThisPage.get(key) ?? null;
  }
}

/** Keep a value, or forget it. @param {string} key @param {string | null} value */
export function store(key, value) {
  try {
    if (value == null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    if (value == null) inThisPage.delete(key);
    else inThisPage.set(key, value);
  }
}
