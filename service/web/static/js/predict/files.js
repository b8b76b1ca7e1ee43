// @ts-check
// Images from outside: files that are chosen, dropped anywhere on the page, or pasted.
import { $ } from "../dom.js";

/** @param {EventTarget | null} target */
const isTextField = (target) =>
  target instanceof HTMLElement && target.matches("input:not([type=file]), textarea");

/**
 * Listen to all ways to bring an image to the page.
 * @param {(file: File) => void} show
 * @param {() => void} reject called if something was dropped that is not a file
 */
export function acceptFiles(show, reject) {
  for (const id of ["file", "row-file"]) {
    $(`#${id}`).addEventListener("change", (/** @type {any} */ { target }) => {
      const [file] = target.files;
      target.value = ""; // so that the same file can be chosen again
      if (file) show(file);
    });
  }
  // Without a handler, the browser would leave the page and open what is dropped.
  document.addEventListener("dragover", (event) => {
    if (!isTextField(event.target)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer?.files ?? [];
    if (!file && isTextField(event.target)) return;
    event.preventDefault();
    if (file) show(file);
    else reject();
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (!file) return; // pasted text is not for this page
    event.preventDefault();
    show(file);
  });
}
