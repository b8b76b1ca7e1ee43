// @ts-check
// The request behind a figure, with buttons that copy it as a curl command or copy a link.
import { bodyText, curlCommand } from "./curl.js";
import { h, plainButton } from "./dom.js";

const COPIED_MS = 1500;
const ADDRESS_MS = 300; // after the last change of a slider

/** The parameters in the address of the page at the time it was opened. */
export const query = new URLSearchParams(location.search);

/**
 * Set parameters, and remove those that are null.
 * @param {Record<string, any>} state
 * @param {URLSearchParams} parameters to begin with
 */
function withState(state, parameters) {
  for (const [key, value] of Object.entries(state)) {
    if (value == null) parameters.delete(key);
    else parameters.set(key, value);
  }
  return parameters;
}

/** @param {Record<string, any>} state */
function updateAddress(state) {
  const parameters = withState(state, new URLSearchParams(location.search));
  history.replaceState(history.state, "", `?${parameters}${location.hash}`);
}

/** @param {string} label @param {() => string} text */
function copyButton(label, text) {
  const button = plainButton(label, {
    onclick: async () => {
      await navigator.clipboard?.writeText(text()).catch(() => {});
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = label), COPIED_MS);
    },
  });
  return button;
}

/**
 * Build a request line. Return a function that updates it.
 * @param {Element} host
 * @param {object} options
 * @param {string} [options.method]
 * @param {string} options.path
 * @param {string} [options.anchor] id of a section: a second button copies a link to it
 * @param {string} [options.figure] for screen readers
 * @param {string} [options.name] shown before the request
 */
export function requestLine(host, options) {
  const { method = "POST", anchor, figure = "this figure", name } = options;
  let { path } = options;
  const label = `The request behind ${figure}, ${path}`;
  const code = h("code", { tabindex: 0, role: "region", "aria-label": label });
  /** @type {import("./curl.js").RequestBody} */
  let body;
  /** @type {Record<string, any> | null | undefined} */
  let state;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const curl = () => curlCommand(location.origin + path, body);
  const link = () => {
    const search = withState(state ?? {}, new URLSearchParams()).toString();
    return Object.assign(new URL(location.href), { search, hash: anchor ?? "" }).href;
  };
  const copyLink = anchor != null && copyButton("Copy link", link);
  host.classList.add("request");
  if (name) host.append(h("p", { class: "small" }, name));
  host.append(code, h("div", { class: "row" }, copyButton("Copy curl", curl), copyLink));

  /**
   * @param {typeof body} [newBody]
   * @param {typeof state} [newState] parameters that restore the figure; null removes one
   * @param {string} [newPath]
   */
  return function update(newBody, newState, newPath = path) {
    [body, state, path] = [newBody, newState, newPath];
    code.replaceChildren(h("i", null, `${method} `), path, " ", bodyText(body));
    if (!newState) return;
    clearTimeout(timer);
    timer = setTimeout(() => updateAddress(newState), ADDRESS_MS);
  };
}
