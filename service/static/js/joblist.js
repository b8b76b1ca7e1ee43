// The list of jobs. A row's line is its test loss on a common log axis, grey what the source published.
import { h, s, percent, duration, table } from "./common.js";
import { state, stateWords, changes } from "./live.js";

const Y = (loss) =>
  30 - (28 * Math.log(Math.max(0.02, Math.min(3, loss)) / 0.12)) / Math.log(2.4 / 0.12);
function spark(job, ghost) {
  const path = (rows) =>
    rows
      .filter((d) => d.test_loss != null && d.epoch <= job.recipe.epochs)
      .map(
        (d, i) =>
          `${i ? "L" : "M"}${((118 * d.epoch) / job.recipe.epochs).toFixed(1)} ${Y(d.test_loss).toFixed(1)}`,
      )
      .join("");
  const last = job.history.at(-1);
  return s(
    "svg",
    { viewBox: "0 0 120 32", "aria-hidden": "true", fill: "none" },
    ghost && s("path", { d: path(ghost), stroke: "var(--grey)" }),
    job.history.length > 1 &&
      s("path", { d: path(job.history), stroke: "var(--orange)", "stroke-width": 2 }),
    last &&
      s("circle", {
        cx: (118 * last.epoch) / job.recipe.epochs,
        cy: Y(last.test_loss),
        r: 2.5,
        fill: "var(--orange)",
      }),
  );
}
const made = (job) => {
  const time = new Date(job.created_at);
  return time.toDateString() === new Date().toDateString()
    ? time.toTimeString().slice(0, 5)
    : time.toISOString().slice(0, 10);
};
function row(job, recipes, published) {
  const last = job.history.at(-1),
    { fraction, eta_seconds } = job.progress,
    running = job.status === "running";
  return h(
    "tr",
    null,
    h(
      "td",
      null,
      h("a", { href: `/ui/jobs/${job.id}` }, job.recipe.name),
      h(
        "span",
        { class: "small" },
        [
          job.id.slice(0, 6),
          ...changes(job.recipe, recipes).map(
            ([key, value]) => `${key} ${Array.isArray(value) ? value.join("-") || "none" : value}`,
          ),
        ].join(" · "),
      ),
    ),
    h(
      "td",
      null,
      state(job, running ? "running" : stateWords(job)),
      running && h("progress", { max: 1, value: fraction, "aria-label": "Training done" }),
      running &&
        h(
          "span",
          { class: "small" },
          stateWords(job) + (eta_seconds == null ? "" : `, ${duration(eta_seconds)} left`),
        ),
      job.error && h("span", { class: "small" }, job.error.title),
    ),
    h("td", { class: "n" }, last?.epoch ? percent(last.test_accuracy) : "—"),
    h("td", { class: "spark" }, job.history.length ? spark(job, published[job.recipe.name]) : null),
    h("td", { class: "n when small" }, h("time", { datetime: job.created_at }, made(job))),
  );
}
export const ghosts = () =>
  h(
    "table",
    { class: "joblist", "aria-busy": "true" },
    h(
      "tbody",
      null,
      ...[9, 7, 8].map((w) =>
        h(
          "tr",
          null,
          h("td", null, h("span", { class: "ghost" }, "—".repeat(w))),
          h("td", null, h("span", { class: "ghost" }, "—————")),
        ),
      ),
    ),
  );
export const list = (jobs, recipes, published) =>
  jobs.length
    ? table(
        [
          ["Recipe and what was changed"],
          ["State"],
          ["Accuracy", true],
          ["Test loss"],
          ["Made", true],
        ],
        jobs.map((job) => row(job, recipes, published)),
        { class: "joblist" },
      )
    : h(
        "p",
        { class: "empty" },
        "No job yet. The grey line above is what the source published; start a training and yours grows over it.",
      );
