// Models: the list, and two or more side by side.
import {
  $,
  $$,
  h,
  query,
  fixed,
  percent,
  count,
  notice,
  onMode,
  pixels,
  table,
  whenSeen,
  ready,
} from "./common.js";
import { ask, get, Problem } from "./api.js";
import { chart, endLabels, Plot } from "./chart.js";

const NEURONS = 8,
  colors = ["var(--blue)", "var(--orange)", "var(--ink)", "var(--grey)"],
  dashes = [null, null, null, "4 3"];
let models = [],
  names = {},
  chosen = [];
const seconds = (model) => model.history.reduce((sum, entry) => sum + entry.seconds, 0);

// Eight neurons of the first layer, signed grey in one picture, coloured here
async function strip(model, host) {
  const canvases = Array.from({ length: NEURONS }, () => h("canvas", { "aria-hidden": "true" }));
  host.append(...canvases);
  const bitmap = await createImageBitmap(
    await (await ask(`/models/${model.id}/first-layer.png?limit=${NEURONS}`)).blob(),
  );
  const context = new OffscreenCanvas(bitmap.width, 28).getContext("2d", {
    willReadFrequently: true,
  });
  context.drawImage(bitmap, 0, 0);
  const tiles = canvases.slice(0, bitmap.width / 28).map((_, i) => {
    const { data } = context.getImageData(28 * i, 0, 28, 28);
    return Float32Array.from({ length: 784 }, (__, k) => data[4 * k] - 128);
  });
  onMode(() => tiles.forEach((tile, i) => pixels(canvases[i], tile, 28, { scale: 127 })), host);
}
function card(model) {
  const host = h("div", { class: "strip" });
  whenSeen(host, () => strip(model, host));
  return h(
    "article",
    { class: "card" },
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", value: model.id, checked: chosen.includes(model.id) }),
      h("span", { class: "sr" }, `Compare ${model.recipe.name} ${model.id}`),
    ),
    h(
      "div",
      { class: "who" },
      h("h2", { class: "title" }, h("a", { href: `/ui/models/${model.id}` }, model.recipe.name)),
      h("p", { class: "small" }, [model.id, ...(names[model.id] ?? [])].join(" · ")),
      h(
        "p",
        { class: "small" },
        `${[784, ...model.recipe.hidden_sizes, 10].join(" → ")}, ${count(model.parameters)} parameters, ${Math.round(seconds(model))} s`,
      ),
    ),
    h(
      "p",
      { class: "big" },
      percent(model.evaluation.accuracy),
      h("span", { class: "small" }, "right"),
    ),
    host,
  );
}

const label = (model, some) =>
  some.filter((other) => other.recipe.name === model.recipe.name).length > 1
    ? `${model.recipe.name} ${model.id.slice(2, 6)}`
    : model.recipe.name;
