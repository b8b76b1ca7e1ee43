// @ts-check
// A menu at each figure that saves it as SVG, PNG or CSV, and copies what embeds it elsewhere.
import { h } from "./dom.js";
import { embedName } from "./figure-title.js";
import { csv } from "./save/csv.js";
import { figureSVG } from "./save/svg.js";

/** @typedef {import("./save/csv.js").Row} Row */

const SHARPNESS = 2; // pixels of a PNG file for each CSS pixel
const SAID_MS = 1500;
const KEPT_MS = 10000; // enough for a download to begin

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

/** @param {Element} figure */
const svgBlob = (figure) =>
  new Blob([new XMLSerializer().serializeToString(figureSVG(figure))], { type: "image/svg+xml" });

/** Draw a figure as PNG. @param {Element} figure @returns {Promise<Blob>} */
async function pngBlob(figure) {
  const url = URL.createObjectURL(svgBlob(figure));
  const image = new Image();
  image.src = url;
  await image.decode().finally(() => URL.revokeObjectURL(url));
  const [width, height] = [image.width, image.height].map((side) => SHARPNESS * side);
  const canvas = h("canvas", { width, height });
  canvas.getContext("2d")?.drawImage(image, 0, 0, width, height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))), "image/png"),
  );
}

/** The address that shows a figure alone. @param {Element} figure */
function embedAddress(figure) {
  const url = new URL(location.href);
  url.searchParams.set("embed", embedName(figure));
  url.hash = "";
  return url.href;
}

/** @param {Element} figure */
function embedHTML(figure) {
  const { width, height } = figure.getBoundingClientRect();
  const frame = h("iframe", {
    src: embedAddress(figure),
    width: Math.round(width),
    height: Math.round(height) + 32, // the margin and the title of an embedded figure
    title: document.title,
    loading: "lazy",
  });
  return frame.outerHTML;
}

/**
 * Add the menu to a figure.
 * @param {HTMLElement} figure
 * @param {object} options
 * @param {string | (() => string)} options.name names the files of what the figure shows now
 * @param {() => Row[] | Promise<Row[]>} options.rows returns the data that it shows now
 * @param {boolean} [options.drawing] false where the data alone are worth a file, as in a gallery
 *   or a list
 */
export function savable(figure, { name, rows, drawing = true }) {
  const file = () => `stepbox-${typeof name === "string" ? name : name()}`;
  const menu = h("details", { class: "save" });
  const close = () => {
    menu.open = false;
  };
  /** @param {string} label @param {() => void | Promise<void>} act @param {string} done */
  const item = (label, act, done) => {
    const onclick = async () => {
      button.textContent = await Promise.resolve()
        .then(act)
        .then(
          () => done,
          () => "Failed",
        );
      setTimeout(() => {
        button.textContent = label;
        close();
      }, SAID_MS);
    };
    const button = h("button", { type: "button", class: "plain", onclick }, label);
    return button;
  };
  /** @param {() => string} text */
  const copy = (text) => () => navigator.clipboard.writeText(text());
  const { embeds } = document.documentElement.dataset; // the origins that may, if any
  menu.append(
    h("summary", { "aria-label": "Save this figure" }, "Save"),
    h(
      "div",
      { class: "save-items" },
      drawing && item("SVG, for slides", () => download(svgBlob(figure), `${file()}.svg`), "Saved"),
      drawing &&
        item(
          "PNG, an image",
          async () => download(await pngBlob(figure), `${file()}.png`),
          "Saved",
        ),
      item(
        "CSV, the data",
        async () => download(new Blob([csv(await rows())], { type: "text/csv" }), `${file()}.csv`),
        "Saved",
      ),
      item(
        "Copy a link to this figure",
        copy(() => embedAddress(figure)),
        "Copied",
      ),
      embeds &&
        item(
          "Copy HTML that embeds it",
          copy(() => embedHTML(figure)),
          "Copied",
        ),
      embeds && h("span", null, `Works only in pages at ${embeds.replaceAll(" ", " or ")}`),
    ),
  );
  menu.addEventListener("toggle", () => {
    if (menu.open) menu.querySelector(".save-items")?.scrollIntoView({ block: "nearest" });
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    close();
    menu.querySelector("summary")?.focus();
  });
  menu.addEventListener("focusout", ({ relatedTarget: next }) => {
    if (next instanceof Node && !menu.contains(next)) close();
  });
  document.addEventListener("click", ({ target }) => {
    if (!menu.contains(/** @type {Node} */ (target))) close();
  });
  figure.classList.add("savable");
  figure.append(menu);
}
