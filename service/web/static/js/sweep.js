// @ts-check
// The page of one sweep, updated while it runs.
import "./page.js";
import { capitalized } from "./capitalized.js";
import { catchProblem, get, latest, post, send } from "./api.js";
import { $, $$, facts, h, notice, ready, renew } from "./dom.js";
import { FINAL_STATUSES, followEvents } from "./events.js";
import { lostNotice } from "./jobs/live.js";
import { webhookFacts } from "./jobs/webhook.js";
import { percent } from "./numbers.js";
import { datasetName, loadRecipes, nameOf } from "./recipes.js";
import { query, requestLine } from "./request-line.js";
import { localTime } from "./times.js";
import { drawSweep } from "./sweeps/figures.js";
import { readView, sortedBy, writeView } from "./sweeps/listing.js";
import { paramText, paramWords, parametersOf } from "./sweeps/parameters.js";
import {
  isEnded,
  metricWords,
  noImportance,
  progressText,
  valueText,
  withAnswer,
  withTrial,
  withValue,
} from "./sweeps/state.js";
import { comparedTable, trialTable } from "./sweeps/trial-table.js";

/** @typedef {import("./types.d.ts").Sweep} Sweep */

const ASK_MS = 2000;
const UPDATE_MS = 100; // when a page opens, all events of the sweep arrive at once
const id = $("main").dataset.id;
const path = `/sweeps/${encodeURIComponent(id)}`;
/** @type {Sweep} */
let sweep;
/** @type {import("./recipes.js").Recipes} */
let recipes = {};
let view = readView(query);
let redraw = () => {};
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

function showState() {
  const { status, error, progress } = sweep;
  const name = nameOf(sweep, recipes);
  const ended = FINAL_STATUSES.has(status);
  const done = `${Math.round(100 * progress.fraction)} %`;
  document.title = `${ended ? "" : `${done} · `}${name} · Stepbox`;
  $("#title").textContent = name;
  $("#notes").textContent = sweep.notes;
  const text = ended ? `${status}: ${progressText(sweep)}` : progressText(sweep);
  if ($("#state").textContent !== text) {
    $("#state").replaceChildren(h("span", { class: `state ${status}` }, text));
  }
  $("#progress").hidden = ended;
  $("#progress").value = progress.fraction;
  $("#problem").replaceChildren(...(error ? [notice(error)] : []));
}

/**
 * Do what a button says, and meanwhile say so.
 * @param {{ currentTarget: HTMLButtonElement }} event
 * @param {string} words
 * @param {() => Promise<unknown>} act
 */
async function press({ currentTarget: button }, words, act) {
  button.disabled = true;
  button.textContent = words;
  await catchProblem(act, (problem) => {
    showActions();
    $("#problem").replaceChildren(notice(problem));
  });
}

/** @param {string} name @param {string} text @param {(event: any) => void} onclick */
const actionButton = (name, text, onclick) =>
  h("button", { class: "button", type: "button", id: name, "data-writes": true, onclick }, text);

function showActions() {
  const { status, best, winner, model } = sweep;
  const buttons = [];
  const see = { class: "button first", href: `/ui/models/${model}` };
  if (model) buttons.push(h("a", see, "See the model"));
  if (!FINAL_STATUSES.has(status)) {
    const cancel = (/** @type {any} */ event) =>
      press(event, "Cancelling…", () => send("POST", `${path}/cancel`));
    buttons.push(actionButton("cancel", "Cancel", cancel));
  } else if (best && (!winner || winner.state === "failed" || winner.state === "cancelled")) {
    const train = (/** @type {any} */ event) =>
      press(event, "Starting…", async () =>
        location.assign(`/ui/jobs/${(await post(`${path}/winner`, undefined)).id}`),
      );
    buttons.push(actionButton("winner", "Train the winner", train));
  }
  renew($("#actions"), ...buttons);
}

function showBest() {
  const { best, search, winner, recipe, status } = sweep;
  const names = parametersOf(sweep);
  renew(
    $("#best"),
    ...(best
      ? facts([
          ["Trial", h("a", { href: `/ui/jobs/${best.job}` }, `Trial ${best.number}`)],
          [capitalized(metricWords(search.metric)), valueText(search.metric, best.value)],
          ...names
            .filter((name) => best.params[name] !== undefined)
            .map(
              (name) =>
                /** @type {[string, string]} */ ([
                  capitalized(paramWords(name)),
                  paramText(best.params[name]),
                ]),
            ),
        ])
      : [h("dt", { class: "sr" }, "Trial"), h("dd", null, "No trial is complete.")]),
  );
  const winnerLink = winner && h("a", { href: `/ui/jobs/${winner.job}` }, winner.state);
  renew(
    $("#facts"),
    ...facts([
      [
        "Winner",
        winnerLink ||
          (search.final && status !== "cancelled" ? "trained at the end" : "not trained"),
      ],
      ["Recipe", recipe.name],
      ["Data set", datasetName(recipe.dataset)],
      ["Sampler", search.sampler],
      ["Pruner", search.pruner],
      ["At the same time", String(search.parallel)],
      ["Seed", String(recipe.seed)],
      ...webhookFacts(sweep),
      ["Created", localTime(sweep.created_at)],
      ["Finished", localTime(sweep.finished_at)],
    ]),
  );
}

