// @ts-check
// The form that uploads a data set. It stays filled in until its data set is there.
import { catchProblem, get } from "../api.js";
import { $, $$, h, notice } from "../dom.js";
import { percent, sum } from "../numbers.js";
import { timeLeft } from "../times.js";
import { followImport } from "./imports.js";
import { sendFiles } from "./send.js";
import { bytesText, nameFor, sentence } from "./words.js";

const FIELDS = ["name", "test", "seed", "size", "color", "label"]; // parameters of POST /datasets
const FILE_FAULTS = new Set([413, 415, 422]); // statuses that say what is wrong with the file
const form = $("#upload");
const input = $("#files");
const drop = $("#drop");
/** @type {File[]} */
let files = [];
let suggested = ""; // the name, until people enter their own
/** @type {AbortController | null} while files are sent */
let sending = null;

/** @param {string} field @param {string} words */
function showFault(field, words) {
  $(`#${field}-fault`).textContent = words;
  const control = $(`#${field}`);
  control.setAttribute("aria-invalid", "true");
  const options = control.closest("details");
  if (options) options.open = true;
}

function clearFaults() {
  for (const fault of $$(".fault", form)) fault.textContent = "";
  for (const control of $$("[aria-invalid]", form)) control.removeAttribute("aria-invalid");
  $("#problem").replaceChildren();
}

/** @param {File[]} chosen */
function choose(chosen) {
  if (!chosen.length || sending) return;
  files = chosen;
  clearFaults();
  const names = files.map((file) => file.name);
  const items = files.map((file) => h("li", null, `${file.name}, ${bytesText(file.size)}`));
  $("#chosen").replaceChildren(h("ul", null, ...items));
  const name = $("#name");
  if (name.value === suggested) name.value = suggested = nameFor(names);
}

function acceptFiles() {
  input.addEventListener("change", () => {
    choose([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  });
  // Files can be dropped anywhere: the browser would otherwise leave the page and open them.
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over"); // it left the window
  });
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    choose([...event.dataTransfer.files]);
  });
}

/** @param {import("../api.js").ProblemError} problem */
function showProblem(problem) {
  const others = [];
  for (const { pointer, detail } of problem.errors) {
    const field = FIELDS.find((one) => pointer === `/${one}`);
    if (field) showFault(field, detail);
    else others.push(detail);
  }
  const [first] = $$("[aria-invalid]", form);
  first?.focus();
  if (first && !others.length) return;
  const detail = sentence(others.join("; ") || problem.detail);
  const title = FILE_FAULTS.has(problem.status) ? "This file cannot be used" : problem.title;
  $("#problem").replaceChildren(notice({ title, detail }));
}

/** The parameters of the request, without those that are left to the API. */
const parameters = () =>
  new URLSearchParams(
    FIELDS.map((field) => [field, $(`#${field}`).value.trim()]).filter(
      ([field, value]) => value || field === "name",
    ),
  );

/**
 * Show how much was sent.
 * @param {number} began ms
 * @returns {(sent: number, total: number) => void}
 */
const sendProgress = (began) => (sent, total) => {
  const share = total ? sent / total : 0;
  const seconds = (Date.now() - began) / 1000;
  const left = share && seconds > 1 ? `${timeLeft((seconds / share) * (1 - share))} left` : "";
  $("#sending progress").value = share;
  $("#sent").textContent = `Uploading: ${percent(share, 0)} of ${bytesText(total)}`;
  $("#send-left").textContent = left;
};

/** Send the files. Return the job that imports them, or null if people cancelled. */
async function sendAll() {
  sending = new AbortController();
  $("#sending").hidden = false;
  $("#go").hidden = true;
  const show = sendProgress(Date.now());
  show(0, sum(files.map((file) => file.size)));
  try {
    return await sendFiles(`/datasets?${parameters()}`, files, show, sending.signal);
  } finally {
    sending = null;
    $("#sending").hidden = true;
    $("#go").hidden = false;
  }
}

/** Upload the files, follow their import, and go to their data set. */
async function upload() {
  const job = await sendAll();
  if (!job) {
    const words = "The upload was cancelled. Nothing was kept.";
    $("#problem").replaceChildren(h("p", { class: "small", role: "status" }, words));
    return;
  }
  $("#go").hidden = true;
  const { dataset, upload: options } = await followImport(job, $("#problem"));
  $("#go").hidden = false;
  if (!dataset) return;
  const { name } = await get(`/datasets/${dataset}`);
  if (name === options.name) return location.assign(`/ui/data/${dataset}`);
  const link = h("a", { href: `/ui/data/${dataset}` }, name);
  const words = ["These samples are already here, as ", link, ". Nothing was added."];
  $("#problem").replaceChildren(h("p", { class: "notice", role: "status" }, ...words));
}

/**
 * Let people choose, drop and upload files.
 * @param {() => number} room number of bytes that an upload may have
 */
export function startUpload(room) {
  acceptFiles();
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    clearFaults();
    const bytes = sum(files.map((file) => file.size));
    if (!files.length) showFault("files", "Choose a file first.");
    else if (bytes > room()) {
      const words = `has ${bytesText(bytes)}, but only ${bytesText(room())} are left.`;
      showFault("files", `This ${words} Delete a data set first.`);
    } else return void catchProblem(() => upload(), showProblem);
    input.focus();
  });
  form.addEventListener("input", (/** @type {Event} */ { target }) => {
    const { id } = /** @type {HTMLElement} */ (target);
    const fault = $(`#${id}-fault`);
    if (!fault) return;
    fault.textContent = "";
    /** @type {HTMLElement} */ (target).removeAttribute("aria-invalid");
  });
  $("#abort").addEventListener("click", () => sending?.abort());
  addEventListener("beforeunload", (event) => {
    if (sending) event.preventDefault(); // leaving the page ends the upload
  });
}
