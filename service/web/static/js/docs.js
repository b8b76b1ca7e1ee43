// @ts-check
// The page of the API: open the request that the address names, and send requests.
import "./page.js";
import { catchProblem, exchange } from "./api.js";
import { showAnswer } from "./docs/answer.js";
import { createSearch } from "./docs/search.js";
import { TOKEN_OPTION, curlOptions, headers, target } from "./docs/request.js";
import { $, $$, h, notice, ready } from "./dom.js";
import { requestLine } from "./request-line.js";
import { hasToken } from "./token.js";

const clearSearch = createSearch($("#find"), $("#found"));

/** @type {WeakSet<HTMLDetailsElement>} */
const openedByAddress = new WeakSet(); // until their toggle event

/** Open the request or object that the address names, and scroll to it. */
function openNamed() {
  const section = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!section) return;
  if (section.closest("[hidden]")) clearSearch();
  if (section instanceof HTMLDetailsElement && !section.open) {
    section.open = true;
    openedByAddress.add(section);
  }
  section.scrollIntoView(); // the browser did not, if it was hidden
}

/** Let the address name what was opened last, so that it can be shared. @param {Event} event */
function nameOpened({ target: opened }) {
  const section = /** @type {HTMLDetailsElement} */ (opened);
  // The address that opened it may have changed since, and must not be replaced.
  if (openedByAddress.delete(section) || !section.id || !section.open) return;
  history.replaceState(history.state, "", `#${encodeURIComponent(section.id)}`);
}

/** Find the control of the body that has the chosen content type. @param {HTMLFormElement} form */
function bodyControl(form) {
  const bodies = $$(".body", form);
  const type = $(".content-type", form)?.value ?? bodies[0]?.dataset.types;
  const body = bodies.find((one) => one.dataset.types.split(" ").includes(type));
  return body && { type, body, control: $("textarea, input", body) };
}

/** Read a form. @param {HTMLFormElement} form */
function read(form) {
  const { method = "", path = "" } = form.dataset;
  const parameters = $$("[data-in]", form).map(({ name, dataset, value }) => ({
    name,
    place: dataset.in,
    value: value.trim(),
  }));
  const { type, control } = bodyControl(form) ?? {};
  /** @type {File[]} */
  const files = [...(control?.files ?? [])];
  const text = (!control?.files && control?.value) || undefined; // an empty body is not sent
  const sent = text || files.length ? type : undefined;
  return { method, path, parameters, type: sent, text, files, part: control?.name || undefined };
}

/** @param {ReturnType<typeof read>} request */
function bodyOf({ text, files, part }) {
  if (text != null) return text;
  if (!part) return files[0];
  const form = new FormData();
  for (const file of files) form.append(part, file);
  return form;
}

/**
 * Mark a control as wrong, or as right if there is no fault.
 * @param {HTMLInputElement} control
 * @param {string} fault
 */
function mark(control, fault) {
  const field = /** @type {Element} */ (control.closest(".field"));
  $(".fault", field)?.remove();
  control.setAttribute("aria-invalid", String(Boolean(fault)));
  if (fault) control.after(h("span", { class: "fault", role: "alert" }, fault));
}

/** Mark what is missing. Return whether the form is complete. @param {HTMLFormElement} form */
function check(form) {
  const file = bodyControl(form)?.control;
  const controls = [...$$("input[required]", form), ...(file?.files ? [file] : [])];
  for (const control of controls) {
    mark(control, control.value.trim() ? "" : control.files ? "Choose a file" : "Enter a value");
  }
  const wrong = controls.find((control) => !control.value.trim());
  wrong?.focus();
  return !wrong;
}

/** @type {Map<HTMLFormElement, ReturnType<typeof requestLine>>} */
const lines = new Map();

/** Show the request that a form would send now. @param {HTMLFormElement} form */
function showRequest(form) {
  const request = read(form);
  const { method, path } = request;
  const line =
    lines.get(form) ?? requestLine($(".line", form), { method, path, figure: "this form" });
  lines.set(form, line);
  if (bodyControl(form)?.control.files && !request.files.length) {
    request.type = bodyControl(form)?.type;
    request.files = [new File([], "FILE")]; // which stands for the file to choose
  }
  line(curlOptions(request, hasToken()), null, target(request));
}

/** @param {HTMLFormElement} form */
async function send(form) {
  if (!check(form)) return;
  const request = read(form);
  const { method } = request;
  const answer = $(".answer", form);
  answer.replaceChildren();
  const path = target(request);
  const button = $(".button", form);
  button.disabled = true;
  const controller = new AbortController();
  const sent = performance.now();
  await catchProblem(
    async () => {
      const response = await exchange(path, {
        method,
        headers: headers(request),
        body: bodyOf(request),
        cache: "no-store",
        signal: controller.signal,
      });
      showRequest(form); // this may have asked for a token
      await showAnswer(answer, `${method} ${path}`, response, performance.now() - sent, controller);
    },
    (problem) => {
      answer.replaceChildren(notice(problem));
      answer.scrollIntoView({ block: "nearest" });
    },
  );
  button.disabled = false;
}

/** Show the control of the chosen content type. @param {HTMLFormElement} form */
function showBody(form) {
  const shown = bodyControl(form)?.body;
  for (const body of $$(".body", form)) body.hidden = body !== shown;
}

for (const form of $$("form[data-path]")) {
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!("changes" in form.dataset)) send(form); // Enter in a field must not change data
  });
  if ("changes" in form.dataset) $(".button", form).addEventListener("click", () => send(form));
  form.closest("details")?.addEventListener("toggle", () => showRequest(form));
  form.addEventListener("input", () => showRequest(form));
  form.addEventListener("change", (/** @type {any} */ { target: control }) => {
    const types = $(".content-type", form);
    if (control === types) showBody(form);
    const type = control.files?.[0]?.type;
    if (types && type && control.closest(".body").dataset.types.split(" ").includes(type)) {
      types.value = type;
    }
    showRequest(form);
  });
}
requestLine($("#first-request"), {
  method: "GET",
  path: "/models/latest",
  figure: "the example",
})(hasToken() ? TOKEN_OPTION : "");
addEventListener("toggle", nameOpened, { capture: true });
addEventListener("hashchange", openNamed);
openNamed();
ready();
