// @ts-check
// The page One step: every number of one step of a model's training, phase by phase.
import "./page.js";
import { catchProblem, get, latest } from "./api.js";
import { $, h, notice, ready } from "./dom.js";
import { allLayers } from "./model/network.js";
import { count } from "./numbers.js";
import { query, requestLine } from "./request-line.js";
import { savable } from "./save-figure.js";
import { connectControls, showBatch } from "./steps/controls.js";
import { nearestOpenable, stepLoader } from "./steps/data.js";
import { actionOf } from "./steps/keys.js";
import { channelsOf, hidesRows } from "./steps/layout.js";
import { numberRows, numbersTable } from "./steps/numbers-table.js";
import { phaseBar } from "./steps/phase-bar.js";
import { neuronText, phaseLedger } from "./steps/phase-ledger.js";
import { phaseText } from "./steps/phase-text.js";
import { isForward } from "./steps/phases.js";
import { comparison } from "./steps/published.js";
import { scrubber } from "./steps/scrubber.js";
import { stage } from "./steps/stage.js";
import { trainAgain } from "./steps/train-again.js";
import { neededWeights, neuronOf, readChoices } from "./steps/view.js";
import { weightPanels } from "./steps/weight-panels.js";
import { replayText, stepText } from "./steps/words.js";

/** @typedef {import("./types.d.ts").Model} Model */
/** @typedef {import("./steps/data.js").Step} Step */
/** @typedef {import("./steps/view.js").View} View */
/** @typedef {import("./steps/scrubber.js").StepIndex} StepIndex */

const WAIT_MS = 300; // before the page says that it waits

const path = `/models/${encodeURIComponent($("main").dataset.ref)}`;

/** Say what keeps the page from showing a step. @param {...(Node | string)} content */
const say = (...content) => $("#trouble").replaceChildren(...content);

/** @param {string} words */
const status = (words) => h("p", { class: "small", role: "status" }, words);

