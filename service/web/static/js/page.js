// @ts-check
// What all pages have in common: the token of this browser, large type, and figures shown alone.
import { showAlone } from "./alone.js";
import { catchProblem, get } from "./api.js";
import { $, loadBeforePrinting } from "./dom.js";
import { store } from "./storage.js";
import { SCOPE_KEY, TOKEN_KEY, askForToken, hasToken } from "./token.js";

const PROJECTOR_KEY = "stepbox-projector";
/** @type {Record<string, string>} */
const SCOPE_WORDS = {
  read: "read only",
  own: "read and write, only your own",
  write: "read and write",
};
const root = document.documentElement;

/**
 * Find out what the token allows. Style sheets hide what it does not allow: elements with
 * `data-writes` are shown only if it may write, elements with `data-read-only` only if not, and
 * elements with `data-shared` only if it may change what has no owner.
 */
async function showAccess() {
  await catchProblem(
    async () => {
      const { scope } = await get("/access");
      store(SCOPE_KEY, scope);
      root.dataset.access = scope;
      $("#token-scope").textContent = SCOPE_WORDS[scope];
    },
    () => {
      root.dataset.access = "unknown";
      $("#token-scope").textContent = hasToken() ? "not checked" : "none";
    },
  );
}

/** Show what needs a token, and follow changes of it, also in other tabs. */
function startAccess() {
  $("#token-change").addEventListener("click", async () => {
    if (await askForToken("")) location.reload();
  });
  addEventListener("storage", ({ key }) => {
    if (key === TOKEN_KEY || key === null) showAccess();
  });
  showAccess();
}

/** Show the meaning of a term at a tap, where no pointer hovers. The meaning leads on. */
function explainTappedTerms() {
  if (!matchMedia("(hover: none)").matches) return;
  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const link = /** @type {HTMLElement | null} */ (target.closest(".term"));
    if (!link || target.closest(".tip") || event.detail === 0) return; // 0: a key, not a tap
    event.preventDefault();
    link.focus({ preventScroll: true });
  });
}

/**
 * Restore the value that a slider had when a finger touched it, if the finger then scrolls.
 * Browsers change the value at once, and cancel the pointer when they begin to scroll.
 */
function keepSlidersWhileScrolling() {
  let before = "";
  /** @param {(slider: HTMLInputElement) => void} act @returns {(event: Event) => void} */
  const forSlider =
    (act) =>
    ({ target }) => {
      if (target instanceof HTMLInputElement && target.type === "range") act(target);
    };
  addEventListener(
    "pointerdown",
    forSlider((slider) => (before = slider.value)),
    { capture: true },
  );
  addEventListener(
    "pointercancel",
    forSlider((slider) => {
      slider.value = before;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }),
  );
}

function startProjector() {
  const button = $("#projector");
  const update = () =>
    button.setAttribute("aria-pressed", String(root.classList.contains("projector")));
  button.addEventListener("click", () => {
    const on = root.classList.toggle("projector");
    store(PROJECTOR_KEY, on ? "on" : null);
    update();
  });
  update();
}

if ("embed" in root.dataset) showAlone();
if (root.dataset.access) startAccess();
startProjector();
keepSlidersWhileScrolling();
explainTappedTerms();
loadBeforePrinting();
