// @ts-check
// The section "Which training step taught it this?": the steps that changed the loss of what is
// shown most, among those next to the snapshots. They are looked for on request.
import { get, inTurn, latest } from "../api.js";
import { $, h, notice, positive } from "../dom.js";
import { count } from "../numbers.js";
import { drawPicture } from "../pixels.js";
import { query, requestLine } from "../request-line.js";
import { savable } from "../save-figure.js";
import { trainAgain } from "../steps/train-again.js";
import { paintInTheme } from "../theme.js";
import { isVectors, keyOf } from "./input.js";
import { readClass, sampleText, stepAddress, taughtPath, taughtRows } from "./taught-words.js";

/** @typedef {import("../types.d.ts").Model} Model */
/** @typedef {import("../types.d.ts").Taught} Taught */
/** @typedef {import("../types.d.ts").TaughtStep} TaughtStep */
/** @typedef {import("./panel.js").Panel} Panel */
/** @typedef {{ model: Model, taught: Taught, images: Map<number, number[]> }} Found */

const MOST_IMAGES = 4; // of a batch

/** Write a change with its sign. @param {number} change */
const changeText = (change) => [change < 0 ? "−" : "+", positive(Math.abs(change))];

/**
 * Get the training images of some steps, by their indices.
 * @param {Model["dataset"]} dataset
 * @param {TaughtStep[]} steps
 * @returns {Promise<Found["images"]>}
 */
async function trainingImages(dataset, steps) {
  const indices = new Set(steps.flatMap(({ samples }) => samples.slice(0, MOST_IMAGES)));
  if (isVectors(dataset) || !indices.size) return new Map();
  const { images } = await get(`/datasets/${keyOf(dataset)}/train?index=${[...indices]}`);
  return new Map(
    images.map((/** @type {any} */ { index, pixels }) => [index, pixels.flat(Infinity)]),
  );
}

/**
 * Build the section. Return a function that updates it.
 * @param {object} page
 * @param {(path: string, model: Model) => Promise<Taught>} page.request sends what the page shows
 * @param {(model: Model) => string} page.path of a prediction
 * @param {() => { body: import("../curl.js").RequestBody, state: Record<string, any> }}
 *   page.written what the page shows, as a request for people, and for a link
 */