/** @param {Model} model @param {StepIndex} index */
function start(model, index) {
  const { classes, dataset } = model;
  const loader = stepLoader(model);
  const layers = allLayers(model);
  const hasPublished = index.batch_size === 1 && index.angles != null;
  const choices = readChoices(query, {
    layers: layers.length,
    batchSize: index.batch_size,
    trainedWith: index.trained_with,
    hasPublished,
  });
  /** @type {Step | null} */
  let step = null;
  /** @type {View | null} */
  let view = null;
  /** @type {Element[]} */
  let note = []; // why another step is shown than was asked for
  const updateRequest = requestLine($("#request"), {
    method: "GET",
    path: loader.pathOf(choices.step, choices.sample),
    anchor: "",
    figure: "this step",
  });
  const compare = hasPublished ? comparison(index) : null;
  const drawPanels = weightPanels(model.id);
  const diagram = stage($("#stage"), chooseNeuron);
  const bar = phaseBar(choices, layers.length, { show, nextStep });
  const training = scrubber(index, loader, {
    go: (target) => {
      bar.stop();
      go(target);
    },
    fail: (problem) => say(notice(problem)),
  });

  /** Choose a neuron, and in a phase of one layer the same phase of its layer.
   * @param {number} layer @param {number} neuron */
  function chooseNeuron(layer, neuron) {
    choices.neurons[layer] = neuron;
    const { phase } = /** @type {View} */ (view);
    if (phase.layer != null && phase.layer !== layer) {
      choices.phase = isForward(phase) ? `forward-${layer}` : `delta-${layer}`;
    }
    choices.layer = layer;
    show();
  }

  /** Make the view of a step with the current choices. @param {Step} found @returns {View} */
  function viewOf(found) {
    const { phases } = bar;
    const at = phases.findIndex(({ key }) => key === choices.phase);
    const phase = phases[at];
    const layer = phase.layer ?? choices.layer;
    choices.layer = layer;
    const { gradient } = choices;
    const neuron = neuronOf(found, layer, choices.neurons);
    const weights = step === found && view?.gradient === gradient ? view.weights : new Map();
    return { phases, phase, at, layer, neuron, gradient, classes, dataset, weights };
  }

  /** Load the weights that the phase shows; tell whether there are new ones.
   * @param {Step} found @param {View} wanted */
  async function loadWeights(found, { phase, layer, gradient, weights }) {
    const missing = neededWeights(found, phase, layer).filter((number) => !weights.has(number));
    await Promise.all(
      missing.map(async (number) => {
        weights.set(number, await loader.weights(found, number, gradient));
      }),
    );
    return missing.length > 0;
  }

  /** Draw everything that depends on the phase and the neuron.
   * @param {Step} found @param {View} now @param {boolean} isNew */
  function drawPhase(found, now, isNew) {
    diagram.draw(found, now, isNew);
    const { title, text, formulas } = phaseText(found, now, model.parameters);
    $("#phase-title").textContent = title;
    $("#phase-words").replaceChildren(.../** @type {string[]} */ (text));
    $("#formulas").replaceChildren(...formulas.map((one) => h("div", { class: "formula" }, one)));
    const { name, values } = neuronText(found, now);
    $("#who").replaceChildren(name, h("span", { class: "sr" }, values));
    $("#ledger").replaceChildren(...phaseLedger(found, now));
    drawPanels(found, now);
    const isUpdate = now.phase.kind === "update";
    $("#ticks").hidden = now.gradient !== "published" || isUpdate;
    $("#moved").hidden = !isUpdate || !found.after?.[now.gradient];
    $(`#gradient [value=${now.gradient}]`).checked = true;
    bar.mark(now.at);
  }

  /** Draw what changes only with the step. @param {Step} found */
  function drawStep(found) {
    document.title = `Step ${count(found.step)} of ${model.id} · Stepbox`;
    $("#number").textContent = count(found.step);
    $("#sentence").textContent = stepText(found, model);
    $("#replayed").textContent = replayText(found);
    $("#hidden-rows").hidden = !found.layers.some(hidesRows);
    showBatch(found);
    training.show(found);
    compare?.(found);
  }

  /** Fill the table of all numbers, after the diagram. */
  const fillNumbers = () =>
    requestAnimationFrame(() =>
      setTimeout(() => {
        if (!step || !view) return;
        const layer = Number($("#which").value);
        $("#numbers").ariaLabel = `Layer ${layer} in step ${count(step.step)}`;
        $("#numbers").replaceChildren(...numbersTable(step, view, layer));
      }),
    );

  /** Draw the current choices once their step is loaded. */
  async function draw() {
    const found = await loader.step(choices.step, choices.sample);
    const now = viewOf(found);
    const isNewStep = found !== step;
    const isNewPhase = isNewStep || now.phase !== view?.phase || now.gradient !== view.gradient;
    const isNewNeuron = isNewStep || now.layer !== view?.layer || now.neuron !== view.neuron;
    [step, view] = [found, now];
    if (isNewStep) drawStep(found);
    drawPhase(found, now, isNewPhase);
    if (isNewNeuron) {
      $("#which").value = String(now.layer);
      fillNumbers();
    }
    const { phase, gradient, sample } = choices;
    const address = { step: found.step, phase, gradient, layer: now.layer, neuron: now.neuron };
    const requested = loader.pathOf(found.step, sample);
    updateRequest(undefined, { ...address, sample: sample || null }, requested);
    updateWeights(); // not awaited, so that the slider does not wait for them
  }

  /** End the waiting. @param {...Node} content */
  function settle(...content) {
    $("main").classList.remove("waiting");
    say(...content);
  }

  const updateWeights = latest(
    async () => (step && view && (await loadWeights(step, view)) ? view : null),
    (loaded) => {
      if (step && loaded && loaded === view) drawPhase(step, loaded, false);
    },
    (problem) => say(notice(problem, show)),
  );

  const update = latest(
    draw,
    () => settle(...note),
    (problem) => settle(notice(problem, show)),
  );

  /** Show the current choices, and say so if it takes long. */
  async function show() {
    const asked = choices.step;
    const timer = setTimeout(() => {
      $("main").classList.add("waiting");
      say(status(`Replaying step ${count(asked)} from the parameters stored before it…`));
    }, WAIT_MS);
    await update();
    clearTimeout(timer);
  }

  /** Go to a step, or to the nearest one that can be opened. @param {number} target */
  function go(target) {
    choices.step = nearestOpenable(index, target);
    const words =
      target > index.steps
        ? `The training has ${count(index.steps)} steps. This is the last one that can be opened.`
        : `Step ${count(target)} cannot be opened, because it is too far from the stored ` +
          "parameters. This is the nearest step that can.";
    note = choices.step === target ? [] : [status(words)];
    show();
  }

  /** Go to another step, if there is one. @param {number | null} target */
  function goIfAny(target) {
    if (target != null) go(target);
  }

  function nextStep() {
    goIfAny(training.next());
  }

  /** @param {import("./steps/keys.js").Action} chosen @param {Step} found @param {View} now */
  function act(chosen, found, { layer, neuron }) {
    switch (chosen.action) {
      case "turn":
        return bar.turn(chosen.way);
      case "neuron": {
        const neurons = channelsOf(found.layers[layer - 1]);
        return chooseNeuron(layer, (neuron + chosen.way + neurons) % neurons);
      }
      case "layer":
        return chooseNeuron(chosen.layer, neuronOf(found, chosen.layer, choices.neurons));
      case "play":
        return bar.play();
      case "next":
        return nextStep();
      case "later":
        return goIfAny(training.later());
    }
  }

  document.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || !step || !view) return;
    if (target.closest("input, select, dialog, code, .scroll, .save")) return;
    const action = actionOf(event.key, target.closest("#stage") != null, layers.length);
    if (!action) return;
    event.preventDefault();
    act(action, step, view);
  });
  const names = layers.map(({ type }, i) => h("option", { value: i + 1 }, `${i + 1}: ${type}`));
  $("#which").append(...names);
  $("#which").addEventListener("change", fillNumbers);
  connectControls(choices, { show, hint: diagram.hint, hasPublished });
  const rows = () => (step ? numberRows(step, Number($("#which").value), classes) : []);
  savable($("#diagram"), { name: () => `${model.id}-step-${step?.step}`, rows });
  savable($("#numbers").closest("figure"), {
    name: () => `${model.id}-step-${step?.step}-numbers`,
    rows,
    drawing: false,
  });
  go(choices.step);
}

async function showPage() {
  const model = await get(path);
  $("#crumb").textContent = model.id;
  $("#crumb").href = `/ui/models/${model.id}`;
  const index = await catchProblem(
    () => get(`${path}/steps`),
    async (problem) => {
      if (!String(problem.others.type).endsWith("steps-not-kept")) throw problem;
      $("#number").textContent = "not kept";
      say(await trainAgain(model, `${problem.detail}.`));
      return null;
    },
  );
  if (!index) return;
  start(model, index);
  $("main").classList.remove("nothing");
}

await catchProblem(showPage, (problem) => {
  $("#number").textContent = "not found";
  say(notice(problem));
});
ready();
