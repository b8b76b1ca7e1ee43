// @ts-check
// Draw a figure as one SVG document that needs no style sheet: what a reader sees, with the colors
// and fonts that it has now. Charts stay vectors, text stays text, and canvases become images.

import { ownTitleOf, sectionOf } from "../figure-title.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 16; // pixels around the figure
// What a reader cannot use in a file, and what stands around the figure
const SKIPPED =
  "figcaption, .save, .unsaved, .sr, [hidden], input:not([type=text]), button.plain, " +
  "label:has(select, [type=range]), script, style, math";
// Presentation attributes of SVG. Each is written where it differs from the parent's.
const INHERITED = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray"],
  ...["stroke-linecap", "stroke-linejoin", "paint-order", "text-anchor", "visibility"],
  ...["font-family", "font-size", "font-style", "font-weight", "font-variant-numeric"],
];
const OMITTED = new Set(["class", "style", "tabindex", "role"]); // attributes

// Elements are made in a document without a window, in which images are not loaded.
const inert = document.implementation.createDocument(SVG, "svg");

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
function make(tag, attributes, ...children) {
  const element = inert.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

const TITLE = 1.375; // rem, the size of the type of the title
const SOURCE = 0.8125; // rem, of the line below it
const LINE = 1.5; // the height of a line, as a multiple of the size of its type

/** @typedef {{ host: Element, x: number, y: number, right: number, bottom: number }} Sheet */

/** @param {string} color */
const isVisible = (color) => color !== "transparent" && !/^rgba\(.*, 0\)$/.test(color);

/**
 * Copy an SVG element with the style that it has in the page. Copies are built, not cloned, because
 * the policy of the pages forbids style attributes.
 * @param {Element} element
 * @param {CSSStyleDeclaration | null} parent the style of the parent in the copy
 */
function copyShape(element, parent) {
  const style = getComputedStyle(element);
  const copy = make(element.localName, {});
  for (const { name, value } of element.attributes) {
    if (!OMITTED.has(name) && !name.startsWith("aria-") && !value.includes("var(")) {
      copy.setAttribute(name, value);
    }
  }
  for (const name of INHERITED) {
    const value = style.getPropertyValue(name);
    if (value !== parent?.getPropertyValue(name)) copy.setAttribute(name, value);
    else copy.removeAttribute(name);
  }
  if (style.opacity !== "1") copy.setAttribute("opacity", style.opacity);
  for (const child of element.childNodes) {
    if (child instanceof Text) copy.append(child.data);
    else if (child instanceof SVGElement) copy.append(copyShape(child, style));
  }
  return copy;
}

/** @param {SVGSVGElement} chart @param {DOMRect} rect */
function copyChart(chart, { x, y, width, height }) {
  const copy = copyShape(chart, null);
  if (!chart.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  for (const [name, value] of Object.entries({ x, y, width, height, overflow: "visible" })) {
    copy.setAttribute(name, String(value));
  }
  return copy;
}

/** @param {Sheet} sheet @param {DOMRect} rect */
function extend(sheet, { x, y, right, bottom }) {
  sheet.x = Math.min(sheet.x, x);
  sheet.y = Math.min(sheet.y, y);
  sheet.right = Math.max(sheet.right, right);
  sheet.bottom = Math.max(sheet.bottom, bottom);
}

/** @typedef {"color" | "fontFamily" | "fontSize" | "fontStyle" | "fontWeight"} OfText */
/** @typedef {Pick<CSSStyleDeclaration, OfText>} TextStyle */

/** Measure fonts. @type {CanvasRenderingContext2D | null} */
let ruler = null;

/** @param {number} size in rem @param {Partial<TextStyle>} [changes] @returns {TextStyle} */
function usualType(size, changes) {
  const { color, fontFamily } = getComputedStyle(document.body);
  const fontSize = `${size * parseFloat(getComputedStyle(document.documentElement).fontSize)}px`;
  return { color, fontFamily, fontSize, fontStyle: "normal", fontWeight: "400", ...changes };
}

/** @param {string} text @param {TextStyle} style */
function measure(text, style) {
  ruler ??= document.createElement("canvas").getContext("2d");
  const context = /** @type {CanvasRenderingContext2D} */ (ruler);
  context.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  return context.measureText(text);
}

/**
 * Write a line of text where the browser has it.
 * @param {Sheet} sheet
 * @param {string} text
 * @param {DOMRect} rect
 * @param {TextStyle} style
 */
function writeLine(sheet, text, rect, style) {
  const { fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent } = measure(text, style);
  const baseline = rect.y + (rect.height + ascent - descent) / 2;
  sheet.host.append(
    make(
      "text",
      {
        x: rect.x,
        y: baseline,
        fill: style.color,
        "font-family": style.fontFamily,
        "font-size": style.fontSize,
        "font-style": style.fontStyle,
        "font-weight": style.fontWeight,
      },
      text,
    ),
  );
  extend(sheet, rect);
}

/** Write a text node, line by line. @param {Sheet} sheet @param {Text} node */
function writeText(sheet, node) {
  const style = getComputedStyle(/** @type {Element} */ (node.parentElement));
  const range = document.createRange();
  /** @type {{ text: string, rect: DOMRect } | null} */
  let line = null;
  const flush = () => line && writeLine(sheet, line.text, line.rect, style);
  for (const { 0: word, index } of node.data.matchAll(/\S+/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    const rect = range.getBoundingClientRect();
    if (!rect.width) continue;
    if (line && Math.abs(line.rect.y - rect.y) < 2) {
      line.text += ` ${word}`;
      line.rect.width = rect.right - line.rect.x;
    } else {
      flush();
      line = { text: word, rect };
    }
  }
  flush();
}

/**
 * Draw the background and the borders of an HTML element.
 * @param {Sheet} sheet
 * @param {DOMRect} rect
 * @param {CSSStyleDeclaration} style
 */
function drawBox(sheet, rect, style) {
  const { x, y, width, height, right, bottom } = rect;
  if (!width || !height) return;
  const frame = /^(rgb\(.*?\)) 0px 0px 0px (\d)px inset/.exec(style.boxShadow);
  if (isVisible(style.backgroundColor)) {
    sheet.host.append(make("rect", { x, y, width, height, fill: style.backgroundColor }));
    extend(sheet, rect);
  }
  if (frame) {
    const inner = { x: x + 0.5, y: y + 0.5, width: width - 1, height: height - 1 };
    sheet.host.append(make("rect", { ...inner, fill: "none", stroke: frame[1] }));
  }
  const sides = {
    top: `M${x} ${y}H${right}`,
    right: `M${right} ${y}V${bottom}`,
    bottom: `M${x} ${bottom}H${right}`,
    left: `M${x} ${y}V${bottom}`,
  };
  for (const [side, d] of Object.entries(sides)) {
    const value = (/** @type {string} */ name) => style.getPropertyValue(`border-${side}-${name}`);
    const [size, stroke] = [parseFloat(value("width")), value("color")];
    if (size && value("style") !== "none" && isVisible(stroke)) {
      sheet.host.append(make("path", { d, stroke, "stroke-width": size }));
    }
  }
}

/**
 * Write only what is chosen.
 * @param {Sheet} sheet
 * @param {Element} segments
 * @param {DOMRect} rect
 */
function writeChoice(sheet, segments, { x, y, width, height }) {
  const text = segments.querySelector(":checked + span")?.textContent;
  const style = usualType(SOURCE, { fontWeight: "600" });
  if (text) writeLine(sheet, text, new DOMRect(x, y, width, height), style);
}

/** @param {Sheet} sheet @param {Element} element */
function draw(sheet, element) {
  if (element.matches(SKIPPED) || !element.checkVisibility({ visibilityProperty: true })) return;
  const rect = element.getBoundingClientRect();
  if (element instanceof SVGSVGElement) {
    sheet.host.append(copyChart(element, rect));
    extend(sheet, rect);
    return;
  }
  const style = getComputedStyle(element);
  if (element.matches(".segments")) return writeChoice(sheet, element, rect);
  if (element instanceof HTMLInputElement || element instanceof HTMLSelectElement) {
    // What people typed or chose, without the field
    const text = "options" in element ? element.selectedOptions[0]?.text : element.value;
    writeLine(sheet, text ?? "", rect, style);
    return;
  }
  drawBox(sheet, rect, style);
  if (element instanceof HTMLCanvasElement) {
    const { x, y, width, height } = rect;
    const look = { preserveAspectRatio: "none", "image-rendering": style.imageRendering };
    const image = { x, y, width, height, href: element.toDataURL(), ...look };
    if (width && element.width) sheet.host.append(make("image", image));
    extend(sheet, rect);
  }
  for (const child of element.childNodes) {
    if (child instanceof Text) writeText(sheet, child);
    else if (child instanceof Element) draw(sheet, child);
  }
}

/**
 * Write the title above what is drawn already, and below it where the figure comes from.
 * @param {Sheet} sheet
 * @param {string} title
 * @param {string} source
 */
function writeTitle(sheet, title, source) {
  const { x } = sheet;
  let y = sheet.y - MARGIN;
  const serif = getComputedStyle(document.documentElement).getPropertyValue("--serif");
  /** @type {[string, TextStyle][]} */
  const upwards = [
    [source, usualType(SOURCE)],
    [title, usualType(TITLE, { fontFamily: serif })],
  ];
  for (const [text, style] of upwards) {
    const height = LINE * parseFloat(style.fontSize);
    y -= height;
    writeLine(sheet, text, new DOMRect(x, y, measure(text, style).width, height), style);
  }
}

/** Draw a figure as a standalone SVG element. @param {Element} figure */
export function figureSVG(figure) {
  const host = make("g", {});
  const infinite = { x: Infinity, y: Infinity, right: -Infinity, bottom: -Infinity };
  /** @type {Sheet} */
  const sheet = { host, ...infinite };
  for (const child of figure.children) draw(sheet, child);
  const titles = [ownTitleOf(figure), sectionOf(figure), document.title].filter(Boolean);
  const [title, ...source] = [...new Set(titles)];
  if (!figure.querySelector("h2")) writeTitle(sheet, title, source.join(" · "));
  const x = sheet.x - MARGIN;
  const y = sheet.y - MARGIN;
  const width = Math.ceil(sheet.right - x + MARGIN);
  const height = Math.ceil(sheet.bottom - y + MARGIN);
  host.setAttribute("transform", `translate(${-x} ${-y})`);
  const paper = getComputedStyle(document.body).backgroundColor;
  return make(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height },
    make("title", {}, [title, ...source].join(" · ")),
    make("rect", { width, height, fill: paper }),
    host,
  );
}
