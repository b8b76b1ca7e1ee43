// The softmax Jacobian: sliders on the logits, a heat map, and each row laid end to end.
import {
  $,
  h,
  s,
  query,
  fixed,
  percent,
  ramp,
  css,
  textOn,
  onMode,
  most,
  notice,
  power,
  request,
} from "../common.js";
import { get, post, latest } from "../api.js";

const path = "/analysis/softmax-jacobian",
  send = request($("#softmax-request"), { path, anchor: "softmax" });
const numbers = (text) => {
  const values = (text ?? "").split(",").map(Number);
  return text && values.length > 1 && values.length < 31 && values.every(Number.isFinite)
    ? values
    : null;
};
let z = numbers(query.get("logits")) ?? [2, 1, 0.5, -0.5, -1.5],
  answer = null;

// A model's own logits, seeing a test picture
async function own(kind) {
  const card = await get("/models/latest-mnist");
  let [image] = (await get("/datasets/mnist/test?index=0")).images;
  if (kind === "wrong") {
    const worst = most(
      card.evaluation.confusion_matrix.flatMap((row, t) =>
        row.map((n, said) => (t === said ? 0 : n)),
      ),
    );
    [image] = (
      await get(`/models/${card.id}/confusion/${Math.floor(worst / 10)}/${worst % 10}?limit=1`)
    ).images;
  }
  const {
    predictions: [{ logits }],
  } = await post(`/predict?model=${card.id}&invert=never`, { images: [image.pixels] });
  return logits.map((v) => Math.round(10 * v) / 10);
}

function sliders() {
  $("#logits").replaceChildren(
    ...z.map((value, i) => {
      const output = h("output", null, fixed(value, 1));
      return h(
        "label",
        { class: "slider" },
        h("span", null, h("i", null, "z"), h("sub", null, String(i + 1))),
        h("input", {
          type: "range",
          min: Math.min(-6, ...z),
          max: Math.max(6, ...z),
          step: 0.1,
          value,
          oninput: (event) => {
            z[i] = Number(event.target.value);
            output.textContent = fixed(z[i], 1);
            moved();
          },
        }),
        output,
      );
    }),
  );
}
// A row as a balance: the diagonal to the right of the middle, the others one after the other to the left
function balance(row, i, widest) {
  const W = 132,
    mid = W / 2,
    k = (mid - 2) / widest;
  let x = mid;
  const parts = row.flatMap((v, j) => {
    if (j === i || v === 0) return [];
    const w = -v * k;
    x -= w;
    return [
      s("rect", { x, y: 3, width: Math.max(0, w - 0.75), height: 12, fill: "var(--orange)" }),
    ];
  });
  return s(
    "svg",
    { viewBox: `0 0 ${W} 18`, "aria-hidden": "true" },
    ...parts,
    s("rect", { x: mid, y: 3, width: row[i] * k, height: 12, fill: "var(--blue)" }),
    s("path", { d: `M${mid} 0v18`, stroke: "var(--ink)" }),
  );
}
function draw() {
  if (!answer) return;
  const { probabilities: y, jacobian: J, check } = answer,
    widest = Math.max(1e-300, ...J.map((row, i) => row[i])),
    big = y.length > 6;
  const name = (letter, i) => [h("i", null, letter), h("sub", null, String(i + 1))];
  $("#jacobian").className = big ? "jacobian big" : "jacobian";
  $("#jacobian").replaceChildren(
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        h("td"),
        ...y.map((_, j) => h("th", { scope: "col" }, h("span", null, "∂", ...name("z", j)))),
        h("th", { scope: "col", class: "balance" }, "falls | rises"),
        h("th", { scope: "col", class: "n" }, "sum"),
      ),
    ),
    h(
      "tbody",
      null,
      ...J.map((row, i) =>
        h(
          "tr",
          null,
          h(
            "th",
            { scope: "row" },
            h("span", { class: "y" }, ...name("y", i)),
            h("span", { class: "p" }, percent(y[i], y[i] < 0.0995 && !big ? 1 : 0)),
          ),
          ...row.map((v) => {
            const c = ramp(0.85 * Math.sign(v) * Math.sqrt(Math.abs(v) / 0.25)),
              td = h("td", null, h("span", null, big && Math.abs(v) < 0.005 ? "·" : fixed(v, 2)));
            td.style.background = css(c);
            td.style.color = textOn(c);
            return td;
          }),
          h("td", { class: "balance" }, balance(row, i, widest)),
          h(
            "td",
            { class: "n" },
            fixed(
              row.reduce((a, b) => a + b),
              1,
            ).replace("0.0", "0"),
          ),
        ),
      ),
    ),
  );
  $("#jacobian-check").replaceChildren(power(check));
}
const ask = latest(
  () => post(path, { logits: z }),
  (found) => {
    $("#softmax-trouble").replaceChildren();
    answer = found;
    draw();
  },
  (problem) => $("#softmax-trouble").replaceChildren(notice(problem)),
);
function moved() {
  z = z.map((v) => Number(v.toFixed(2)));
  send({ logits: z }, { logits: z.join(",") });
  ask();
}
$("#from").addEventListener("change", async (event) => {
  try {
    z = event.target.value ? await own(event.target.value) : [2, 1, 0.5, -0.5, -1.5];
    sliders();
    moved();
  } catch (problem) {
    $("#softmax-trouble").replaceChildren(notice(problem));
  }
});
sliders();
onMode(draw);
moved();
