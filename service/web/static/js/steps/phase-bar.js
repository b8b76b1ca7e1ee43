// @ts-check
// The buttons of the phases, above and below the diagram, and the one that plays them.
import { $, h } from "../dom.js";
import { buttonPlace } from "./layout.js";
import { isForward, phasesOf } from "./phases.js";

const PLAY_MS = 2000; // for each phase

/**
 * Prepare the buttons.
 * @param {import("./view.js").Choices} choices of which the buttons change the phase
 * @param {number} layers
 * @param {{ show: () => void, nextStep: () => void }} on `nextStep` is called after the last phase
 */
export function phaseBar(choices, layers, { show, nextStep }) {
  const phases = phasesOf(layers);
  const last = phases[phases.length - 1].key;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let playing;

  /** @param {string} key */
  function go(key) {
    choices.phase = key;
    show();
  }

  function stop() {
    clearInterval(playing);
    playing = undefined;
    $("#play").textContent = "Play";
  }

  /** Go to the phase before or after. @param {number} way ±1 */
  function turn(way) {
    const next = phases[phases.findIndex(({ key }) => key === choices.phase) + way];
    if (next) go(next.key);
    else if (way > 0) {
      choices.phase = phases[0].key;
      nextStep();
    }
  }

  function play() {
    if (playing) return stop();
    if (choices.phase === last) go(phases[0].key);
    $("#play").textContent = "Pause";
    playing = setInterval(() => {
      turn(1);
      if (choices.phase === last) stop();
    }, PLAY_MS);
  }

  const buttons = phases.map((phase) => {
    const [word, high] = phase.mark;
    const onclick = () => {
      stop();
      go(phase.key);
    };
    const attributes = { class: "phase", type: "button", "aria-label": phase.name, onclick };
    const mark = high ? [h("i", null, word), h("sup", null, high)] : word;
    const button = h("button", attributes, mark);
    const item = h("li", null, button);
    const place = buttonPlace(layers, phase);
    if (place != null) item.style.setProperty("--x", `${place}%`);
    const list = $(isForward(phase) ? "#ahead" : "#behind");
    list.classList.toggle("placed", place != null);
    list.append(item);
    return button;
  });
  const turnByHand = (/** @type {number} */ way) => {
    stop();
    turn(way);
  };
  $("#back").addEventListener("click", () => turnByHand(-1));
  $("#on").addEventListener("click", () => turnByHand(1));
  $("#play").addEventListener("click", play);

  return {
    phases,
    stop,
    play,
    turn: turnByHand,
    /** Mark the current phase. @param {number} at its index */
    mark(at) {
      buttons.forEach((button, i) => {
        button.classList.toggle("done", i < at);
        if (i === at) button.setAttribute("aria-current", "step");
        else button.removeAttribute("aria-current");
      });
      $("#back").disabled = at === 0;
      $("#count").textContent = `Phase ${at + 1} of ${phases.length}`;
    },
  };
}
