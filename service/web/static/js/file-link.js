// @ts-check
// Links to files of the API.
import { ask, catchProblem } from "./api.js";
import { h } from "./dom.js";
import { hasToken } from "./token.js";

const KEPT_MS = 10000; // enough for a download to begin

/**
 * Let a link download a file. With a token, the page fetches the file: a link cannot send a token.
 * @param {HTMLAnchorElement} link
 * @param {string} path of the file
 * @param {string} name that the file gets
 * @param {(problem: import("./api.js").ProblemError) => void} fail
 */
export function downloadWith(link, path, name, fail) {
  const fetchFile = async () => {
    const href = URL.createObjectURL(await (await ask(path)).blob());
    h("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
  };
  link.href = path;
  link.addEventListener("click", (event) => {
    if (!hasToken()) return;
    event.preventDefault();
    catchProblem(fetchFile, fail);
  });
}
