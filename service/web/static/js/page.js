// @ts-check
// What all pages have in common: the token of this browser, and large type.
import { catchProblem, get } from "./api.js";
import { $ } from "./dom.js";
import { store } from "./storage.js";
import { SCOPE_KEY, TOKEN_KEY, askForToken, hasToken } from "./token.js";

const PROJECTOR_KEY = "stepbox-projector";
const root = document.documentElement;

/**
 * Find out what the token allows. Style sheets hide what it does not allow: elements with
 * `data-writes` are shown only if it may write, elements with `data-read-only` only if not.
 */
async function showAccess() {
  await catchProblem(
    async () => {
      const { scope } = await get("/access");
      store(SCOPE_KEY, scope);
      root.dataset.access = scope;
      $("#token-scope").textContent = scope === "read" ? "read only" : "read and write";
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

if (root.dataset.access) startAccess();
startProjector();
