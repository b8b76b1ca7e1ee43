// @ts-check
// The samples of a data set, page by page. The address of the page keeps the choice.
import { get, latest } from "../api.js";
import { $, h, notice, numberCell, rowHeader, table, whenSeen } from "../dom.js";
import { count } from "../numbers.js";
import { query } from "../request-line.js";
import { savable } from "../save-figure.js";
import { cutOut, getBitmap } from "./pictures.js";
import { valueText } from "./values.js";
import { rangeText } from "./words.js";

/** @typedef {import("./words.js").Dataset} Dataset */
/** @typedef {{ index: number, label: number, values?: number[] }} Sample */

const ACROSS = 8; // images in a row of the sheet that is requested
const IMAGES = 48; // on a page
const ROWS = 20;
const MOST_VALUES = 20000; // on a page of vectors; a very wide table has fewer rows
const MOST_COLUMNS = 50; // of a table; others are left out

/** @param {Dataset} dataset */
const pageSize = ({ kind, shape: [features] }) =>
  kind === "images" ? IMAGES : Math.max(1, Math.min(ROWS, Math.floor(MOST_VALUES / features)));

/** @param {Dataset} dataset @param {Sample[]} samples @param {ImageBitmap} sheet */
const gallery = ({ classes, shape }, samples, sheet) =>
  h(
    "ul",
    { class: "gallery samples-grid" },
    ...samples.map(({ index, label }, i) =>
      h(
        "li",
        null,
        cutOut(sheet, i, shape),
        h("span", null, classes[label]),
        h("span", { class: "block grey" }, `no. ${count(index)}`),
      ),
    ),
  );

/** @param {Dataset} dataset @param {Sample[]} samples */
function rowsTable({ classes, columns, shape: [features] }, samples) {
  const shown = Math.min(features, MOST_COLUMNS);
  const names = Array.from({ length: shown }, (_, i) => columns?.[i] ?? String(i + 1));
  /** @type {import("../dom.js").Header[]} */
  const headers = [
    ["No."],
    ["Class"],
    ...names.map((name) => /** @type {[string, boolean]} */ ([name, true])),
  ];
  const rows = samples.map(({ index, label, values = [] }) =>
    h(
      "tr",
      null,
      rowHeader(count(index)),
      h("td", null, classes[label]),
      ...values.slice(0, shown).map((value) => numberCell(valueText(value))),
    ),
  );
  const attributes = {
    class: "scroll",
    tabindex: 0,
    role: "region",
    "aria-label": "Table of the samples",
  };
  const left = features - shown;
  const note = left > 0 && h("p", { class: "small" }, `${count(left)} columns are left out here.`);
  return h("div", null, h("div", attributes, table(headers, rows)), note);
}

/** Make the rows of the samples' data. @param {Dataset} dataset @param {Sample[]} samples */
const sampleRows = ({ classes, columns }, samples) =>
  samples.map(({ index, label, values = [] }) => ({
    "no.": index,
    class: classes[label],
    ...Object.fromEntries(values.map((value, i) => [columns?.[i] ?? `column ${i + 1}`, value])),
  }));

/** Let people look at the samples. @param {Dataset} dataset */
export function showSamples(dataset) {
  const { id, kind, classes, name } = dataset;
  const size = pageSize(dataset);
  /** @type {Sample[]} */
  let shown = [];
  const host = $("#samples");
  const form = $("#samples-form");
  let offset = Math.max(0, Math.floor(Number(query.get("offset") ?? 0)) || 0);
  $("#class").append(...classes.map((text, label) => h("option", { value: label }, text)));
  $("#class").value = query.get("class") ?? "";
  if ($("#class").selectedIndex < 0) $("#class").value = "";
  if (query.get("split") === "test") $("[value=test]", form).checked = true;

  const request = async () => {
    const label = $("#class").value;
    const split = $("[name=split]:checked", form).value;
    const common = `${label && `&label=${label}`}&offset=${offset}`;
    const list = get(
      `/datasets/${id}/${split}?limit=${size}&values=${kind === "vectors"}${common}`,
    );
    const { count: all, ...found } = await list;
    const samples = /** @type {Sample[]} */ (found[kind]);
    const rows = Math.ceil(samples.length / ACROSS);
    const grid = `columns=${ACROSS}&rows=${rows}`;
    const sheet = `/datasets/${id}/sheet.png?split=${split}&${grid}${common}`;
    const pictured = kind === "images" && samples.length > 0;
    return { all, samples, sheet: pictured ? await getBitmap(sheet) : null };
  };
  /** @param {{ all: number, samples: Sample[], sheet: ImageBitmap | null }} found */
  const show = ({ all, samples, sheet }) => {
    shown = samples;
    host.replaceChildren(sheet ? gallery(dataset, samples, sheet) : rowsTable(dataset, samples));
    $("#range").textContent = rangeText(offset, samples.length, all);
    $("#previous").disabled = offset === 0;
    $("#next").disabled = offset + samples.length >= all;
  };
  const update = latest(request, show, (problem) => host.replaceChildren(notice(problem)));
  const change = (/** @type {number} */ newOffset) => {
    offset = Math.max(0, newOffset);
    const given = {
      split: $("[name=split]:checked", form).value.replace("train", ""),
      class: $("#class").value,
      offset: offset ? String(offset) : "",
    };
    const text = new URLSearchParams(Object.entries(given).filter(([, value]) => value)).toString();
    history.replaceState(null, "", location.pathname + (text && `?${text}`) + location.hash);
    update();
  };
  form.addEventListener("input", () => change(0));
  form.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
  $("#previous").addEventListener("click", () => change(offset - size));
  $("#next").addEventListener("click", () => change(offset + size));
  host.classList.add(kind);
  savable(host.closest("figure"), {
    name: `samples-${name}`,
    rows: () => sampleRows(dataset, shown),
    drawing: false,
  });
  whenSeen(host, update);
}
