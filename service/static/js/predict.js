// Predict: draw, drop or choose a picture; models say what they see, how sure they are, and why.
import { $, h, query, fixed, pixels, onMode, notice, request, ready } from "./common.js";
import { allModels, ask, get, Problem } from "./api.js";
import { samples } from "./samples.js";
import { article } from "./model/names.js";
import { createBoard } from "./predict/board.js";
import { createPanel } from "./predict/panel.js";

const REST_MS = 80,
  MOST_PANELS = 4,
  TESTS = ["mnist", "fashion-mnist"];
const models = await allModels().catch((problem) => {
  $("#answers").append(notice(problem));
  return [];
});
const curl = request($("#request"), { path: "/predict", anchor: "" });
let panels = [],
  unit = "softmax",
  fit = null,
  waiting,
  asking = null,
  seen = null;

const board = createBoard((now) => {
  fit = null;
  clearTimeout(waiting);
  if (now) answer();
  else waiting = setTimeout(answer, REST_MS);
});
const fitted = () =>
  fit ?? (board.picture()?.pixels || panels[0]?.model.dataset.name !== "mnist" ? "none" : "mnist");

// The body of a request, its type, and the query that goes with it
function body() {
  const picture = board.picture();
  if (picture?.pixels) {
    const rows = Array.from({ length: 28 }, (_, y) => picture.pixels.slice(28 * y, 28 * y + 28));
    return ["application/json", JSON.stringify({ images: [rows] }), "&invert=never"];
  }
  if (picture) return [picture.file.type || "image/png", picture.file, ""];
  return ["image/png", board.drawing(), "&invert=never"];
}
async function answer() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking,
    present = fitted();
  $(`#fit [value=${present}]`).checked = true;
  state();
  if (board.empty() || !panels.length) {
    seen = null;
    for (const panel of panels) panel.tell(null, unit);
    view();
    return;
  }
  try {
    const [type, content, more] = body();
    const said = await Promise.all(
      panels.map(
        async (panel) =>
          (
            await (
              await ask(`/predict?model=${panel.model.id}&explain=true&fit=${present}${more}`, {
                method: "POST",
                headers: { "Content-Type": type },
                body: content,
                signal,
              })
            ).json()
          ).predictions[0],
      ),
    );
    if (signal.aborted) return;
    seen = said[0];
    panels.forEach((panel, i) => panel.tell(said[i], unit));
    view();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    if (!(problem instanceof Problem)) throw problem;
    fail(problem);
  }
}
const fail = (problem) =>
  $("#summary").replaceChildren(
    notice({
      title: problem.title,
      detail: problem.errors.map((fault) => fault.detail).join("; ") || problem.detail,
    }),
  );
const view = () => {
  sight();
  summary();
};
function sight() {
  pixels($("#seen"), seen?.seen.flat() ?? new Float64Array(784), 28, { ink: true, scale: 255 });
  if (!seen) {
    $("#steps").textContent = board.empty() ? "Nothing yet: the board is empty." : "";
    return;
  }
  const picture = board.picture(),
    how = seen.fit,
    mnist = fitted() === "mnist",
    light = how.inverted ? "Light and dark exchanged. " : "";
  if (picture?.pixels) {
    $("#steps").textContent =
      `Test picture ${picture.index} of ${picture.dataset}, ${mnist ? "fitted as a drawing is" : "as it is"}.`;
    return;
  }
  const { width, height } = picture?.bitmap ?? { width: 280, height: 280 },
    { centre, zoom } = board.mark(how, width, height, mnist),
    moved = centre.map((v) => 14.5 - v);
  const shift = (v, a, b) =>
    Math.abs(v) < 0.5 ? null : `${Math.round(Math.abs(v))} ${v > 0 ? a : b}`;
  $("#steps").textContent =
    light +
    (mnist
      ? `The ink’s box (dashed) scaled by ${fixed(zoom, 2)} to 20 pixels, its centre of mass (cross) moved ${[shift(moved[0], "right", "left"), shift(moved[1], "down", "up")].filter(Boolean).join(" and ") || "not at all"}: as MNIST was made.`
      : "The whole picture on 28 × 28 pixels.");
}
function summary() {
  const names = panels.map((panel) => panel.said && article(panel.said.label)),
    same = new Set(names).size === 1;
  $("#summary").textContent = !models.length
    ? "There is no model yet: train one first."
    : !seen
      ? ""
      : names.length === 1
        ? `It says ${names[0]}.`
        : same
          ? `${names.length === 2 ? "Both" : "All"} say ${names[0]}.`
          : names.length === 2
            ? `One says ${names[0]}, the other ${names[1]}.`
            : `They say ${names.join(", ")}.`;
}
function state() {
  const picture = board.picture(),
    id = panels[0]?.model.id ?? "latest";
  curl(
    "-H 'Content-Type: image/png' --data-binary @picture.png",
    {
      models: panels.map((panel) => panel.model.id).join(","),
      sample: picture?.pixels ? `${picture.dataset}-${picture.index}` : "",
    },
    `/predict?model=${id}&explain=true&fit=${fitted()}`,
  );
}

