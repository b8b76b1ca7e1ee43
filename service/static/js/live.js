// A job that grows under one's eyes: its events, put together.
import { get, follow } from "./api.js";
import { h } from "./common.js";

// changed(job, what, speed) after each event; what is "status", "epoch" or "progress"; speed in samples per second
export async function watch(job, changed, trouble, signal) {
  let marks = [],
    clock,
    again;
  const why = h("span");
  const speed = () =>
    marks.length < 2
      ? null
      : (1000 * (marks.at(-1).samples - marks[0].samples)) / (marks.at(-1).at - marks[0].at);
  const quiet = () => {
    clearInterval(clock);
    trouble.replaceChildren();
  };
  await follow(
    job.links.events,
    {
      event(type, data) {
        if (type === "status") job = data;
        if (type === "epoch") {
          job.history = [...job.history.filter((entry) => entry.epoch < data.epoch), data];
        }
        if (type === "progress") {
          job.progress = data;
          marks = [...marks, { at: performance.now(), samples: data.samples }].slice(-12);
          if (marks.at(-1).at - marks[0].at < 400) marks = marks.slice(-1); // old events, told all at once, say nothing about speed
        }
        changed(job, type, speed());
      },
      lost(since, problem, retry) {
        again = retry;
        why.textContent = problem.status ? `${problem.detail} ` : "";
        if (trouble.hasChildNodes()) return; // the words stay, and a focus on the button
        const words = h("span"),
          say = () => {
            words.textContent = `${Math.round((Date.now() - since) / 1000)} s ago`;
          };
        say();
        clock = setInterval(say, 1000);
        trouble.replaceChildren(
          h(
            "div",
            { class: "notice bad", role: "alert" },
            h("b", null, "Connection lost ", words, ". "),
            why,
            "The training goes on without this page; the curve continues where it stopped, with no gap. Trying again every 2 s.",
            h(
              "p",
              { class: "row" },
              h("button", { class: "plain", type: "button", onclick: () => again() }, "Try now"),
            ),
          ),
        );
      },
      found: quiet,
    },
    signal,
  );
  quiet();
}

export const stateWords = (job) => {
  const { epoch, epochs } = job.progress,
    last = job.history.at(-1);
  return {
    queued: job.queue_position ? `queued, ${job.queue_position} before it` : "queued, next",
    running: `epoch ${Math.max(1, epoch)} of ${epochs}`,
    succeeded: "succeeded",
    failed: last?.epoch ? `failed after epoch ${last.epoch}` : "failed before the first epoch",
    cancelled: last?.epoch ? `cancelled after epoch ${last.epoch}` : "cancelled",
  }[job.status];
};
export const state = (job, words = stateWords(job)) =>
  h("span", { class: `state ${job.status}` }, words);

// What of its recipe was changed: [[field, value], …]
let named;
export const recipes = () =>
  (named ??= get("/recipes").then((answer) =>
    Object.fromEntries(answer.recipes.map(({ name, description, ...fields }) => [name, fields])),
  ));
export const changes = (recipe, all) =>
  Object.entries(all[recipe.name] ?? {})
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(recipe[key]))
    .map(([key]) => [key, recipe[key]]);
