// What one model says: its class, how sure it is, ten bars, and why.
import { $, h, fixed, percent, pixels, onMode } from "../common.js";

const LN10 = Math.log(10),
  FLAT = 1e-12;

export function createPanel(models, chosen, { changed, removed }) {
  const select = h(
    "select",
    { onchange: changed },
    ...models.map((m) =>
      h(
        "option",
        { value: m.id, selected: m.id === chosen },
        `${m.recipe.name}, ${percent(m.evaluation.accuracy)} (${m.id.slice(2, 6)})`,
      ),
    ),
  );
  const top = h("output", { class: "top1" }),
    sure = h("span", { class: "sure" }),
    bars = h("ol", { class: "bars" }),
    heat = h("canvas", { class: "heat", role: "img" }),
    why = h("p", { class: "small" });
  const element = h(
    "article",
    { class: "answer" },
    h(
      "p",
      { class: "field choose" },
      h("label", null, h("span", { class: "sr" }, "Model"), select),
      removed && h("button", { class: "plain", type: "button", onclick: removed }, "Take away"),
    ),
    h("p", { class: "verdict" }, top, sure),
    bars,
    h("div", { class: "why" }, heat, why),
  );
  let said = null;

  function paint(unit) {
    const model = models.find((m) => m.id === select.value),
      names = model.classes,
      p = said?.probabilities,
      best = said?.index,
      logits = said?.logits,
      most = said && Math.max(...logits.map(Math.abs));
    element.setAttribute("aria-label", `What ${model.recipe.name} says`);
    element.classList.toggle("long", names[0] !== "0");
    top.textContent = said ? said.label : "—";
    if (said) {
      const second = p.map((v, i) => i).sort((a, b) => p[b] - p[a])[1],
        how =
          p[best] > 0.95
            ? "very sure"
            : p[best] > 0.8
              ? "fairly sure"
              : p[best] > 0.5
                ? "unsure"
                : "guessing";
      sure.textContent = `${percent(p[best])}, ${how}. ${Math.round(100 * said.margin)} points before ${names[second]}; entropy ${fixed(said.entropy, 2)} of ${fixed(LN10, 2)} nats.`;
    } else sure.textContent = "Draw something.";
    if (bars.dataset.of !== model.id) {
      bars.dataset.of = model.id;
      bars.replaceChildren(
        ...names.map((name) =>
          h(
            "li",
            null,
            h("span", { class: "name" }, name),
            h("span", { class: "track" }, h("i")),
            h("span", { class: "value" }),
          ),
        ),
      );
    }
    bars.classList.toggle("signed", unit === "logits");
    for (const [i, row] of [...bars.children].entries()) {
      const bar = $("i", row),
        share = !said ? 0 : unit === "softmax" ? p[i] : logits[i] / most / 2;
      row.classList.toggle("best", i === best);
      bar.classList.toggle("neg", share < 0);
      bar.style.insetInlineStart = unit === "softmax" ? "0" : `${50 + Math.min(0, 100 * share)}%`;
      bar.style.inlineSize = `${Math.abs(100 * share)}%`;
      $(".value", row).textContent = !said
        ? ""
        : unit === "softmax"
          ? percent(p[i])
          : fixed(logits[i], 1);
    }
    reasons();
  }
  function reasons() {
    const gradient = said?.gradient.flat() ?? [],
      sizes = gradient.map(Math.abs).sort((a, b) => a - b),
      flat = !said || sizes.at(-1) < FLAT;
    pixels(heat, flat ? new Float64Array(784) : gradient, 28, {
      scale: sizes[Math.floor(0.995 * 784)] || 1,
    });
    outline(heat, said?.seen.flat() ?? []);
    heat.setAttribute("aria-label", said ? `Input gradient of ${said.label}` : "No gradient yet");
    why.replaceChildren(
      ...(!said
        ? ["Why: the gradient of its answer by each pixel, once there is one."]
        : flat
          ? [
              h("b", null, "Why: no telling. "),
              "Every neuron that matters is saturated, so a little more ink anywhere changes nothing.",
            ]
          : [
              h("b", null, "Why. "),
              "More ink on ",
              h("b", { class: "blue" }, "blue"),
              ` would raise its logit of ${said.label}, on `,
              h("b", { class: "orange" }, "orange"),
              " lower it. The line is the drawing’s edge.",
            ]),
    );
  }
  onMode(() => said && reasons(), element);
  return {
    element,
    paint,
    get model() {
      return models.find((m) => m.id === select.value);
    },
    get said() {
      return said;
    },
    tell(prediction, unit) {
      said = prediction;
      paint(unit);
    },
  };
}

// The drawing's edge over a heat map, so that one sees where the ink is: 8 screen pixels a pixel
function outline(canvas, values) {
  const small = h("canvas", { width: 28, height: 28 }),
    k = 8,
    c = canvas.getContext("2d"),
    on = (x, y) => x >= 0 && y >= 0 && x < 28 && y < 28 && values[28 * y + x] > 127;
  small.getContext("2d").drawImage(canvas, 0, 0);
  canvas.width = canvas.height = 28 * k;
  c.imageSmoothingEnabled = false;
  c.drawImage(small, 0, 0, 28 * k, 28 * k);
  c.strokeStyle = getComputedStyle(document.body).color;
  c.lineWidth = 1.5;
  c.beginPath();
  const line = (x1, y1, x2, y2) => {
    c.moveTo(x1 * k, y1 * k);
    c.lineTo(x2 * k, y2 * k);
  };
  for (let y = 0; y < 28; y++)
    for (let x = 0; x < 28; x++)
      if (on(x, y)) {
        if (!on(x - 1, y)) line(x, y, x, y + 1);
        if (!on(x + 1, y)) line(x + 1, y, x + 1, y + 1);
        if (!on(x, y - 1)) line(x, y, x + 1, y);
        if (!on(x, y + 1)) line(x, y + 1, x + 1, y + 1);
      }
  c.stroke();
}
