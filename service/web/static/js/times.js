// @ts-check
// Dates and durations as pages write them. Needs no browser.

/** Write a duration in seconds, or in minutes and seconds from 90 seconds on. @param {number} s */
export function duration(s) {
  const whole = Math.round(s);
  if (whole < 90) return `${whole}\u00a0s`;
  const seconds = String(whole % 60).padStart(2, "0");
  return `${Math.floor(whole / 60)}\u00a0min ${seconds}\u00a0s`;
}

/**
 * Write a timestamp of the API in UTC.
 * @param {string | null} timestamp such as 2026-01-31T12:30:00.5Z
 */
export const utc = (timestamp, withSeconds = true) =>
  timestamp ? `${timestamp.slice(0, 10)} ${timestamp.slice(11, withSeconds ? 19 : 16)} UTC` : "—";

/**
 * Write the local time of a timestamp if it is from today, else its local date.
 * @param {string} timestamp
 */
export function timeOrDate(timestamp, now = new Date()) {
  const time = new Date(timestamp);
  return time.toDateString() === now.toDateString()
    ? time.toTimeString().slice(0, 5)
    : time.toLocaleDateString("sv-SE"); // year-month-day
}