let draw = () => {};
function compare() {
  const some = models.filter((model) => chosen.includes(model.id)),
    best = some.toSorted((a, b) => b.evaluation.accuracy - a.evaluation.accuracy);
  $("#compare").classList.toggle("nothing", some.length < 1);
  $("#verdict").textContent =
    some.length < 2
      ? "Tick another model above."
      : `${label(best[0], some)} is right ${fixed(100 * (best[0].evaluation.accuracy - best.at(-1).evaluation.accuracy), 1)} points more often than ${label(best.at(-1), some)}` +
        (some.every((m) => m.dataset.name === some[0].dataset.name)
          ? `, on the same ${some[0].dataset.name} test set.`
          : "; but they were tested on different data sets, so that says little.");
  const color = (i) => colors[Math.min(i, 3)],
    rows = [
      ["Right", (m) => percent(m.evaluation.accuracy, 2)],
      ["Test loss, nats", (m) => fixed(m.evaluation.loss, 3)],
      ["Calibration error, points", (m) => fixed(100 * m.evaluation.expected_calibration_error, 1)],
      ["Parameters", (m) => count(m.parameters)],
      ["Epochs", (m) => m.recipe.epochs],
      ["Seconds", (m) => fixed(seconds(m), 0)],
    ];
  $("#figures").replaceChildren(
    table(
      [[""], ...some.map((m) => [label(m, some), true])],
      rows.map(([name, value]) =>
        h(
          "tr",
          null,
          h("th", { scope: "row" }, name),
          ...some.map((m) => h("td", { class: "n" }, String(value(m)))),
        ),
      ),
    ),
  );
  $$("#figures thead th").forEach((th, i) => {
    th.style.color = color(i);
  });
  draw = (width) => {
    const narrow = width < 480,
      losses = some.flatMap((m) => m.history.map((d) => d.test_loss)),
      low = Math.min(0.9 * Math.min(...losses), 1),
      epochs = Math.max(1, ...some.map((m) => m.recipe.epochs)),
      plot = Plot.plot({
        width,
        height: 300,
        marginLeft: 36,
        marginRight: narrow ? 16 : 190,
        marginTop: 28,
        marginBottom: 38,
        x: {
          domain: [0, epochs],
          label: "Epoch",
          labelAnchor: "center",
          labelArrow: "none",
          ticks: Math.min(epochs, 6),
          tickFormat: "d",
        },
        y: {
          type: "log",
          domain: [low, Math.max(2.6, ...losses)],
          label: "↑ Test loss, nats (log scale)",
          ticks: [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2].filter((v) => v >= low),
          tickFormat: (v) => `${v}`,
          grid: true,
        },
        marks: some.flatMap((m, i) => [
          Plot.lineY(m.history, {
            x: "epoch",
            y: "test_loss",
            stroke: color(i),
            strokeWidth: 2,
            strokeDasharray: dashes[Math.min(i, 3)],
          }),
          Plot.dot(m.history.slice(-1), {
            x: "epoch",
            y: "test_loss",
            fill: color(i),
            r: 4,
            stroke: "var(--paper)",
          }),
        ]),
      });
    const x = plot.scale("x").apply,
      y = plot.scale("y").apply;
    return endLabels(
      plot,
      some.flatMap((m, i) => {
        const last = m.history.at(-1);
        return last
          ? [
              {
                x: x(last.epoch),
                y: y(last.test_loss) - (narrow ? 14 : 0),
                text: label(m, some),
                color: color(i),
                anchor: narrow ? "end" : "start",
              },
            ]
          : [];
      }),
    );
  };
}
// The list, page by page
let cursor = null;
const older = h(
  "p",
  null,
  h(
    "button",
    {
      class: "plain",
      type: "button",
      onclick: () => more().catch((problem) => older.before(notice(problem))),
    },
    "Older models",
  ),
);
function add(page) {
  models.push(...page.models);
  cursor = page.next;
  older.before(
    ...page.damaged.map((damaged) =>
      notice({ title: `${damaged.id} is damaged and never used`, detail: damaged.detail }),
    ),
    ...page.models.map(card),
  );
  older.hidden = cursor == null;
}
async function more() {
  const after = cursor,
    page = await get(`/models?after=${after}`);
  if (after === cursor) add(page); // clicked twice, it comes once
}
try {
  const [page, aliases] = await Promise.all([get("/models"), get("/aliases")]);
  for (const [name, id] of Object.entries({ ...aliases.computed, ...aliases.aliases }))
    (names[id] ??= []).push(name);
  chosen = query.get("compare")?.split(",") ?? page.models.slice(0, 2).map((model) => model.id);
  $("#models").append(older);
  add(page);
  const listed = (id) => models.some((model) => model.id === id);
  while (cursor != null && !chosen.every(listed)) await more();
  chosen = chosen.filter(listed);
  if (!models.length)
    $("#models").append(
      h(
        "p",
        { class: "empty" },
        "No model yet. ",
        h("a", { href: "/" }, "Start a training"),
        "; its network appears here as soon as it has succeeded.",
      ),
    );
  compare();
  const redraw = chart($("#curves"), (width) => draw(width));
  $("#models").addEventListener("change", () => {
    chosen = $$("input:checked", $("#models")).map((input) => input.value);
    compare();
    if (chosen.length) redraw();
    history.replaceState(null, "", `?compare=${chosen.join(",")}`);
  });
} catch (problem) {
  if (!(problem instanceof Problem)) throw problem;
  $("#models").append(notice(problem));
  $("#compare").classList.add("nothing");
}
ready();
