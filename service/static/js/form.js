// The form of a training: filled from the recipe and the address, checked by the API, faults shown at their fields.
import { $, $$, h, s, query, show, count, notice, request } from "./common.js";
import { post, Problem } from "./api.js";

const numeric = (text) => (Number.isFinite(Number(text)) ? Number(text) : text); // what is no number goes as it is, for the API to say so
const fields = $$("#train [data-kind]"),
  parsers = {
    number: (text) => (text.trim() === "" ? null : numeric(text.trim())),
    numbers: (text) =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "")
        .map(numeric),
    boolean: (text) => text === "true",
    string: (text) => text,
  };
const read = (input) => parsers[input.dataset.kind](input.value),
  same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const chosen = () => $("[name=recipe]:checked").value;
const curl = request($("#request"), { path: "/train" });
let recipes, body;

export function start(all) {
  recipes = all;
  const asked = $(`[name=recipe][value="${CSS.escape(query.get("recipe") ?? "")}"]`);
  if (asked) asked.checked = true;
  fill();
  for (const input of fields)
    if (
      query.has(input.id) &&
      !(input.options && ![...input.options].some((option) => option.value === query.get(input.id)))
    )
      input.value = query.get(input.id);
  if (fields.some((input) => query.has(input.id) && input.closest("details")))
    $("#train details").open = true;
  changed();
  $("#train").addEventListener("input", (event) => {
    if (event.target.name === "recipe") fill();
    else {
      pardon(event.target);
      changed();
    }
  });
  $("#train").addEventListener("submit", submit);
}
function fill() {
  for (const input of fields) input.value = show(recipes[chosen()][input.id] ?? "");
  forgive();
  changed();
}
function changed() {
  const recipe = recipes[chosen()];
  body = { recipe: chosen() };
  for (const input of fields) {
    const own = recipe[input.id],
      differs = !same(read(input), own),
      label = input.previousElementSibling;
    if (differs) body[input.id] = read(input);
    $(".changed", label.parentElement)?.remove();
    if (differs)
      label.after(
        h(
          "button",
          {
            class: "plain changed",
            type: "button",
            title: "Back to the recipe",
            "aria-label": `${label.textContent}: back to ${show(own)}`,
            onclick: () => {
              input.value = show(own);
              pardon(input);
              changed();
              input.focus();
            },
          },
          `↺ ${show(own) || "none"}`,
        ),
      );
  }
  curl(body, null);
  sketch(read($("#hidden_sizes")));
}
function sketch(hidden) {
  const sizes = [784, ...hidden.filter((n) => n > 0), 10],
    W = 336,
    H = 84,
    step = (W - 16) / (sizes.length - 1);
  const tall = (n) => 8 + (48 * Math.log(n)) / Math.log(2048),
    parameters = sizes.slice(1).reduce((sum, n, i) => sum + n * (sizes[i] + 1), 0);
  const x = (i) => 8 + i * step,
    mid = 34;
  $("#sketch").replaceChildren(
    s(
      "svg",
      {
        viewBox: `0 0 ${W} ${H}`,
        role: "img",
        "aria-label": `Layers of ${sizes.join(", ")} neurons`,
      },
      ...sizes
        .slice(1)
        .map((n, i) =>
          s("path", {
            d: `M${x(i)} ${mid - tall(sizes[i]) / 2}L${x(i + 1)} ${mid - tall(n) / 2}V${mid + tall(n) / 2}L${x(i)} ${mid + tall(sizes[i]) / 2}Z`,
            fill: "var(--well)",
          }),
        ),
      ...sizes.map((n, i) =>
        s("path", {
          d: `M${x(i)} ${mid - tall(n) / 2}v${tall(n)}`,
          stroke: "var(--blue)",
          "stroke-width": 3,
        }),
      ),
      ...sizes.map((n, i) =>
        s(
          "text",
          {
            x: i === 0 ? 0 : i === sizes.length - 1 ? W : x(i),
            y: 78,
            "text-anchor": i === 0 ? "start" : i === sizes.length - 1 ? "end" : "middle",
          },
          count(n),
        ),
      ),
    ),
    h("figcaption", { class: "small" }, `${count(parameters)} parameters`),
  );
}
function pardon(input) {
  $(`#${input.id}-fault`)?.remove();
  input.removeAttribute("aria-invalid");
  input.setAttribute("aria-describedby", `${input.id}-help`);
}
function forgive() {
  for (const input of $$("[aria-invalid]", $("#train"))) pardon(input);
  $("#trouble").replaceChildren();
  $("#said").textContent = "";
}
function blame(errors) {
  const others = [];
  for (const { pointer, detail } of errors) {
    const input = fields.find((field) => field.id === pointer.split("/")[1]);
    if (!input) {
      others.push(detail);
      continue;
    }
    const id = `${input.id}-fault`,
      place = pointer.split("/")[2],
      words = place === undefined ? detail : `Number ${Number(place) + 1}: ${detail}`;
    if ($(`#${id}`)) {
      $(`#${id}`).append("; ", words);
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", `${id} ${input.id}-help`);
    input.after(h("span", { class: "fault", id }, words));
    if (input.closest("details")) input.closest("details").open = true;
  }
  if (others.length)
    $("#trouble").append(
      notice({ title: "It cannot be trained like that", detail: others.join(" ") }),
    );
  const wrong = $$("[aria-invalid]", $("#train"));
  $("#said").textContent =
    wrong.length === 1
      ? "One field needs a change."
      : wrong.length
        ? `${wrong.length} fields need a change.`
        : "";
  wrong[0]?.focus();
}
async function submit(event) {
  event.preventDefault();
  const button = $("#train [type=submit]");
  forgive();
  button.disabled = true;
  try {
    location.assign(`/ui/jobs/${(await post("/train", body)).id}`);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 422) blame(problem.errors);
    else $("#trouble").append(notice(problem));
  } finally {
    button.disabled = false;
  }
}
