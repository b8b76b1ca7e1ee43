// @ts-check
// The requests behind figures. A figure whose request failed stays, but says that it is old.
import { latest } from "../api.js";
import { $, h, notice } from "../dom.js";

/** @typedef {import("../api.js").ProblemError} ProblemError */

const PICTURES = ".chart, .boxfigure, .plane, .scroll";
let notes = 0;

/**
 * Mark a figure as old, for its look and for screen readers, or as up to date.
 * @param {HTMLElement} figure
 * @param {string | null} words what it shows instead
 */
function markOld(figure, words) {
  $(".oldnote", figure)?.remove();
  figure.classList.toggle("old", words != null);
  figure.removeAttribute("aria-describedby");
  if (words == null) return;
  const id = `oldnote-${++notes}`;
  $(PICTURES, figure).before(h("p", { class: "oldnote", id }, words));
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
 * @param {string} [options.none] what to say if the first request fails
 * @param {() => string} options.old says what the figures still show after a failure
 */
export function figureRequest({ figures, request, show, fail, none = "No figure yet.", old }) {
  let shown = false;
  /** @param {string | null} words */
  const settle = (words) => {
    for (const figure of figures) {
      figure.removeAttribute("aria-busy");
      markOld(figure, words);
    }
  };
  return latest(
    () => {
      for (const figure of figures) figure.setAttribute("aria-busy", "true");
      return request();
    },
    (answer) => {
      shown = true;
      settle(null);
      show(answer);
    },
    (problem) => {
      fail(problem);
      settle(shown ? old() : none);
    },
  );
}

/** Say what an error of the API means for a function that a user typed. @param {string} detail */
function faultText(detail) {
  const words = /^[a-z]/.test(detail) ? `The function ${detail}` : detail;
  return words.endsWith(".") ? words : `${words}.`;
}

/** @param {ProblemError} problem @param {string} id */
function message(problem, id) {
  const element =
    problem.status === 422
      ? h("span", { class: "fault", role: "alert" }, faultText(problem.details))
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
  if (problem?.status === 422) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  if (problem) input.after(message(problem, id));
}
