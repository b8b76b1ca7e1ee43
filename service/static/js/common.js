// Small things that every page uses: building elements, numbers in words, colours, the request line, the link.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}
export const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

export const ready = () => performance.mark("ready"); // the page can be used from here on
export const query = new URLSearchParams(location.search);

// Numbers. Losses in nats, accuracies in percent, a true minus sign.
const minus = (text) => text.replace("-", "−");
export const fixed = (x, digits = 2) =>
  minus((Math.abs(x) < 0.5 * 10 ** -digits ? 0 : x).toFixed(digits));
export const percent = (x, digits = 1) => `${(100 * x).toFixed(digits)}\u202f%`;
export function power(x) {
  // 2 · 10⁻¹⁶
  if (!x) return "0";
  const [m, e] = x.toExponential(0).split("e");
  return h("span", { class: "nowrap" }, `${m} · 10`, h("sup", null, minus(String(Number(e)))));
}
export const count = (n) => n.toLocaleString("en");
export const duration = (t) =>
  t < 90
    ? `${Math.round(t)}\u00a0s`
    : `${Math.floor(t / 60)}\u00a0min ${String(Math.round(t % 60)).padStart(2, "0")}\u00a0s`;

// Colours of heat maps: t from −1 (orange) over paper to 1 (blue), read from the stylesheet and again when the mode changes.
let stops;
const rgb = (name) =>
  getComputedStyle(document.documentElement)
    .getPropertyValue(name)
    .trim()
    .match(/\w\w/g)
    .map((x) => parseInt(x, 16));
const dark = matchMedia("(prefers-color-scheme: dark)");
const repaint = new Map();
dark.addEventListener("change", () => {
  stops = null;
  for (const paint of repaint.values()) paint();
});
export const onMode = (paint, name = paint) => {
  repaint.set(name, paint);
  paint();
}; // a name stands for one paint: the last
export function ramp(t) {
  stops ??= ["--neg-3", "--neg-2", "--neg-1", "--paper", "--pos-1", "--pos-2", "--pos-3"].map(rgb);
  const u = 3 * (1 + Math.max(-1, Math.min(1, t || 0))),
    i = Math.min(5, Math.floor(u)),
    f = u - i;
  return stops[i].map((c, k) => Math.round(c + f * (stops[i + 1][k] - c)));
}
export const css = (color) => `rgb(${color})`;
const light = ([r, g, b]) =>
  [r, g, b]
    .map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
export const textOn = (color) => (light(color) > 0.179 ? "#000" : "#fff"); // only pure black and white reach 4.5 on every colour

// Draw values (row by row) into a canvas of that many pixels. Ink: 0…1 from paper to ink; otherwise the ramp.
export function pixels(canvas, values, width, { scale = 1, ink = false } = {}) {
  canvas.width = width;
  canvas.height = values.length / width;
  const context = canvas.getContext("2d"),
    image = context.createImageData(canvas.width, canvas.height);
  const paper = rgb("--paper"),
    black = rgb("--ink");
  for (let i = 0; i < values.length; i++) {
    const v = values[i] / scale,
      color = ink ? paper.map((c, k) => c + v * (black[k] - c)) : ramp(v);
    image.data.set([...color, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
export const flat = (rows) => rows.flat();
export const most = (values) => values.reduce((best, v, i) => (v > values[best] ? i : best), 0);
export const show = (value) => (Array.isArray(value) ? value.join(", ") : String(value));
export const facts = (pairs) =>
  pairs.flatMap(([key, value]) => [h("dt", null, key), h("dd", null, value)]);
export const table = (heads, rows, options) =>
  h(
    "table",
    options,
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        ...heads.map(([text, n]) =>
          h(text ? "th" : "td", { class: n ? "n" : null, scope: text ? "col" : null }, text),
        ),
      ),
    ),
    h("tbody", null, ...rows),
  );

// Put new children into a host; a link or button that had the focus has it again
export function renew(host, ...children) {
  const key = (element) => element.getAttribute("href") ?? element.textContent,
    held = host.contains(document.activeElement) ? key(document.activeElement) : null;
  host.replaceChildren(...children);
  if (held != null)
    $$("a, button", host)
      .find((element) => key(element) === held)
      ?.focus({ preventScroll: true });
}

// Words about trouble, where it happens: problem has a title and a detail. again: what "Try now" does
export const notice = (problem, again) =>
  h(
    "div",
    { class: "notice bad", role: "alert" },
    h("b", null, `${problem.title}. `),
    problem.detail,
    again &&
      h(
        "p",
        { class: "row" },
        h("button", { class: "plain", type: "button", onclick: again }, "Try now"),
      ),
  );

// Call load once the element is near the view
export function whenSeen(element, load) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        observer.disconnect();
        load();
      }
    },
    { rootMargin: "300px" },
  );
  observer.observe(element);
}

// The request line: what was asked, to copy as curl, and a link that brings the state of the figure back.
export function request(host, { method = "POST", path, anchor, figure = "this figure" }) {
  const code = h("code", {
    tabindex: 0,
    role: "region",
    "aria-label": `The request behind ${figure}, ${path}`,
  });
  const copy = (label, text) =>
    h(
      "button",
      {
        class: "plain",
        type: "button",
        onclick: async ({ currentTarget }) => {
          await navigator.clipboard?.writeText(text()).catch(() => {});
          currentTarget.textContent = "Copied";
          setTimeout(() => {
            currentTarget.textContent = label;
          }, 1500);
        },
      },
      label,
    );
  let body, state;
  const curl = () =>
    `curl -s '${location.origin}${path}'` +
    (typeof body === "string"
      ? ` ${body}`
      : body
        ? ` -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`
        : "");
  const link = () =>
    Object.assign(new URL(location), { search: new URLSearchParams(state), hash: anchor ?? "" })
      .href;
  host.classList.add("request");
  host.append(
    code,
    h("div", { class: "row" }, copy("Copy curl", curl), anchor != null && copy("Copy link", link)),
  );
  let timer;
  return (newBody, newState, newPath = path) => {
    // a body as an object is JSON; as a string it is the rest of the curl line
    body = newBody;
    state = newState;
    path = newPath;
    code.replaceChildren(
      h("i", null, `${method} `),
      path,
      " ",
      typeof body === "string"
        ? body
        : body
          ? JSON.stringify(body).replaceAll(",", ", ").replaceAll('":', '": ')
          : "",
    );
    if (state) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const all = new URLSearchParams(location.search);
        for (const [k, v] of Object.entries(state)) all.set(k, v);
        history.replaceState(null, "", `?${all}${location.hash}`);
      }, 300);
    }
  };
}
