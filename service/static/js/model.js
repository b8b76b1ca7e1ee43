// One model: what it is, what it confuses, how sure it is, what its weights look like.
import { $, h, fixed, percent, count, facts, notice, most, ready } from "./common.js";
import { ask, get, send, Problem } from "./api.js";
import { chart } from "./chart.js";
import { lossCurves } from "./curves.js";
import { article } from "./model/names.js";
import { confusion } from "./model/confusion.js";
import { classes, reliability } from "./model/quality.js";
import { histograms, firstLayer } from "./model/weights.js";

const ref = $("main").dataset.ref,
  path = `/models/${encodeURIComponent(ref)}`;
const trouble = (problem) => $("#trouble").replaceChildren(notice(problem));
// Its names: those that were given can be taken away
function known({ id }, { computed, aliases }) {
  const own = (names) => Object.keys(names).filter((name) => names[name] === id),
    takeAway = async (name) => {
      try {
        await send("DELETE", `/aliases/${encodeURIComponent(name)}`);
        location.assign(`/ui/models/${id}`);
      } catch (problem) {
        trouble(problem);
      }
    };
  const parts = [
    ...own(computed),
    ...own(aliases).map((name) =>
      h(
        "span",
        { class: "nowrap" },
        `${name} `,
        h(
          "button",
          {
            class: "plain",
            type: "button",
            "aria-label": `Take the name ${name} away`,
            title: "Take this name away",
            onclick: () => takeAway(name),
          },
          "×",
        ),
      ),
    ),
  ];
  return parts.length ? parts.flatMap((part, i) => (i ? [", ", part] : [part])) : "—";
}
function words(model, aliases, published) {
  const { evaluation, recipe } = model,
    matrix = evaluation.confusion_matrix,
    total = matrix.flat().reduce((a, b) => a + b),
    right = matrix.reduce((sum, row, i) => sum + row[i], 0);
  const wrong = matrix.flatMap((row, t) => row.map((n, said) => (t === said ? 0 : n))),
    worst = most(wrong);
  document.title = `${recipe.name} ${model.id} · Stepbox`;
  $("#crumb").textContent = model.id;
  $("#title").textContent = recipe.name;
  $("#sentence").textContent =
    `Right on ${count(right)} of ${count(total)} test pictures.` +
    (wrong[worst]
      ? ` Its favourite mistake, ${wrong[worst]} times: it takes ${article(model.classes[Math.floor(worst / 10)])} for ${article(model.classes[worst % 10])}.`
      : "");
  $("#facts").replaceChildren(
    ...facts([
      ["Also known as", known(model, aliases)],
      ["Layers", [784, ...recipe.hidden_sizes, 10].join(" → ")],
      ["Parameters", count(model.parameters)],
      ["Test loss", `${fixed(evaluation.loss, 3)} nats`],
      ["Engine", `${recipe.engine}, ${model.device}`],
      ...(model.computer ? [["Processor", model.computer.processor]] : []),
      [
        "Trained in",
        `${Math.round(model.history.reduce((sum, entry) => sum + entry.seconds, 0))} s`,
      ],
      ["Data set", model.dataset.name],
      ["Made", `${model.created_at.slice(0, 10)} ${model.created_at.slice(11, 16)} UTC`],
      ["Weights, SHA-256", `${model.weights.sha256.slice(0, 16)}…`],
    ]),
  );
  $("#job").href = `/ui/jobs/${model.job}`;
  $("#learned-published").textContent = published
    ? ", over the published run in grey"
    : "; the source published none for this recipe";
  $("#sure-words").textContent =
    `${model.id}, right on ${percent(evaluation.accuracy)} of the test set, goes with its weights and its card. That cannot be undone.`;
}

function actions(model) {
  const file = `/models/${model.id}/weights`;
  $("#download").href = file;
  $("#download").addEventListener("click", async (event) => {
    // a link cannot send a token: then the file goes through fetch
    if (!sessionStorage.getItem("stepbox-token")) return;
    event.preventDefault();
    try {
      const link = h("a", {
        href: URL.createObjectURL(await (await ask(file)).blob()),
        download: `${model.id}.safetensors`,
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } catch (problem) {
      trouble(problem);
    }
  });
  $("#delete").addEventListener("click", () => $("#sure").showModal());
  $("#sure").addEventListener("close", async () => {
    if ($("#sure").returnValue !== "yes") return;
    try {
      await send("DELETE", `/models/${model.id}`);
      location.assign("/ui/models");
    } catch (problem) {
      trouble(problem);
    }
  });
  const input = $("#alias-name"),
    forgive = () => {
      $("#alias-fault")?.remove();
      input.removeAttribute("aria-invalid");
    };
  $("#alias").addEventListener("click", () => {
    forgive();
    $("#naming").showModal();
    input.focus();
  });
  $("#unnamed").addEventListener("click", () => $("#naming").close());
  $("#naming form").addEventListener("submit", async (event) => {
    event.preventDefault();
    forgive();
    try {
      await send("PUT", `/aliases/${encodeURIComponent(input.value.trim()) || "%20"}`, {
        model: model.id,
      });
      location.reload();
    } catch (problem) {
      input.setAttribute("aria-invalid", "true");
      input.after(
        h(
          "span",
          { class: "fault", id: "alias-fault", role: "alert" },
          problem.errors[0]?.detail ?? problem.detail,
        ),
      );
    }
  });
}

try {
  const [model, aliases, curves] = await Promise.all([
      get(path),
      get("/aliases"),
      get("/published"),
    ]),
    published = curves.recipes[model.recipe.name]?.history;
  words(model, aliases, published);
  actions(model);
  chart($("#learned"), (width) =>
    lossCurves({
      width,
      height: 330,
      history: model.history,
      published,
      epochs: model.recipe.epochs,
    }),
  );
  ready();
  confusion(model);
  classes(model);
  reliability(model);
  histograms(model);
  firstLayer(model);
} catch (problem) {
  if (!(problem instanceof Problem)) throw problem;
  $("#trouble").append(notice(problem));
  $("main").classList.add("nothing");
  ready();
}
