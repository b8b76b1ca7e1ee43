// @ts-check
// What became of a webhook, in words. Needs no browser.
import { count } from "../numbers.js";

/** @typedef {import("../types.d.ts").Delivery} Delivery */

/** Name the host of a webhook: the rest of its URL may be secret. @param {string} url */
export const hostOf = (url) => new URL(url).host;

/**
 * Say how the last attempt ended, and when the next one is due.
 * @param {Delivery} delivery
 * @param {(timestamp: string) => string} timeText writes a time
 */
export function attemptText({ attempts, error, state, next_attempt_at: next }, timeText) {
  const times = attempts === 1 ? "1 attempt" : `${count(attempts)} attempts`;
  const made = attempts ? times : "no attempt yet";
  const reason = error ? `: ${error}` : "";
  const later = state === "pending" && attempts && next ? `; next at ${timeText(next)}` : "";
  return `${made}${reason}${later}`;
}

/**
 * Say on the page of a job what became of its webhook.
 * @param {Delivery} delivery
 * @param {(timestamp: string) => string} timeText writes a time
 */
export function deliveryText(delivery, timeText) {
  if (delivery.state === "delivered") return "delivered";
  return `${delivery.state}, ${attemptText(delivery, timeText)}`;
}
