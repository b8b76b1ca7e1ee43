// System: workers, devices, data sets, the queue.
import { $, h, count, facts, notice, renew, request, table, ready } from "./common.js";
import { get, Problem } from "./api.js";

const LOOK_MS = 4000;
const mark = (good, yes, no) =>
  h(
    "td",
    { class: "n" },
    h("span", { class: `state ${good ? "succeeded" : "failed"}` }, good ? yes : no),
  );
const line = (name, ...cells) => h("tr", null, h("th", { scope: "row" }, name), ...cells);
const checks = async () => {
  try {
    return (await get("/readyz")).checks;
  } catch (problem) {
    return problem.status === 503 ? (problem.checks ?? []) : Promise.reject(problem);
  }
};
request($("#request"), { method: "GET", path: "/system" })();

function say({ workers, queue, datasets, models, versions }, ready, running) {
  const missing = ready.filter((check) => !check.ready).map((check) => check.name),
    n = running.length;
  $("#sentence").textContent =
    (missing.length ? `Not ready: ${missing.join(", ")}. ` : "Everything is ready. ") +
    (n ? `${n === 1 ? "One training runs" : `${n} trainings run`}, ` : "No training runs, ") +
    (queue.length == null
      ? "and the queue cannot be seen."
      : queue.length === 0
        ? "none waits."
        : queue.length === 1
          ? "one waits."
          : `${count(queue.length)} wait.`);
  renew(
    $("#workers"),
    workers.length
      ? table(
          [["Worker"], ["Device, and why"], ["Does", true]],
          workers.map((worker) => {
            const job = running.find((one) => one.worker === worker.name);
            return line(
              worker.name,
              h(
                "td",
                null,
                h("b", null, worker.device.name),
                h("span", { class: "small block" }, worker.device.detail),
              ),
              h(
                "td",
                { class: "n" },
                job
                  ? h(
                      "a",
                      { href: `/ui/jobs/${job.id}` },
                      `${job.recipe.name}, epoch ${Math.max(1, job.progress.epoch)} of ${job.recipe.epochs}`,
                    )
                  : h("span", { class: "state queued" }, "waits"),
              ),
            );
          }),
        )
      : h(
          "p",
          { class: "empty" },
          "No worker was heard of within the last seconds; jobs wait for one.",
        ),
  );
  $("#queue").replaceChildren(
    table(
      [["Queue"], ["Jobs that wait"], ["State", true]],
      [
        line(
          "Redis",
          h(
            "td",
            null,
            queue.length == null
              ? "unknown"
              : `${count(queue.length)} of at most ${count(queue.limit)}`,
          ),
          mark(queue.reachable, "reachable", "away"),
        ),
      ],
    ),
  );
  const files = datasets.flatMap(({ name, ready: whole, detail, checksums }) =>
    Object.entries(checksums).map(([file, md5], i) => {
      const test = file.startsWith("t10k");
      return line(
        `${name} ${file.replace(/-idx.*/, "").replace("t10k", "test")}`,
        h(
          "td",
          null,
          h("code", null, md5),
          i === 0 && !whole ? h("span", { class: "fault block" }, detail) : null,
        ),
        test
          ? mark(whole, "as published", "not right")
          : h("td", { class: "n small" }, "read by workers"),
      );
    }),
  );
  $("#datasets").replaceChildren(table([["File"], ["md5, as published"], ["State", true]], files));
  $("#ready").replaceChildren(
    table(
      [["Part"], ["What was found"], ["State", true]],
      [
        ...ready.map((check) =>
          line(check.name, h("td", null, check.detail), mark(check.ready, "ready", "not ready")),
        ),
        line("models", h("td", null, `${count(models)} in the store`), mark(true, "ready")),
      ],
    ),
  );
  $("#versions").replaceChildren(h("dl", { class: "facts" }, ...facts(Object.entries(versions))));
}
let timer;
async function look() {
  clearTimeout(timer);
  if (!document.hidden)
    try {
      const [system, ready, running] = await Promise.all([
        get("/system"),
        checks(),
        get("/jobs?status=running").then(
          (answer) => answer.jobs,
          () => [],
        ),
      ]);
      say(system, ready, running);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      $("#sentence").replaceChildren(notice(problem, look));
    }
  timer = setTimeout(look, LOOK_MS);
}
await look();
ready();
