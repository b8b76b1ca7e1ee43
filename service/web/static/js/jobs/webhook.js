// @ts-check
// On the page of a job or a sweep: its webhook, and what became of it.
import { catchProblem, get } from "../api.js";
import { h } from "../dom.js";
import { FINAL_STATUSES } from "../events.js";
import { deliveryText, hostOf, waitMs } from "../system/webhook-words.js";
import { localText } from "../times.js";

/** @typedef {import("../types.d.ts").AnyJob} AnyJob */
/** @typedef {Pick<AnyJob, "id" | "status" | "webhook">} WithWebhook */

/**
 * Say what became of a delivery, while its words are shown.
 * @param {string} id
 * @param {Element} words
 */
async function follow(id, words) {
  const delivery = await catchProblem(
    () => get(`/webhooks/${id}`),
    () => null, // it is no longer kept, or Redis is away
  );
  words.textContent = delivery ? `: ${deliveryText(delivery, localText)}` : "";
  if (delivery?.state !== "pending") return;
  setTimeout(() => words.isConnected && follow(id, words), waitMs(delivery, Date.now()));
}

/**
 * Make the facts about the webhook of a job or a sweep; none if it has none.
 * @param {WithWebhook} job
 * @returns {[string, Element][]}
 */
export function webhookFacts({ id, status, webhook }) {
  if (!webhook) return [];
  const words = h("span");
  if (FINAL_STATUSES.has(status)) follow(id, words);
  return [["Webhook", h("span", { title: webhook }, hostOf(webhook), words)]];
}
