// @ts-check
// The requests behind figures. A figure whose request takes long or failed stays, but says so.
import { latest } from "../api.js";
import { $, h, notice } from "../dom.js";

/** @typedef {import("../api.js").ProblemError} ProblemError */

const PATIENCE_MS = 400; // before a figure says that its answer is awaited
const PICTURES = ".chart, .boxfigure, .plane, .scroll";
let notes = 0;

/**
 * Mark a figure as old, for its look and for screen readers, or as up to date.
 * @param {HTMLElement} figure
 * @param {string | null} words what it shows instead
 * @param {string} [kind] "busy" while an answer is awaited
 */
function markOld(figure, words, kind = "") {
  $(".oldnote", figure)?.remove();
  figure.classList.toggle("old", words != null);
  figure.removeAttribute("aria-describedby");
  if (words == null) return;
  const id = `oldnote-${++notes}`;
  $(PICTURES, figure).before(h("p", { class: `oldnote ${kind}`, id }, words));
  figure.setAttribute("aria-describedby", id);
}

/**
 * Make a function that asks for the answer that figures show, as `latest` does.
 * @template T
 * @param {object} options
 * @param {HTMLElement[]} options.figures
 * @param {() => Promise<T>} options.request
 * @param {(answer: T) => void} options.show
 * @param {(problem: ProblemError) => void} options.fail says what is wrong
 * @param {() => void} [options.wait] says that the answer takes long
 * @param {string} [options.none] what to say if the first request fails
 * @param {() => string} options.old says what the figures still show after a failure
 */
export function figureRequest({
  figures,
  request,
  show,
  fail,
  wait,
  none = "No figure yet.",
  old,
}) {
  let shown = false;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const begin = () => {
    clearTimeout(timer);
    for (const figure of figures) figure.setAttribute("aria-busy", "true");
    timer = setTimeout(() => {
      for (const figure of figures) markOld(figure, "Computing…", "busy");
      wait?.();
    }, PATIENCE_MS);
  };
  /** @param {string | null} words */
  const settle = (words) => {
    clearTimeout(timer);
    for (const figure of figures) {
      figure.removeAttribute("aria-busy");
      markOld(figure, words);
    }
  };
  return latest(
    () => {
      begin();
      return request();
    },
    (answer) => {
      shown = true;
      settle(null);
      show(answer);
    },
    (problem) => {
      settle(shown ? old() : none);
      fail(problem);
    },
  );
}

/** What the API calls the fields of a function, in words. @type {Record<string, string>} */
const SUBJECTS = {
  "/function": "The function",
  "/widths": "The widths",
  "/boxes": "The number of boxes",
  "/bound": "The bound",
};

/**
 * Say what is wrong with a field, without the list of what is allowed, which the page has already.
 * @param {{ pointer: string, detail: string }} error
 */
export function faultText({ pointer, detail }) {
  const [fault] = detail.split("; allowed are ");
  const words = /^[a-z]/.test(fault) ? `${SUBJECTS[pointer] ?? pointer} ${fault}` : fault;
  return words.endsWith(".") ? words : `${words}.`;
}

/** @param {ProblemError} problem @param {string} id */
function message(problem, id) {
  const element =
    problem.status === 422
      ? h("span", { class: "fault", role: "alert" }, problem.errors.map(faultText).join(" "))
      : notice(problem);
  element.id = id;
  return element;
}

/**
 * Show below the field of a function what is wrong with it or with the request, or nothing.
 * @param {HTMLInputElement} input
 * @param {ProblemError | null} problem
 */
export function showFault(input, problem) {
  const id = `${input.id}-fault`;
  $(`#${id}`)?.remove();
  const described = [problem && id, $(`#${input.id}-help`)?.id].filter(Boolean).join(" ");
  if (described) input.setAttribute("aria-describedby", described);
  else input.removeAttribute("aria-describedby");
  const isInvalid = problem?.errors.some(({ pointer }) => pointer === "/function");
  if (isInvalid) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  if (problem) input.after(message(problem, id));
}
