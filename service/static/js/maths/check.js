// Is the gradient right? A model's backpropagation against a complex-step derivative, as a table.
import { $, h, query, count, fixed, notice, power, request, table, whenSeen } from "../common.js";
import { allModels, post, latest } from "../api.js";

const path = "/analysis/gradient-check",
  send = request($("#check-request"), { path, anchor: "check" }),
  select = $("#check-model");
const off = (value) =>
  value > 0.01
    ? h("span", { class: "orange" }, `${Math.round(100 * value)}\u202f% off`)
    : power(value);

function draw({ layers, label, loss, image }) {
  $("#check-words").textContent =
    `Seen: test picture ${image}, of class ${label}; its loss is ${fixed(loss, 3)} nats.`;
  $("#check-table").replaceChildren(
    ...table(
      [
        ["Layer"],
        ["Weights checked", true],
        ["Exact gradient, largest relative difference", true],
        ["As published", true],
      ],
      layers.map((layer) =>
        h(
          "tr",
          null,
          h("th", { scope: "row" }, `${layer.inputs} → ${layer.outputs}`),
          h("td", { class: "n" }, `${count(layer.checked)} of ${count(layer.weights)}`),
          h("td", { class: "n" }, power(layer.exact)),
          h("td", { class: "n" }, off(layer.published)),
        ),
      ),
    ).childNodes,
  );
}
const body = () => ({ model: select.value });
const ask = latest(
  () => post(path, body()),
  draw,
  (problem) =>
    $("#check-table").replaceChildren(
      h("tbody", null, h("tr", null, h("td", null, notice(problem)))),
    ),
);
function moved() {
  send(body(), { check: select.value });
  ask();
}
whenSeen($("#check"), async () => {
  try {
    const models = await allModels();
    select.append(
      ...["latest-mnist", "latest-fashion-mnist"]
        .filter((name) => models.some((m) => name.endsWith(`latest-${m.dataset.name}`)))
        .map((name) => h("option", null, name)),
      ...models.map((m) => h("option", { value: m.id }, `${m.recipe.name} ${m.id}`)),
    );
    if (!models.length) {
      $("#check-words").textContent =
        "No model yet: train one, and its gradient can be checked here.";
      return;
    }
    const asked = query.get("check");
    if ([...select.options].some((option) => option.value === asked)) select.value = asked;
    select.addEventListener("change", moved);
    moved();
  } catch (problem) {
    $("#check-words").replaceChildren(notice(problem));
  }
});
