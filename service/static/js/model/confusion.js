// The confusion matrix: a table of buttons; arrow keys walk through it, a chosen cell shows the pictures in it.
import {
  $,
  $$,
  h,
  count,
  percent,
  ramp,
  css,
  textOn,
  pixels,
  onMode,
  most,
  notice,
} from "../common.js";
import { get, Problem } from "../api.js";
import { samples } from "../samples.js";

const SHOWN = 12;

export async function confusion({
  id,
  classes,
  dataset,
  evaluation: { confusion_matrix: matrix },
}) {
  const digits = classes[0] === "0",
    wrong = matrix.flatMap((row, t) => row.map((n, said) => (t === said ? 0 : n))),
    off = Math.max(1, ...wrong),
    right = Math.max(1, ...matrix.map((row, i) => row[i]));
  const color = (t, said) =>
    t === said
      ? ramp(0.75 * (matrix[t][said] / right) ** 3)
      : ramp(-0.8 * Math.sqrt(matrix[t][said] / off));
  const face = () => h("canvas", { "aria-hidden": "true", class: "face", width: 28, height: 28 }),
    cells = [];
  const matrixTable = h(
    "table",
    { class: digits ? "digits" : "" },
    h("caption", { class: "sr" }, "Confusion matrix: rows true, columns said"),
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        h("td"),
        ...classes.map((name) => h("th", { scope: "col" }, face(), h("span", null, name))),
      ),
    ),
    h(
      "tbody",
      null,
      ...matrix.map((row, t) =>
        h(
          "tr",
          null,
          h("th", { scope: "row" }, h("span", null, classes[t]), face()),
          ...row.map((n, said) =>
            h(
              "td",
              null,
              (cells[10 * t + said] = h(
                "button",
                {
                  type: "button",
                  tabindex: -1,
                  "aria-pressed": "false",
                  "aria-label": `${n} of ${classes[t]} called ${classes[said]}`,
                  onclick: () => choose(t, said),
                },
                n ? String(n) : "·",
              )),
            ),
          ),
        ),
      ),
    ),
  );
  $("#confusion").append(matrixTable);
  onMode(() => {
    for (const [i, cell] of cells.entries()) {
      const c = color(Math.floor(i / 10), i % 10);
      cell.style.background = css(c);
      cell.style.color = cell.textContent === "·" ? "var(--ink-2)" : textOn(c);
    }
  });
  matrixTable.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10 }[event.key],
      at = cells.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    cells[at + step]?.focus();
  });
  async function choose(t, said) {
    for (const [i, cell] of cells.entries()) {
      const on = i === 10 * t + said;
      cell.setAttribute("aria-pressed", on);
      cell.tabIndex = on ? 0 : -1;
    }
    try {
      const { images, count: n } = await get(`/models/${id}/confusion/${t}/${said}?limit=${SHOWN}`);
      const canvases = images.map((image) =>
        h("canvas", {
          role: "img",
          "aria-label": `Test picture ${image.index}, ${percent(image.probability)} sure`,
          title: `Picture ${image.index}: ${percent(image.probability)} sure`,
        }),
      );
      $("#cell").replaceChildren(
        h(
          "p",
          null,
          n ? h("b", null, count(n)) : "None",
          ` of ${classes[t]} called ${classes[said]}`,
          n > SHOWN ? "; the twelve it was surest of:" : n ? ":" : ".",
        ),
        h("div", { class: "cellpictures" }, ...canvases),
      );
      onMode(
        () =>
          canvases.forEach((canvas, i) =>
            pixels(canvas, images[i].pixels.flat(), 28, { ink: true, scale: 255 }),
          ),
        "cell",
      );
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      $("#cell").replaceChildren(notice(problem));
    }
  }
  const worst = most(wrong);
  choose(Math.floor(worst / 10), worst % 10);
  const faces = await samples(dataset.name);
  onMode(() => {
    for (const [i, canvas] of $$(".face", matrixTable).entries())
      pixels(canvas, faces[i % 10].pixels, 28, { ink: true, scale: 255 });
  });
}
