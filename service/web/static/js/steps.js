// @ts-check
// The page One step: every number of one step of a model's training, phase by phase.
import "./page.js";
import { catchProblem, get, latest } from "./api.js";
import { $, $$, h, notice, ready } from "./dom.js";
import { count, shareText } from "./numbers.js";
import { query, requestLine } from "./request-line.js";
import { savable } from "./save-figure.js";
import { nearestOpenable, stepLoader } from "./steps/data.js";
import { channelsOf } from "./steps/layout.js";
import { figure } from "./steps/ledger.js";
import { numberRows, numbersTable } from "./steps/numbers-table.js";
import { neuronText, phaseLedger } from "./steps/phase-ledger.js";
import { phaseText } from "./steps/phase-text.js";
import { isForward, phasesOf } from "./steps/phases.js";
import { comparison } from "./steps/published.js";
import { scrubber } from "./steps/scrubber.js";
import { stage } from "./steps/stage.js";
import { offerTraining } from "./steps/train-again.js";
import { neededWeights, neuronOf, readChoices } from "./steps/view.js";
import { weightPanels } from "./steps/weight-panels.js";

/** @typedef {import("./types.d.ts").Model} Model */
/** @typedef {import("./steps/data.js").Step} Step */
/** @typedef {import("./steps/data.js").Kind} Kind */
/** @typedef {import("./steps/view.js").View} View */
/** @typedef {import("./steps/scrubber.js").StepIndex} StepIndex */
/** @typedef {import("./api.js").ProblemError} ProblemError */

const WAIT_MS = 300; // before the page says that it waits
const PLAY_MS = 2000; // for each phase
const MOST_LISTED = 2000; // rows of the table of all numbers

const ref = encodeURIComponent($("main").dataset.ref);

/** Say what keeps the page from showing a step. @param {...(Node | string)} content */
const say = (...content) => $("#trouble").replaceChildren(...content);

/** @param {Step} step @param {string[]} classes */
function sentence({ epoch, sample, label, said, probabilities, loss }, classes) {
  const share = shareText(probabilities[said], 1);
  return (
    `Epoch ${epoch}, training sample ${count(sample)}, label ${classes[label]}. The network ` +
    `predicts ${classes[said]} (${share}). ${said === label ? "Right" : "Wrong"}: the loss is ` +
    `${figure(loss)} nats.`
  );
}

/** Say how exact the replay was. @param {Step} step */
function replayText({ replay, step }) {
  const from =
    replay.snapshot === step
      ? "The parameters before this step were stored."
      : `The parameters were computed again from step ${count(replay.snapshot)}, before which ` +
        "they were stored.";
  if (replay.difference == null) return `${from} Nothing was compared further on.`;
  const far = replay.difference ? figure(replay.difference, 2) : "0";
  const good = replay.within_goal
    ? ""
    : ` This is more than the goal of ${figure(replay.goal, 1)}.`;
  return `${from} At the next stored ones, the largest difference is ${far}.${good}`;
}

