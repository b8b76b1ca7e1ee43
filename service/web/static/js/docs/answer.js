// @ts-check
// Show the response to a request: its status, its headers and its body.
import { facts, h, plainButton } from "../dom.js";
import { count } from "../numbers.js";
import { readable } from "./request.js";

const MOST_CHARACTERS = 50_000; // of a body, because long texts make a page slow
const HEADERS = [
  "Content-Type",
  "ETag",
  "Inference-Header-Content-Length",
  "Last-Modified",
  "Location",
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
  "Retry-After",
  "X-Request-Id",
];
const TEXT = /^text\/|\bjson\b/;

/** @param {Response} response */
const headerFacts = (response) =>
  facts(
    HEADERS.map(
      (name) => /** @type {[string, string | null]} */ ([name, response.headers.get(name)]),
    )
      .filter(([, value]) => value != null)
      .map(([name, value]) => [name, value]),
  );

/** @param {string} text @param {string} label */
function textBody(text, label) {
  const cut = text.length > MOST_CHARACTERS;
  return [
    h(
      "pre",
      { class: "mono", tabindex: 0, role: "region", "aria-label": label },
      cut ? text.slice(0, MOST_CHARACTERS) : text,
    ),
    cut &&
      h(
        "p",
        { class: "small" },
        `The first ${count(MOST_CHARACTERS)} of ${count(text.length)} characters.`,
      ),
  ];
}

/** Draw an image. The pages' policy allows no blob: URLs. @param {Blob} blob */
async function image(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const label = `Image of ${width} by ${height} pixels`;
  const canvas = h("canvas", { width, height, role: "img", "aria-label": label });
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  return [canvas, h("p", { class: "small" }, `${label}.`)];
}

/**
 * Show the events of a stream while they arrive.
 * @param {Element} host
 * @param {string} name
 * @param {Response} response
 * @param {AbortController} controller
 */
async function follow(host, name, response, controller) {
  const stop = plainButton("Stop", { onclick: () => controller.abort() });
  const text = h("pre", {
    class: "mono",
    tabindex: 0,
    role: "log",
    "aria-label": `Events from ${name}`,
  });
  host.append(stop, text);
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const piece = decoder.decode(value, { stream: true });
      length += piece.length;
      text.append(piece.slice(0, Math.max(0, MOST_CHARACTERS - length + piece.length)));
    }
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
  stop.replaceWith(
    h("p", { class: "small" }, controller.signal.aborted ? "Stopped." : "The stream has ended."),
  );
}

/**
 * Show a response.
 * @param {Element} host
 * @param {string} name method and path of the request
 * @param {Response} response
 * @param {number} ms from sending the request to the response's headers
 * @param {AbortController} controller of the request
 */
export async function showAnswer(host, name, response, ms, controller) {
  const type = response.headers.get("Content-Type") ?? "";
  const status = `${response.status} ${response.statusText}`;
  const heading = h(
    "p",
    { role: "status" },
    h("b", null, status),
    ` after ${count(Math.round(ms))} ms`,
  );
  host.replaceChildren(heading, h("dl", { class: "facts" }, ...headerFacts(response)));
  host.scrollIntoView({ block: "nearest" });
  if (type.startsWith("text/event-stream")) return follow(host, name, response, controller);
  const blob = await response.blob();
  heading.append(`, ${count(blob.size)} bytes`);
  if (!blob.size) return;
  if (type.startsWith("image/")) host.append(...(await image(blob)));
  else if (TEXT.test(type)) {
    const parts = textBody(readable(await blob.text(), type), `Response to ${name}`);
    host.append(...parts.filter((part) => part instanceof Element));
  } else host.append(h("p", { class: "small" }, "This body is binary, so it is not shown."));
}
