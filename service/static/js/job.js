// One job, as it happens.
import {
  $,
  h,
  fixed,
  percent,
  count,
  duration,
  facts,
  show,
  notice,
  table,
  request,
  ready,
} from "./common.js";
import { get, send, Problem } from "./api.js";
import { watch, recipes, changes, stateWords } from "./live.js";
import { chart } from "./chart.js";
import { lossCurves, accuracyCurve } from "./curves.js";

const id = $("main").dataset.id,
  path = `/jobs/${encodeURIComponent(id)}`,
  moving = new Set(["queued", "running"]);
let job,
  ghost = null,
  all = {},
  rate = null;

function words() {
  const { status, progress, history, recipe } = job,
    last = history.at(-1);
  document.title = `${status === "running" ? `${Math.round(100 * progress.fraction)} % · ` : ""}${recipe.name} ${id.slice(0, 6)} · Stepbox`;
  $("#title").textContent = recipe.name;
  const said =
    {
      running: `running, ${stateWords(job)}`,
      succeeded: `succeeded: ${percent(last?.test_accuracy ?? 0)} of the test set right`,
    }[status] ?? stateWords(job);
  if ($("#state").textContent !== said)
    $("#state").replaceChildren(h("span", { class: `state ${status}` }, said));
  $("#progress").value = progress.fraction;
  $("#progress").textContent = `${Math.round(100 * progress.fraction)} %`;
  $("#speed").textContent =
    status === "running" && rate ? `${count(Math.round(rate / 100) * 100)} samples/s` : "";
  $("#left").textContent =
    status === "running" && progress.eta_seconds != null
      ? `${duration(progress.eta_seconds)} left`
      : "";
}
const cancel = async ({ currentTarget }) => {
  currentTarget.disabled = true;
  currentTarget.textContent = "Stopping…";
  try {
    await send("POST", `${path}/cancel`);
  } catch (problem) {
    actions();
    $("#problem").replaceChildren(notice(problem));
  }
};
function actions() {
  const again = new URLSearchParams({
    recipe: job.recipe.name,
    ...Object.fromEntries(changes(job.recipe, all).map(([key, value]) => [key, show(value)])),
  });
  $("#actions").replaceChildren(
    ...(moving.has(job.status)
      ? [h("button", { class: "button", type: "button", id: "cancel", onclick: cancel }, "Cancel")]
      : []),
    ...(job.model
      ? [h("a", { class: "button first", href: `/ui/models/${job.model}` }, "See the model")]
      : []),
    h("a", { class: "button", href: `/?${again}` }, "Change and run again"),
  );
  $("#problem").replaceChildren(...(job.error ? [notice(job.error)] : []));
}
const time = (text) => (text ? `${text.slice(0, 10)} ${text.slice(11, 19)} UTC` : "—");
function about() {
  const best = job.history.toSorted((a, b) => a.test_loss - b.test_loss)[0],
    { name, ...fields } = job.recipe;
  const trained = job.history.reduce((sum, entry) => sum + entry.seconds, 0),
    epochs = job.history.length - 1;
  $("#facts").replaceChildren(
    ...facts([
      ["Device", job.device ?? "—"],
      ["Worker", job.worker ? `${job.worker}, attempt ${job.attempts}` : "—"],
      [
        "An epoch",
        epochs > 0 && trained
          ? `${fixed(trained / epochs, 1)} s, ${count(Math.round((6e4 * epochs) / trained))} samples/s`
          : "—",
      ],
      [
        "Memory at most",
        job.peak_memory ? `${count(Math.round(job.peak_memory / 2 ** 20))} MiB` : "—",
      ],
      ["Made", time(job.created_at)],
      ["Started", time(job.started_at)],
      ["Finished", time(job.finished_at)],
      ["Test loss at best", best ? `${fixed(best.test_loss, 3)} nats, epoch ${best.epoch}` : "—"],
    ]),
  );
  $("#recipe dl")?.remove();
  $("#recipe").append(
    h(
      "dl",
      { class: "facts" },
      ...facts([
        ["name", name],
        ...Object.entries(fields).map(([key, value]) => [key, show(value) || "none"]),
      ]),
    ),
  );
}
function epochs() {
  if (!$("#epochs").open) return;
  $("#epochs table")?.remove();
  $("#epochs").append(
    table(
      ["Epoch", "Train, nats", "Test, nats", "Accuracy", "Seconds"].map((head) => [head, true]),
      job.history
        .toReversed()
        .map((d) =>
          h(
            "tr",
            null,
            ...[
              d.epoch,
              d.train_loss == null ? "—" : fixed(d.train_loss, 4),
              fixed(d.test_loss, 4),
              percent(d.test_accuracy, 2),
              fixed(d.seconds, 1),
            ].map((v) => h("td", { class: "n" }, String(v))),
          ),
        ),
    ),
  );
}
$("#epochs").addEventListener("toggle", epochs);

try {
  const [found, curves] = await Promise.all([
    get(path),
    get("/published"),
    recipes().then((answer) => {
      all = answer;
    }),
  ]);
  job = found;
  ghost = curves.recipes[job.recipe.name] ?? null;
  const n = job.recipe.epochs,
    mean = ghost?.mean_test_accuracy,
    points = ghost?.history.filter((d) => d.test_accuracy != null && d.epoch <= n) ?? [];
  $("#loss-published").textContent = ghost
    ? "Grey: the same as the source published it."
    : "The source published none for this recipe.";
  if (mean)
    $("#accuracy-words").textContent =
      ` The source’s ${fixed(100 * mean, 2)} % is the mean over all its epochs, early ones too, so a run that ends above it has not beaten it.`;
  else if (points.length)
    $("#accuracy-words").textContent = " Grey: the same as the source published it.";
  const loss = chart($("#loss"), (width) =>
    lossCurves({
      width,
      history: job.history,
      published: ghost?.history ?? [],
      epochs: n,
      height: width < 480 ? 260 : 340,
    }),
  );
  const accuracy = chart($("#accuracy"), (width) =>
    accuracyCurve({
      width,
      history: job.history,
      epochs: n,
      published: points,
      reference: mean ? [{ value: mean, text: "published mean", short: "publ. mean" }] : [],
    }),
  );
  const everything = (what) => {
    words();
    if (what !== "epoch") actions();
    about();
    epochs();
    loss();
    accuracy();
  };
  request($("#request"), { method: "GET", path: `${path}/events` })();
  everything();
  ready();
  if (moving.has(job.status))
    await watch(
      job,
      (now, type, speed) => {
        job = now;
        rate = speed ?? rate;
        if (type === "progress") words();
        else everything(type);
      },
      $("#trouble"),
    );
} catch (problem) {
  if (!(problem instanceof Problem)) throw problem;
  $("#problem").replaceChildren(notice(problem));
  $("main").classList.add("nothing");
  ready();
}