export function createTaught({ request, path, written }) {
  const [models, classes, button] = ["model", "class", "look"].map((id) => $(`#taught-${id}`));
  const updateRequest = requestLine($("#taught-request"), {
    path: "/predict/taught",
    anchor: "taught",
    figure: "these steps",
  });
  /** @type {Panel[]} */
  let panels = [];
  /** @type {Panel | null} */
  let panel = null;
  /** @type {Found | null} */
  let found = null;
  let askedFor = ""; // the model, sample and class that the steps are for; empty if none are
  let offered = ""; // the model whose classes are offered
  let linked = query.get("taught"); // the class in the address, until it is looked for
  /** @type {HTMLCanvasElement[]} */
  let canvases = [];

  const prediction = () => panel?.prediction() ?? null;
  const key = () => `${panel?.model().id} ${prediction()?.seen} ${classes.value}`;
  const fullPath = (/** @type {Model} */ model) => taughtPath(path(model), classes.value);

  /** @param {TaughtStep} step */
  function pictures({ samples, labels, batch_size: size }) {
    const { model, images } = /** @type {Found} */ (found);
    const drawn = samples
      .filter((index) => images.has(index))
      .map((index, i) => {
        const name = `Training image ${index}: ${model.classes[labels[i]]}`;
        const canvas = h("canvas", { role: "img", "aria-label": name, "data-index": index });
        canvases.push(canvas);
        return canvas;
      });
    const others = size - drawn.length;
    const more = drawn.length > 0 && others > 0 && h("span", { class: "small" }, `+${others}`);
    return h("span", { class: "pictures" }, drawn, more);
  }

  /** @param {TaughtStep} one */
  function item(one) {
    const { model } = /** @type {Found} */ (found);
    const { step, epoch, batch_size: size, samples, labels } = one;
    const name = model.classes[labels[0]];
    const kind = isVectors(model.dataset) ? `training sample ${samples[0]}, ` : "";
    const what = size === 1 ? `${kind}label ${name}` : `${size} samples`;
    return h(
      "li",
      null,
      pictures(one),
      h(
        "span",
        null,
        h("a", { href: stepAddress(model.id, step) }, `Step ${count(step)}`),
        `, epoch ${epoch}: ${what}`,
        h("br"),
        h("b", null, changeText(one.change), " nats"),
        h(
          "span",
          { class: "small" },
          " ",
          positive(one.loss_before),
          " → ",
          positive(one.loss_after),
        ),
      ),
    );
  }

  /** @param {TaughtStep[]} steps @param {string} verb */
  const items = (steps, verb) =>
    steps.length ? steps.map(item) : [h("li", null, `None of these steps ${verb} it.`)];

  function paint() {
    for (const canvas of canvases) {
      const pixels = found?.images.get(Number(canvas.dataset.index));
      if (found && pixels) drawPicture(canvas, pixels, found.model.dataset);
    }
  }

  /** Show what was found, or nothing. */
  function show() {
    canvases = [];
    $("#taught-found").hidden = !found;
    $("#taught-request").hidden = !found;
    $("#taught-lowered").replaceChildren(...(found ? items(found.taught.lowered, "lowered") : []));
    $("#taught-raised").replaceChildren(...(found ? items(found.taught.raised, "raised") : []));
    $("#taught-words").replaceChildren(...(found ? words(found) : []));
    paint();
  }

  /** @param {Found} found */
  function words({ model, taught }) {
    const varied = (model.recipe.augmentation ?? "none") !== "none";
    return [
      `${sampleText(taught)} After the training, the loss of ${model.classes[taught.label]} is `,
      positive(taught.loss),
      " nats.",
      varied ? " The training varied its images, which are shown here as they were before." : "",
    ];
  }

  const update = latest(
    async () => {
      const model = /** @type {Panel} */ (panel).model();
      const own = askedFor;
      const taught = await inTurn(() => request(fullPath(model), model));
      const images = await trainingImages(model.dataset, [...taught.lowered, ...taught.raised]);
      return { own, newest: { model, taught, images } };
    },
    ({ own, newest }) => {
      if (!own || own !== askedFor) return; // something else, or nothing, is shown meanwhile
      found = newest;
      $("#taught-trouble").replaceChildren();
      show();
      writeAddress(classes.value || "predicted");
    },
    (problem) => {
      forget();
      $("#taught-trouble").replaceChildren(notice(problem));
    },
  );

  /** @param {string | null} label null if nothing is shown */
  function writeAddress(label) {
    const { body, state } = written();
    const isFirst = panel === panels[0];
    const model = label != null && !isFirst ? panel?.model().id : null;
    const path = panel ? fullPath(panel.model()) : undefined;
    updateRequest(body, { ...state, taught: label, "taught-model": model }, path);
  }

  /** Look for the steps. */
  function look() {
    if (!panel || !prediction()) return;
    askedFor = key();
    $("#taught-words").textContent = "Looking among the training steps…";
    return update();
  }

  function forget() {
    const wasShown = Boolean(askedFor);
    [askedFor, found] = ["", null];
    show();
    $("#taught-trouble").replaceChildren();
    if (wasShown) writeAddress(null);
  }

  /** Say that the steps of the model were not kept, and offer to train it again. */
  async function showMissing() {
    const { model } = /** @type {Panel} */ (panel);
    $("#taught-trouble").replaceChildren(await trainAgain(model()));
  }

  /** Offer the models of all panels and the classes of the chosen one, and keep the choices. */
  function offer() {
    const wanted = panel ?? panels.find((one) => one.model().id === query.get("taught-model"));
    panel = panels.find((one) => one === wanted) ?? panels[0] ?? null;
    models.replaceChildren(
      ...panels.map((one, i) => h("option", { value: i, selected: one === panel }, one.name())),
    );
    $("#taught").hidden = !panel;
    $("#taught").classList.remove("waiting");
    if (!panel || panel.model().id === offered) return;
    offered = panel.model().id;
    classes.replaceChildren(
      h("option", { value: "" }, "predicted"),
      ...panel.model().classes.map((name, i) => h("option", { value: i }, name)),
    );
  }

  function refresh() {
    offer();
    if (!panel) return;
    if (askedFor && askedFor !== key()) forget();
    const isKept = panel.model().steps != null;
    button.disabled = !isKept || !prediction();
    if (!isKept) showMissing();
    else if (!askedFor) $("#taught-trouble").replaceChildren();
    const label = prediction() && isKept ? readClass(linked, panel.model().classes) : null;
    if (label == null) return;
    linked = null;
    classes.value = label;
    look();
  }

  models.addEventListener("change", () => {
    panel = panels[Number(models.value)];
    const wasShown = Boolean(askedFor);
    refresh();
    if (wasShown && !button.disabled) look();
  });
  classes.addEventListener("change", () => askedFor && look());
  button.addEventListener("click", look);
  paintInTheme(paint, "taught");
  savable($("#taught"), {
    name: "training-steps",
    rows: () => taughtRows(found?.taught ?? null, found?.model.classes ?? []),
  });

  /** @param {Panel[]} newPanels after a prediction */
  return (newPanels) => {
    panels = newPanels;
    refresh();
  };
}
