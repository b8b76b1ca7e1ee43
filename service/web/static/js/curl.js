// @ts-check
// The text of requests. Needs no browser.

/** @typedef {object | string | null | undefined} RequestBody if a string: options for curl */

/** Quote a text for the shell. @param {string} text */
export const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Write the curl command that repeats a request. @param {string} url @param {RequestBody} body */
export function curlCommand(url, body) {
  const command = `curl -s ${quote(url)}`;
  if (!body) return command;
  if (typeof body === "string") return `${command} ${body}`;
  return `${command} -H 'Content-Type: application/json' -d ${quote(JSON.stringify(body))}`;
}

/** Write a body for people to read: JSON with spaces. @param {RequestBody} body */
export function bodyText(body) {
  if (!body) return "";
  if (typeof body === "string") return body;
  // Strings stay as they are: a space in min(x,1) would not be what is sent.
  return JSON.stringify(body).replace(/"(?:\\.|[^"\\])*"|[,:]/g, (token) =>
    token.length === 1 ? `${token} ` : token,
  );
}