// Panels: two to begin with, up to four
function add(id) {
  const panel = createPanel(models, id, {
    changed: answer,
    removed: panels.length
      ? () => {
          panels = panels.filter((other) => other !== panel);
          panel.element.remove();
          more();
          $("#add").focus();
          answer();
        }
      : null,
  });
  panels.push(panel);
  $("#answers").append(panel.element);
  panel.paint(unit);
  more();
}
const more = () => {
  $("#add").hidden = !models.length || panels.length >= MOST_PANELS;
};
$("#add").addEventListener("click", () => {
  add((models.find((m) => !panels.some((panel) => panel.model.id === m.id)) ?? models[0]).id);
  answer();
});
$("#unit").addEventListener("change", (event) => {
  unit = event.target.value;
  for (const panel of panels) panel.paint(unit);
});
$("#fit").addEventListener("change", (event) => {
  fit = event.target.value;
  answer();
});

// Pictures: dropped or chosen (decoded without an object URL, so img-src stays 'self'), or from the test sets
async function take(file) {
  if (file) board.show({ file, bitmap: await createImageBitmap(file).catch(() => null) });
}
$("#board").addEventListener("dragover", (event) => event.preventDefault());
$("#board").addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
$("#file").addEventListener("change", (event) => take(event.target.files[0]));

const test = (image, dataset) => board.show({ pixels: image.pixels, index: image.index, dataset });
async function offer(dataset) {
  const row = h("div", {
    class: "samples",
    role: "group",
    "aria-label": `Test pictures of ${dataset}`,
  });
  $("#samples").append(row);
  const [images, classes] = await Promise.all([
    samples(dataset),
    get("/datasets").then((answer) => answer.datasets.find((d) => d.name === dataset).classes),
  ]);
  const buttons = images.map((image) =>
    h(
      "button",
      {
        class: "tile",
        type: "button",
        title: classes[image.label],
        "aria-label": `Test picture: ${classes[image.label]}`,
        onclick: () => test(image, dataset),
      },
      h("canvas"),
    ),
  );
  row.append(...buttons);
  onMode(
    () =>
      buttons.forEach((button, i) =>
        pixels(button.firstChild, images[i].pixels, 28, { ink: true, scale: 255 }),
      ),
    row,
  );
}
const wanted = (query.get("models") ?? query.get("a") ?? "")
  .split(",")
  .map((ref) => models.find((m) => m.id === ref))
  .filter(Boolean)
  .slice(0, MOST_PANELS);
const newest = models.filter((m) => m.dataset.name === "mnist"),
  first = newest.length ? newest : models;
for (const model of wanted.length ? wanted : first.slice(0, 2)) add(model.id);
more();
onMode(() => {
  board.render();
  sight();
}, "sight");
const [, dataset, index] = (query.get("sample") ?? "").match(/^(mnist|fashion-mnist)-(\d+)$/) ?? [];
try {
  if (dataset) {
    const [image] = (await get(`/datasets/${dataset}/test?index=${index}`)).images;
    test({ ...image, pixels: image.pixels.flat() }, dataset);
  } else await answer();
} catch (problem) {
  if (!(problem instanceof Problem)) throw problem;
  await answer();
  fail(problem);
}
ready();
for (const name of TESTS) offer(name).catch((problem) => $("#samples").append(notice(problem)));
