// Jobs: the form, the training that runs now, the list.
import { $, h, count, duration, fixed, notice, ready, renew } from "./common.js";
import { get, Problem } from "./api.js";
import { watch, recipes as load, state, stateWords } from "./live.js";
import { start } from "./form.js";
import { list, ghosts } from "./joblist.js";

const LOOK_MS = 2500,
  head = $("#now-head"),
  trouble = h("div");
$("#now-chart").style.setProperty("--h", "300px");
const slow = setTimeout(() => $("#rows").replaceChildren(ghosts()), 300);
const [recipes, published] = await Promise.all([
  load(),
  get("/published").then((answer) =>
    Object.fromEntries(
      Object.entries(answer.recipes).map(([name, curve]) => [name, curve.history]),
    ),
  ),
]);
start(recipes);
ready();

// The training that runs now. Libraries for charts come after the page can be used.
let shown = null,
  draw = () => {},
  stop = null,
  rate = null;
const words = {
  live: [
    h("b", { class: "blue" }, "Train"),
    " and ",
    h("b", { class: "orange" }, "test"),
    " loss, over the same losses as the source published them (grey, where it did). ",
  ],
  ghost: ["Loss of the source’s own run. "],
};
function caption() {
  $("#now-caption").replaceChildren(
    ...words[shown ? "live" : "ghost"],
    `The dotted line is a network that knows nothing: ln 10 = ${fixed(Math.LN10, 3)} nats.`,
  );
  if (!shown) return;
  const {
      status,
      progress: { fraction, eta_seconds },
    } = shown,
    running = status === "running";
  if (stated.textContent !== stateWords(shown)) stated.replaceChildren(state(shown));
  bar.hidden = below.hidden = !running;
  bar.value = fraction;
  speed.textContent = rate
    ? `${count(Math.round(rate / 100) * 100)} samples/s on ${shown.device ?? "…"}`
    : "";
  left.textContent = eta_seconds == null ? "" : `${duration(eta_seconds)} left`;
}
// Its elements stay while it runs, and with them the focus and clicks on them
const stated = h("span"),
  bar = h("progress", { max: 1, value: 0, "aria-label": "Training done" }),
  speed = h("span"),
  left = h("span"),
  below = h("p", { class: "small row" }, speed, left);
const frame = () =>
  head.replaceChildren(
    ...(shown
      ? [
          h(
            "div",
            { class: "row" },
            h("h2", null, h("a", { href: `/ui/jobs/${shown.id}` }, shown.recipe.name)),
            stated,
          ),
          bar,
          below,
          trouble,
        ]
      : [
          h("h2", null, "What the source published"),
          h("p", { class: "small" }, "fashion-mnist-torch, sixty epochs"),
        ]),
  );
function present(job) {
  if (job && job.id === shown?.id) return;
  stop?.abort();
  shown = job;
  rate = null;
  frame();
  caption();
  draw();
  if (job?.status !== "running") return;
  stop = new AbortController();
  watch(
    job,
    (now, type, speed) => {
      shown = now;
      rate = speed ?? rate;
      caption();
      if (type !== "progress") draw();
      if (type === "status") look();
    },
    trouble,
    stop.signal,
  ).catch((problem) => {
    if (problem.status !== 404) throw problem;
  }); // it has been deleted
}

// The list, looked at again while the page is seen
let timer,
  newest = [],
  older = [],
  cursor = null;
const away = (problem) =>
  $("#away").replaceChildren(notice({ title: "Not live", detail: problem.detail }, look));
async function look() {
  clearTimeout(timer);
  if (!document.hidden && !$("#list").matches(":active"))
    try {
      // nothing moves under a pressed pointer
      const [
        { jobs, next },
        {
          jobs: [running],
        },
      ] = await Promise.all([get("/jobs?limit=20"), get("/jobs?status=running&limit=1")]); // it may stand far behind those that wait
      clearTimeout(slow);
      const listed = new Set(jobs.map((job) => job.id));
      if (older.length)
        older = [...newest, ...older].filter(
          (job) => !listed.has(job.id) && job.created_at < jobs.at(-1)?.created_at,
        );
      else cursor = next;
      newest = jobs;
      renew($("#rows"), list([...newest, ...older], recipes, published));
      renew(
        $("#more"),
        ...(cursor
          ? [h("button", { class: "plain", type: "button", onclick: more }, "Older jobs")]
          : []),
      );
      $("#away").replaceChildren();
      present(running ?? jobs.find((job) => job.history.length > 1) ?? null);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      clearTimeout(slow);
      away(problem);
    }
  timer = setTimeout(look, LOOK_MS);
}
async function more() {
  try {
    const page = await get(`/jobs?limit=50&after=${encodeURIComponent(cursor)}`);
    older = [...older, ...page.jobs];
    cursor = page.next;
    look();
  } catch (problem) {
    away(problem);
  }
}
document.addEventListener("visibilitychange", look);
frame();
caption();
look();
const { chart } = await import("./chart.js"),
  { lossCurves } = await import("./curves.js");
draw = chart($("#now-chart"), (width) => {
  const name = shown?.recipe.name ?? "fashion-mnist-torch";
  return lossCurves({
    width,
    history: shown?.history ?? [],
    published: published[name],
    epochs: shown?.recipe.epochs ?? 60,
  });
});
