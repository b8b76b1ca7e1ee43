// @ts-check
// What became of a webhook, in words, and when to look again. Needs no browser.
import { count } from "../numbers.js";

const LEAST_MS = 2000; // an attempt that is due takes some time

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

/**
 * Return how long a pending delivery stays as it is, in ms.
 * @param {Delivery} delivery
 * @param {number} now in ms since 1970
 */
export function waitMs({ next_attempt_at: next }, now) {
  return Math.max(LEAST_MS, next ? Date.parse(next) - now : 0);
}