function showImportance() {
  const { importance } = sweep;
  const entries = Object.entries(importance ?? {}).sort(([, a], [, b]) => b - a);
  $("#no-importance").textContent = importance ? "" : noImportance(sweep);
  $("#importance").replaceChildren(
    ...entries.map(([name, share], i) => {
      const bar = h("i");
      bar.style.inlineSize = `${100 * share}%`;
      return h(
        "li",
        { class: i ? null : "best" },
        h("span", { class: "name", title: paramWords(name) }, capitalized(paramWords(name))),
        h("span", { class: "track", "aria-hidden": "true" }, bar),
        h("span", { class: "value" }, percent(share, 0)),
      );
    }),
  );
}

/** @param {typeof view} next */
function changeView(next) {
  view = next;
  history.replaceState(history.state, "", location.pathname + writeView(view) + location.hash);
  showTrials();
  redraw();
}

const actions = {
  sort: (/** @type {string} */ key) => changeView(sortedBy(view, key)),
  pick: (/** @type {number} */ number, /** @type {boolean} */ on) => {
    const others = view.compare.filter((one) => one !== number);
    changeView({ ...view, compare: on ? [...others, number] : others });
  },
};

function showTrials() {
  const names = parametersOf(sweep);
  const compared = view.compare.flatMap(
    (number) => sweep.trials.find((trial) => trial.number === number) ?? [],
  );
  renew($("#trials"), trialTable(sweep, names, view, actions));
  const picked = compared.map(({ number }) => number).join(", ");
  $("#picked").textContent =
    compared.length > 1
      ? `Compared: trials ${picked}. Their lines are thick in the figures.`
      : "Tick two or more trials to compare them.";
  $("#curves-picked").textContent = compared.length ? `Thick: ${picked}.` : "";
  $("#figures").hidden = compared.length < 2;
  if (compared.length > 1) renew($("#figures"), comparedTable(sweep, compared, names));
}

function showAll() {
  showState();
  showActions();
  showBest();
  showImportance();
  showTrials();
  redraw();
}

/** Show the sweep soon, but not while a button of the table is pressed, which would be lost. */
function showSoon() {
  timer ??= setTimeout(() => {
    timer = undefined;
    if ($("main").matches(":has(#list:active, #actions:active)")) showSoon();
    else showAll();
  }, UPDATE_MS);
}

// Events say nothing about the importance of the parameters, and about the model.
const ask = latest(
  () => get(path),
  (answer) => {
    sweep = withAnswer(sweep, answer);
    showSoon();
  },
  () => {}, // the stream says that the connection is lost
);

/** Wait for trials that still run when a sweep has ended, and for its winner, without events. */
async function waitForRest() {
  const isOpen = (/** @type {import("./types.d.ts").Trial | null} */ trial) =>
    trial != null && !isEnded(trial);
  await ask();
  while ([...sweep.trials, sweep.winner].some(isOpen)) {
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    if (!document.hidden) await ask();
  }
}

/** Follow the sweep to its end. */
async function follow() {
  const lost = lostNotice($("#trouble"));
  await followEvents(`${path}/events`, {
    event(type, data) {
      if (type === "trial") sweep = withTrial(sweep, data);
      else if (type === "value") sweep = withValue(sweep, data);
      else if (type === "progress") sweep = { ...sweep, progress: data };
      if (type === "trial" || type === "status") ask();
      showSoon();
    },
    lost: (since, { status, detail }, retry) => lost.show(since, status ? `${detail} ` : "", retry),
    found: lost.hide,
  });
  lost.hide();
}

async function showSweep() {
  [sweep, recipes] = await Promise.all([get(path), loadRecipes()]);
  const words = metricWords(sweep.search.metric);
  for (const element of $$("[data-metric]")) element.textContent = words;
  for (const element of $$("[data-metric=capital]")) element.textContent = capitalized(words);
  requestLine($("#request"), { method: "GET", path: `${path}/events` })();
  redraw = drawSweep(
    () => sweep,
    () => new Set(view.compare),
  );
  showAll();
  $("main").classList.remove("loading");
  ready();
  if (!FINAL_STATUSES.has(sweep.status)) await follow();
  await waitForRest();
}

await catchProblem(showSweep, (problem) => {
  if (problem.status === 404) {
    $("#title").textContent = "No such sweep";
    const link = h("a", { href: "/ui/sweeps" }, "See all sweeps");
    const words = "No sweep has this id. It may have been deleted. ";
    $("#problem").replaceChildren(h("p", null, words, link, "."));
  } else $("#problem").replaceChildren(notice(problem));
  $("main").classList.replace("loading", "nothing");
  ready();
});
