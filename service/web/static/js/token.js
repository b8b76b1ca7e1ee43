// @ts-check
// The token of this browser, and the dialog that asks for it.
import { $ } from "./dom.js";
import { store, stored } from "./storage.js";

export const TOKEN_KEY = "stepbox-token";
export const SCOPE_KEY = "stepbox-scope"; // what the token allows; early.js reads it

export const readToken = () => stored(TOKEN_KEY);

/** Tell whether requests carry a token. */
export const hasToken = () => Boolean(readToken());

/** Keep a token, or forget it. @param {string | null} token */
export function keepToken(token) {
  store(SCOPE_KEY, null); // it belongs to the former token
  store(TOKEN_KEY, token || null);
}

/** @type {Promise<boolean> | null} */
let openDialog = null;

/**
 * Ask for a token, and keep it. All callers share one dialog. Return whether the user answered.
 * @param {string} reason why it is asked for; may be empty
 */
export function askForToken(reason) {
  openDialog ??= new Promise((resolve) => {
    const dialog = $("#token");
    const input = $("input", dialog);
    $(".fault", dialog).textContent = reason;
    $("#token-forget").hidden = !hasToken();
    input.value = "";
    dialog.returnValue = "";
    const answer = () => {
      openDialog = null;
      const value = input.value.trim();
      input.value = "";
      if (dialog.returnValue === "forget") keepToken(null);
      if (dialog.returnValue === "keep" && value) keepToken(value);
      resolve(dialog.returnValue !== "");
    };
    dialog.addEventListener("close", answer, { once: true });
    dialog.showModal();
  });
  return openDialog;
}
