// @ts-check
// The webhooks that are pending or dead, and the buttons that deliver them again.
import { catchProblem, get, send } from "../api.js";
import { $, h, notice, numberCell, plainButton, rowHeader, table } from "../dom.js";
import { localText } from "../times.js";
import { attemptText, hostOf } from "./webhook-words.js";

/** @typedef {import("../types.d.ts").Delivery} Delivery */
/** @typedef {{ deliveries: Delivery[], more: boolean } | null} Webhooks null without an answer */

const CLASSES = { pending: "queued", delivered: "succeeded", dead: "failed" };

async function loadWebhooks() {
  const pages = await Promise.all([get("/webhooks?state=dead"), get("/webhooks?state=pending")]);
  return {
    deliveries: pages.flatMap(({ deliveries }) => deliveries),
    more: pages.some(({ next }) => next != null),
  };
}

/** Get the deliveries that need attention, the dead ones first. @returns {Promise<Webhooks>} */
export const getWebhooks = async () => (await catchProblem(loadWebhooks, () => {})) ?? null;

/** @param {string} id @param {() => Promise<void>} refresh */
async function retry(id, refresh) {
  $("#webhook-fault").replaceChildren();
  await catchProblem(
    () => send("POST", `/webhooks/${id}/retry`),
    (problem) => $("#webhook-fault").replaceChildren(notice(problem)),
  );
  await refresh();
}

/** @param {Delivery} delivery @param {() => Promise<void>} refresh */
function deliveryRow(delivery, refresh) {
  const { id, url, state } = delivery;
  const onclick = () => retry(id, refresh);
  const button = plainButton("Deliver now", { id: `retry-${id}`, "data-writes": true, onclick });
  button.append(h("span", { class: "sr" }, ` the webhook of job ${id}`));
  return h(
    "tr",
    null,
    rowHeader(h("a", { href: `/ui/jobs/${id}` }, id)),
    h(
      "td",
      null,
      h("b", { title: url }, hostOf(url)),
      h("span", { class: "small block" }, attemptText(delivery, localText)),
    ),
    numberCell(
      h("span", { class: `state ${CLASSES[state]}` }, state),
      h("span", { class: "block" }, button),
    ),
  );
}

/**
 * Build the table of the webhooks that need attention.
 * @param {Webhooks} webhooks
 * @param {() => Promise<void>} refresh what shows the state after a button was pressed
 */
export function webhooksElement(webhooks, refresh) {
  if (!webhooks) return h("p", { class: "empty" }, "The webhooks cannot be read now.");
  const { deliveries, more } = webhooks;
  if (!deliveries.length) return h("p", { class: "empty" }, "No webhook is pending or dead.");
  return h(
    "div",
    null,
    table(
      [["Job"], ["Receiver, and the last attempt"], ["State", true]],
      deliveries.map((delivery) => deliveryRow(delivery, refresh)),
    ),
    more && h("p", { class: "small" }, "Only the newest ones are listed."),
  );
}
