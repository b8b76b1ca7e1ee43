// @ts-check
// Values that a link to the page contains.
import { h, notice } from "../dom.js";
import { query } from "../request-line.js";

/**
 * Read a value from the address of the page. If it is wrong, say so.
 * @template T
 * @param {string} name
 * @param {(text: string | null) => T | null} read
 * @param {Element} host that says so
 * @returns {T | null}
 */
export function fromLink(name, read, host) {
  const text = query.get(name);
  const value = read(text);
  if (text && value == null) {
    const detail = `Its ${name} cannot be read, so this page shows others.`;
    host.after(h("div", null, notice({ title: "The link has an error", detail })));
  }
  return value;
}
