// @ts-check
// Dates and durations as pages write them. Only `localTime` needs a browser.
import { h } from "./dom.js";
import { fixed } from "./numbers.js";

/** Write a time that is left in whole seconds, from 90 on in minutes. @param {number} s */
export function timeLeft(s) {
  const whole = Math.round(s);
  if (whole < 90) return `${whole}\u00a0s`;
  const seconds = String(whole % 60).padStart(2, "0");
  return `${Math.floor(whole / 60)}\u00a0min ${seconds}\u00a0s`;
}

/** Write a duration that was measured, with a decimal if it is short. @param {number} s */
export function duration(s) {
  if (s >= 10) return timeLeft(s);
  return s && s < 0.1 ? "under 0.1\u00a0s" : `${fixed(s, 1)}\u00a0s`;
}

/** Write a timestamp of the API in UTC. @param {string} timestamp such as 2026-01-31T12:30:00.5Z */
export const utcText = (timestamp) => `${timestamp.slice(0, 10)} ${timestamp.slice(11, 19)} UTC`;

/** Name the local time zone, such as "CET" or "GMT+5:30". */
export const zoneName = (time = new Date()) =>
  new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" })
    .formatToParts(time)
    .find(({ type }) => type === "timeZoneName")?.value ?? "";

/** @param {Date} time */
const localDate = (time) => time.toLocaleDateString("sv-SE"); // year-month-day

/** Write the local time of a timestamp, with its zone. @param {string} timestamp */
export function localText(timestamp, withSeconds = true) {
  const time = new Date(timestamp);
  const clock = time.toTimeString().slice(0, withSeconds ? 8 : 5);
  return `${localDate(time)} ${clock} ${zoneName(time)}`;
}

/**
 * Write the local time of a timestamp if it is from today, else its local date.
 * @param {string} timestamp
 */
export function timeOrDate(timestamp, now = new Date()) {
  const time = new Date(timestamp);
  return time.toDateString() === now.toDateString()
    ? time.toTimeString().slice(0, 5)
    : localDate(time);
}

/**
 * Build an element that shows a timestamp in local time, and in UTC when the mouse is over it.
 * @param {string | null} timestamp
 * @param {(timestamp: string) => string} text `timeOrDate` where space is short
 */
export const localTime = (timestamp, text = (stamp) => localText(stamp)) =>
  timestamp ? h("time", { datetime: timestamp, title: utcText(timestamp) }, text(timestamp)) : "—";
