// @ts-check
// The page of one data set: what is in it, and how to train on it or delete it.
import "./page.js";
import { catchProblem, get, send } from "./api.js";
import { showClasses } from "./data/classes.js";
import { showColumns } from "./data/columns.js";
import { showSamples } from "./data/samples.js";
import { bytesText, isBuiltIn, plural, shapeText, sizeText, trainingOn } from "./data/words.js";
import { $, facts, h, notice, ready } from "./dom.js";
import { count, percent } from "./numbers.js";
import { localText, localTime } from "./times.js";

/** @typedef {import("./data/words.js").Dataset} Dataset */
/** @typedef {import("./api.js").ProblemError} ProblemError */

const path = `/datasets/${encodeURIComponent($("main").dataset.ref)}`;
/** @param {ProblemError} problem */
const showTrouble = (problem) => $("#trouble").replaceChildren(notice(problem));

/** @param {Dataset} dataset */
function showFacts(dataset) {
  const { id, name, title, kind, classes, train, test, created_at: created, bytes } = dataset;
  document.title = `${title} · Stepbox`;
  $("#crumb").textContent = name;
  $("#title").textContent = title;
  $("#sentence").textContent = `${sizeText(dataset)}.`;
  $("#train").href = trainingOn(dataset);
  const share = percent(test.samples / (train.samples + test.samples), 0);
  const items = facts([
    ["Id", id],
    ["Kind", kind === "images" ? "images" : "table of numbers"],
    [kind === "images" ? "An image" : "A row", shapeText(dataset)],
    ["Classes", count(classes.length)],
    ["To train on", plural(train.samples, "sample")],
    ["To test with", `${plural(test.samples, "sample")}, ${share}`],
    ["Size", bytesText(bytes)],
    ["Created", created ? localTime(created, (stamp) => localText(stamp, false)) : "built in"],
  ]);
  $("#facts").replaceChildren(...items);
}

/** @param {Dataset} dataset */
function showWarnings({ warnings }) {
  if (!warnings.length) return;
  const list = h("ul", null, ...warnings.map((warning) => h("li", null, warning)));
  const title = warnings.length === 1 ? "A warning" : plural(warnings.length, "warning");
  $("#warnings").append(h("div", { class: "notice" }, h("b", null, title), list));
}

/**
 * List what a deletion would harm.
 * @param {string} noun
 * @param {number} number
 * @param {string[]} ids at most 20 of them
 * @param {string} pages what has their pages
 */
const listed = (noun, number, ids, pages = `${noun}s`) =>
  ids.length === 0
    ? []
    : [
        h("p", null, `${plural(number, noun)}:`),
        h(
          "ul",
          { class: "small refers" },
          ...ids.map((id) => h("li", null, h("a", { href: `/ui/${pages}/${id}` }, id))),
          number > ids.length && h("li", null, `and ${count(number - ids.length)} more`),
        ),
      ];

/** Ask before a data set is deleted, and again if something needs it. @param {Dataset} dataset */
function prepareDeletion({ id, title, bytes }) {
  const dialog = $("#sure");
  const words = $("#sure-words");
  let force = false;
  /** @param {ProblemError} problem */
  const fail = (problem) => {
    const { jobs = [], models = [], aliases = [], ...counts } = problem.others;
    const references = [
      ...listed("job", counts.job_count, jobs),
      ...listed("model", counts.model_count, models),
      ...listed("gate", counts.alias_count, aliases, "models"),
    ];
    if (problem.status !== 409 || force || !references.length) {
      return showTrouble(problem);
    }
    force = true;
    $("#sure-delete").textContent = "Delete it although it is in use?";
    $("#sure-yes").textContent = "Delete anyway";
    words.replaceChildren(
      "Unfinished jobs would fail. Models stay and still predict, but their test samples are " +
        "gone. A gate on this data set lets no model pass.",
    );
    $("#sure-refers").replaceChildren(...references);
    dialog.showModal();
  };
  const remove = async () => {
    await send("DELETE", `/datasets/${id}${force ? "?force=true" : ""}`);
    location.assign("/ui/data");
  };
  $("#delete").addEventListener("click", () => {
    force = false;
    $("#sure-delete").textContent = "Delete this data set?";
    $("#sure-yes").textContent = "Delete";
    const samples = `all samples of ${title} (${bytesText(bytes)})`;
    words.textContent = `This deletes ${samples}. It cannot be undone.`;
    $("#sure-refers").replaceChildren();
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    const yes = dialog.returnValue === "yes";
    dialog.returnValue = "";
    if (yes) catchProblem(remove, fail);
  });
}

async function showDataset() {
  /** @type {Dataset} */
  const dataset = await get(path);
  showFacts(dataset);
  showWarnings(dataset);
  if (isBuiltIn(dataset)) $("#delete").remove();
  else prepareDeletion(dataset);
  $("main").classList.remove("nothing");
  showClasses(dataset);
  showColumns(dataset);
  showSamples(dataset);
  ready();
}

await catchProblem(showDataset, (problem) => {
  const link = h("a", { href: "/ui/data" }, "See all data sets");
  if (problem.status === 404) {
    $("#title").textContent = "No such data set";
    const words = "No data set has this id or name. It may have been deleted. ";
    $("#trouble").append(h("p", null, words, link, "."));
  } else showTrouble(problem);
  ready();
});
