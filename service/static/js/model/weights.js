// The weights: how they are spread before and after training, and the first layer's as pictures. Both load when they come near.
import { $, h, fixed, most, pixels, onMode, whenSeen } from "../common.js";
import { get } from "../api.js";
import { chart, endLabels, Plot } from "../chart.js";

const NEURONS = 64;

export const histograms = ({ id }) =>
  whenSeen($("#hists"), async () => {
    const { layers } = await get(`/models/${id}/histograms`);
    for (const [i, layer] of layers.entries()) {
      const host = h("div", { class: "chart" });
      $("#hists").append(
        h(
          "div",
          null,
          h("p", null, h("b", null, `${layer.inputs} → ${layer.outputs}`)),
          host,
          h(
            "p",
            { class: "small" },
            `spread ${fixed(layer.spread_before, 3)} → ${fixed(layer.spread_after, 3)}`,
          ),
        ),
      );
      const rows = layer.before.map((before, k) => ({
          x1: layer.edges[k],
          x2: layer.edges[k + 1],
          before,
          after: layer.after[k],
        })),
        top = Math.max(...layer.before, ...layer.after),
        end = layer.edges.at(-1);
      chart(host, (width) => {
        const plot = Plot.plot({
          width,
          height: 170,
          marginLeft: 4,
          marginRight: 4,
          marginTop: 22,
          marginBottom: 24,
          x: { domain: [-end, end], ticks: 3, label: null },
          y: { domain: [0, top], axis: null },
          marks: [
            Plot.rectY(rows, {
              x1: "x1",
              x2: "x2",
              y: "before",
              fill: "var(--grey)",
              fillOpacity: 0.35,
              insetLeft: 0,
              insetRight: 0,
            }),
            Plot.line(
              rows.flatMap((d) => [
                [d.x1, d.after],
                [d.x2, d.after],
              ]),
              { stroke: "var(--blue)", strokeWidth: 1.75 },
            ),
            Plot.ruleY([0], { stroke: "var(--edge)" }),
          ],
        });
        if (i) return plot;
        const x = plot.scale("x").apply,
          y = plot.scale("y").apply,
          rise = rows[rows.findIndex((d) => d.after > 0.25 * Math.max(...layer.after))],
          grey =
            rows[
              Math.max(
                most(layer.before),
                layer.before.findLastIndex((v) => v > 0.55 * Math.max(...layer.before)),
              )
            ];
        endLabels(plot, [
          {
            x: x(grey.x2) - 2,
            y: y(grey.before),
            text: "before",
            color: "var(--ink-2)",
            weight: 400,
          },
        ]);
        return endLabels(plot, [
          {
            x: x(rise.x1),
            y: y(rise.after) - 8,
            text: "after",
            color: "var(--blue)",
            anchor: "end",
          },
        ]);
      });
    }
  });

export const firstLayer = ({ id }) =>
  whenSeen($("#tiles"), async () => {
    const answer = await get(`/models/${id}/first-layer?limit=${NEURONS}`);
    const neurons = answer.neurons.map(({ neuron, change, before, after }) => {
      const b = before.flat(),
        a = after.flat();
      return { neuron, change, before: b, after: a, difference: a.map((v, k) => v - b[k]) };
    });
    const largest = (key) =>
        neurons.reduce((top, one) => one[key].reduce((m, v) => Math.max(m, Math.abs(v)), top), 0) ||
        1,
      common = Math.max(largest("before"), largest("after")),
      scales = { before: common, after: common, difference: largest("difference") };
    let big = 0,
      which = "after";
    const draw = (canvas, i) => pixels(canvas, neurons[i][which], 28, { scale: scales[which] });
    const tiles = neurons.map(({ neuron }, i) =>
      h(
        "button",
        {
          class: "tile",
          type: "button",
          tabindex: i ? -1 : 0,
          "aria-label": `Neuron ${neuron}`,
          "aria-pressed": "false",
          onclick: () => enlarge(i),
        },
        h("canvas"),
      ),
    );
    function enlarge(i) {
      big = i;
      for (const [k, tile] of tiles.entries()) {
        tile.setAttribute("aria-pressed", k === i);
        tile.tabIndex = k === i ? 0 : -1;
      }
      const { neuron, change, after } = neurons[i],
        canvas = h("canvas", { role: "img", "aria-label": `Weights of neuron ${neuron}` });
      $("#large").replaceChildren(
        canvas,
        h(
          "p",
          { class: "small" },
          `Neuron ${neuron}. `,
          h("b", { class: "blue" }, `+${fixed(scales[which], 2)}`),
          " to ",
          h("b", { class: "orange" }, fixed(-scales[which], 2)),
          `. Training moved it by ${fixed(change, 2)} (norm ${fixed(Math.hypot(...after), 2)}).`,
        ),
      );
      draw(canvas, i);
    }
    $("#tiles").append(...tiles);
    $("#tiles").classList.toggle("few", tiles.length <= 32);
    $("#tiles").addEventListener("keydown", (event) => {
      const columns = getComputedStyle($("#tiles")).gridTemplateColumns.split(" ").length,
        step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key],
        at = tiles.indexOf(document.activeElement);
      if (!step || at < 0 || !tiles[at + step]) return;
      event.preventDefault();
      tiles[at + step].focus();
      enlarge(at + step);
    });
    $("#tiles-note").textContent =
      tiles.length < answer.count
        ? `The ${tiles.length} of ${answer.count} neurons that training changed most.`
        : `All ${tiles.length} neurons, the most changed first.`;
    const redraw = () => {
      tiles.forEach((tile, i) => draw(tile.firstChild, i));
      enlarge(big);
    };
    onMode(redraw);
    $("#which").addEventListener("change", (event) => {
      which = event.target.value;
      redraw();
    });
  });
