// @ts-check
// The page of all sweeps: the form for a new one, and the list.
import "./page.js";
import { catchProblem, get } from "./api.js";
import { $, h, notice, numberCell, plainButton, ready, renew, table } from "./dom.js";
import { olderThan } from "./jobs/state.js";
import { fieldWords, loadRecipes, nameOf } from "./recipes.js";
import { startForm } from "./sweeps/form.js";
import { metricWords, progressText, valueText } from "./sweeps/state.js";
import { localTime, timeOrDate, zoneName } from "./times.js";

/** @typedef {import("./types.d.ts").Sweep} Sweep */

const REFRESH_MS = 2500; // no event says that a sweep was created
/** @type {Sweep[]} */
let newest = [];
/** @type {Sweep[]} */
let older = [];
/** @type {string | null} */
let cursor = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {Sweep} sweep @param {import("./types.d.ts").Recipes} recipes */
function row(sweep, recipes) {
  const { id, status, search, best, progress } = sweep;
  const owner = sweep.submitted_by ? ` · ${sweep.submitted_by}` : "";
  const running = status === "running";
  return h(
    "tr",
    null,
    h(
      "td",
      null,
      h("a", { href: `/ui/sweeps/${id}` }, nameOf(sweep, recipes)),
      h(
        "span",
        { class: "small" },
        `${Object.keys(search.space).map(fieldWords).join(", ")} · ${id.slice(0, 6)}${owner}`,
      ),
    ),
    h(
      "td",
      null,
      h("span", { class: `state ${status}` }, status),
      running && h("progress", { max: 1, value: progress.fraction, "aria-label": "Progress" }),
      h("span", { class: "small" }, status === "queued" ? "" : progressText(sweep)),
    ),
    numberCell(
      valueText(search.metric, best?.value),
      h("span", { class: "small" }, metricWords(search.metric)),
    ),
    h("td", { class: "n when small" }, localTime(sweep.created_at, timeOrDate)),
  );
}

/** @param {import("./api.js").ProblemError} problem */
const showOutage = ({ detail }) =>
  $("#away").replaceChildren(notice({ title: "No live updates", detail }, refresh));

async function refreshList() {
  const [{ sweeps, next }, recipes] = await Promise.all([get("/sweeps?limit=20"), loadRecipes()]);
  if (older.length) older = olderThan(sweeps, [...newest, ...older]);
  if (!older.length) cursor = next;
  newest = sweeps;
  const rows = [...newest, ...older].map((sweep) => row(sweep, recipes));
  const headers = /** @type {import("./dom.js").Header[]} */ ([
    ["Sweep"],
    ["State"],
    ["Best value", true],
    [`Created, ${zoneName()}`, true],
  ]);
  renew(
    $("#rows"),
    rows.length
      ? table(headers, rows, { class: "joblist sweeplist" })
      : h("p", { class: "empty" }, "No sweeps yet. Start one to see its best value here."),
  );
  $("#away").replaceChildren();
  renew($("#more"), ...(cursor ? [plainButton("Older sweeps", { onclick: showMore })] : []));
}

async function refresh() {
  clearTimeout(timer);
  const pressed = $("#list").matches(":active"); // redrawing would lose a click
  if (!document.hidden && !pressed) await catchProblem(refreshList, showOutage);
  timer = setTimeout(refresh, REFRESH_MS);
}

const showMore = () =>
  catchProblem(async () => {
    const page = await get(`/sweeps?limit=50&after=${encodeURIComponent(cursor ?? "")}`);
    older = [...older, ...page.sweeps];
    cursor = page.next;
    refresh();
  }, showOutage);

document.addEventListener("visibilitychange", refresh);
startForm();
await refresh();
ready();