/** @param {Model} model @param {StepIndex} index */
function start(model, index) {
  const { classes, dataset } = model;
  const loader = stepLoader(model);
  const hasPublished = index.batch_size === 1 && index.angles != null;
  /** @type {Step | null} */
  let step = null;
  /** @type {View | null} */
  let view = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let playing;
  let phases = phasesOf(1);
  /** @type {HTMLButtonElement[]} */
  let buttons = [];
  const layers = (model.recipe.layers ?? model.recipe.hidden_sizes ?? []).length + 1;
  const choices = readChoices(query, {
    layers,
    batchSize: index.batch_size,
    trainedWith: index.trained_with,
    hasPublished,
  });
  choices.step = nearestOpenable(index, choices.step);
  const updateRequest = requestLine($("#request"), {
    method: "GET",
    path: loader.pathOf(choices.step, choices.sample),
    anchor: "",
    figure: "this step",
  });
  const compare = hasPublished ? comparison(index) : null;
  const diagram = stage($("#stage"), chooseNeuron);
  const bar = scrubber(index, loader, {
    go: (target) => {
      stop();
      go(target);
    },
    fail: (problem) => say(notice(problem)),
  });

  /** Choose a neuron in the diagram. @param {number} layer @param {number} neuron */
  function chooseNeuron(layer, neuron) {
    choices.neurons[layer] = neuron;
    const { phase } = /** @type {View} */ (view);
    if (phase.layer != null && phase.layer !== layer) {
      choices.phase = isForward(phase) ? `forward-${layer}` : `delta-${layer}`;
    }
    choices.layer = layer;
    show();
  }

  /** Build the buttons of the phases. @param {number} layers */
  function buildPhases(layers) {
    phases = phasesOf(layers);
    buttons = phases.map((phase) => {
      const [word, high] = phase.mark;
      const onclick = () => {
        stop();
        choices.phase = phase.key;
        show();
      };
      const attributes = { class: "phase", type: "button", "aria-label": phase.name, onclick };
      const mark = high ? [h("i", null, word), h("sup", null, high)] : word;
      const button = h("button", attributes, mark);
      $(isForward(phase) ? "#ahead" : "#behind").append(h("li", null, button));
      return button;
    });
  }

  /** Go to another phase, or after the last one to the next step. @param {number} way ±1 */
  function turn(way) {
    const at = phases.findIndex(({ key }) => key === choices.phase) + way;
    if (phases[at]) {
      choices.phase = phases[at].key;
      show();
      return;
    }
    const next = way > 0 ? bar.next() : null;
    if (next == null) return;
    choices.phase = phases[0].key;
    go(next);
  }

  function stop() {
    clearInterval(playing);
    playing = undefined;
    $("#play").textContent = "Play";
  }

  function play() {
    if (playing) return stop();
    const last = phases[phases.length - 1].key;
    if (choices.phase === last) choices.phase = phases[0].key;
    show();
    $("#play").textContent = "Pause";
    playing = setInterval(() => {
      turn(1);
      if (choices.phase === last) stop();
    }, PLAY_MS);
  }

  /** Make the view of a step with the current choices. @param {Step} found @returns {View} */
  function viewOf(found) {
    const at = phases.findIndex(({ key }) => key === choices.phase);
    const phase = phases[at];
    const layer = phase.layer ?? choices.layer;
    choices.layer = layer;
    const { gradient } = choices;
    const neuron = neuronOf(found, layer, choices.neurons);
    const weights = step === found && view?.gradient === gradient ? view.weights : new Map();
    return { phases, phase, at, layer, neuron, gradient, classes, dataset, weights };
  }

  /** Load the weights that the phase shows; false if another step was chosen meanwhile.
   * @param {Step} found @param {View} wanted */
  async function loadWeights(found, wanted) {
    const needed = neededWeights(found, wanted.phase, wanted.layer);
    const missing = needed.filter((number) => !wanted.weights.has(number));
    await Promise.all(
      missing.map(async (number) => {
        const loaded = await loader.weights(found, number, wanted.gradient);
        wanted.weights.set(number, loaded);
      }),
    );
    return missing.length > 0;
  }

  /** Draw everything that depends on the phase and the neuron.
   * @param {Step} found @param {View} now @param {boolean} isNew */
  function drawPhase(found, now, isNew) {
    diagram.draw(found, now, isNew);
    const text = phaseText(found, now, model.parameters);
    $("#phase-title").textContent = text.title;
    $("#phase-words").replaceChildren(.../** @type {string[]} */ (text.text));
    const formulas = text.formulas.map((one) => h("div", { class: "formula" }, one));
    $("#formulas").replaceChildren(...formulas);
    const { name, values } = neuronText(found, now);
    $("#who").replaceChildren(name, h("span", { class: "sr" }, values));
    $("#ledger").replaceChildren(...phaseLedger(found, now));
    $("#panels").replaceChildren(...weightPanels(found, now));
    $("#ticks").hidden = now.gradient !== "published";
    buttons.forEach((button, i) => {
      button.classList.toggle("done", i < now.at);
      if (i === now.at) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
    $("#back").disabled = now.at === 0;
    $("#count").textContent = `Phase ${now.at + 1} of ${phases.length}`;
    $(`#gradient [value=${now.gradient}]`).checked = true;
  }

  /** Draw what changes only with the step. @param {Step} found */
  function drawStep(found) {
    document.title = `Step ${count(found.step)} of ${model.id} · Stepbox`;
    $("#number").textContent = count(found.step);
    $("#sentence").textContent = sentence(found, classes);
    $("#replayed").textContent = replayText(found);
    const large = found.layers.filter((layer) => !layer.isLast && channelsOf(layer) > 32);
    $("#hidden-rows").textContent = large.length
      ? "Of large layers, the diagram shows the neurons with the largest δ."
      : "";
    showBatch(found);
    bar.show(found);
    compare?.(found);
  }

  /** @param {Step} found */
  function showBatch({ batch_size: size, position }) {
    $("#batch").hidden = size === 1;
    if (size === 1) return;
    const menu = $("#position");
    if (menu.length !== size) {
      menu.replaceChildren(
        ...Array.from({ length: size }, (_, i) => h("option", { value: i }, i + 1)),
      );
    }
    menu.value = String(position);
  }

  /** Fill the table of all numbers, after the diagram. */
  const fillNumbers = () =>
    requestAnimationFrame(() =>
      setTimeout(() => {
        if (!step || !view) return;
        $("#numbers").replaceChildren(...numbersTable(step, view, Number($("#which").value)));
      }),
    );

  /** Draw the current choices, if their step is loaded. */
  async function draw() {
    const found = await loader.step(choices.step, choices.sample);
    if (!buttons.length) {
      buildPhases(found.layers.length);
      const names = found.layers.map(({ number, spec }) => `${number}: ${spec.type}`);
      $("#which").append(...names.map((name, i) => h("option", { value: i + 1 }, name)));
    }
    const isNewStep = found !== step;
    const now = viewOf(found);
    const isNewPhase = isNewStep || now.phase !== view?.phase || now.gradient !== view.gradient;
    const isNewLayer = isNewStep || now.layer !== view?.layer || now.neuron !== view.neuron;
    [step, view] = [found, now];
    if (isNewStep) drawStep(found);
    drawPhase(found, now, isNewPhase);
    if (isNewLayer) {
      $("#which").value = String(now.layer);
      fillNumbers();
    }
    const { phase, gradient, sample } = choices;
    const address = { step: found.step, phase, gradient, layer: now.layer, neuron: now.neuron };
    updateRequest(
      undefined,
      { ...address, sample: sample || null },
      loader.pathOf(found.step, sample),
    );
    const more = await loadWeights(found, now);
    if (more && view === now) drawPhase(found, now, false);
  }

  const update = latest(
    draw,
    () => say(),
    (problem) => fail(problem),
  );

  /** @param {ProblemError} problem */
  function fail(problem) {
    const { nearest } = problem.others;
    if (Array.isArray(nearest) && nearest.length && step === null) {
      choices.step = nearest[0];
      update();
      return;
    }
    say(notice(problem, show));
  }

  /** Show the current choices, and say so if it takes long. */
  async function show() {
    const asked = choices.step;
    const timer = setTimeout(() => {
      $("main").classList.add("waiting");
      const words = `Replaying step ${count(asked)} from the parameters stored before it…`;
      say(h("p", { class: "small", role: "status" }, words));
    }, WAIT_MS);
    await update();
    clearTimeout(timer);
    if (step?.step === choices.step) $("main").classList.remove("waiting");
  }

  /** @param {number} target */
  function go(target) {
    choices.step = target;
    show();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || !view || !step) return;
    if (target.closest("input, select, dialog, code, .scroll, .save")) return;
    const inDiagram = target.closest("#stage") != null;
    const { layer, neuron } = view;
    const neurons = channelsOf(step.layers[layer - 1]);
    /** @type {Record<string, () => void>} */
    const anywhere = {
      ArrowRight: () => (stop(), turn(1)),
      ArrowLeft: () => (stop(), turn(-1)),
    };
    const move = (/** @type {number} */ way) => chooseNeuron(layer, (neuron + way) % neurons);
    /** @type {Record<string, () => void>} */
    const inside = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(neurons - 1),
      " ": play,
      n: () => go(bar.next() ?? choices.step),
      e: () => go(bar.later() ?? choices.step),
    };
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = anywhere[key] ?? (inDiagram ? (inside[key] ?? layerKey(key)) : undefined);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** The action of a digit: choose this layer. @param {string} key */
  function layerKey(key) {
    const layer = Number(key);
    if (!step || !Number.isInteger(layer) || layer < 1 || layer > step.layers.length) return;
    return () => chooseNeuron(layer, neuronOf(/** @type {Step} */ (step), layer, choices.neurons));
  }

  $("#back").addEventListener("click", () => (stop(), turn(-1)));
  $("#on").addEventListener("click", () => (stop(), turn(1)));
  $("#play").addEventListener("click", play);
  document.addEventListener("keydown", onKey);
  $("#gradient").hidden = !hasPublished;
  for (const input of $$("#gradient input")) {
    input.addEventListener("change", () => {
      choices.gradient = input.value;
      show();
    });
  }
  $("#position").addEventListener("change", (/** @type {any} */ { target }) => {
    choices.sample = Number(target.value);
    show();
  });
  $("#which").addEventListener("change", fillNumbers);
  const row = (/** @type {Event} */ { target }) =>
    /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest("tr"));
  $("#ledger").addEventListener("pointerover", (/** @type {Event} */ event) =>
    diagram.hint(row(event)?.dataset.from ?? null),
  );
  $("#ledger").addEventListener("pointerleave", () => diagram.hint(null));
  const rows = () =>
    step ? numberRows(step, Number($("#which").value), classes).slice(0, MOST_LISTED) : [];
  savable($("#diagram"), { name: `step-${model.id}`, rows });
  savable($("#numbers").closest("figure"), { name: `numbers-${model.id}`, rows, drawing: false });
  return show();
}

async function showPage() {
  const model = await get(`/models/${ref}`);
  $("#crumb").textContent = model.id;
  $("#crumb").href = `/ui/models/${model.id}`;
  const index = await catchProblem(
    () => get(`/models/${ref}/steps`),
    (problem) => {
      if (!String(problem.others.type).endsWith("steps-not-kept")) throw problem;
      say(offerTraining(model, problem));
      $("#number").textContent = "not kept";
      return null;
    },
  );
  if (index) {
    await start(model, index);
    $("main").classList.remove("nothing");
  }
}

await catchProblem(showPage, (problem) => {
  $("#number").textContent = "not found";
  say(notice(problem));
});
ready();
