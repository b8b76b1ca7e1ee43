// @ts-check
// Send files to the API, and report how many bytes have left. `fetch` does not report this.
import { ProblemError, readProblem } from "../api.js";
import { readToken } from "../token.js";

/** @typedef {import("../types.d.ts").ImportJob} ImportJob */

const lostProblem = () =>
  new ProblemError({
    title: "The upload was interrupted",
    detail: "The connection to Stepbox was lost before all was sent. Nothing was imported.",
  });

/** @param {XMLHttpRequest} request */
const readResponse = ({ status, statusText, responseText }) =>
  readProblem(new Response(responseText, { status, statusText }));

/**
 * Put files into a body: one as it is, several as a form.
 * @param {File[]} files
 */
function bodyOf(files) {
  if (files.length === 1) return files[0];
  const form = new FormData();
  for (const file of files) form.append(file.name, file);
  return form;
}

/**
 * Upload files. Return the job that imports them, or null if it was aborted.
 * @param {string} path
 * @param {File[]} files
 * @param {(sent: number, total: number) => void} progress in bytes
 * @param {AbortSignal} signal
 * @returns {Promise<ImportJob | null>}
 * @throws {ProblemError}
 */
export function sendFiles(path, files, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    const token = readToken();
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    // The API reads the format from the file. What browsers think of it may not be allowed.
    if (files.length === 1) request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => progress(loaded, total);
    request.onload = async () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText));
      else reject(await readResponse(request));
    };
    request.onerror = () => reject(lostProblem());
    request.onabort = () => resolve(null);
    signal.addEventListener("abort", () => request.abort());
    request.send(bodyOf(files));
  });
}
