// @ts-check
// A request that someone has filled in, and the text of its response. Needs no browser.
import { quote } from "../curl.js";

/**
 * @typedef {object} Parameter a value that is sent
 * @property {string} name
 * @property {string} place path, query or header
 * @property {string} value
 */
/**
 * @typedef {object} Filled a request that someone has filled in
 * @property {string} method
 * @property {string} path a template such as /jobs/{id}
 * @property {Parameter[]} parameters those without a value are not sent
 * @property {string} [type] content type of the body
 * @property {string} [text] the body, if it is text
 * @property {{ name: string }[]} [files] the body, if it is files
 * @property {string} [part] name of each file in a form, if the body is a form
 */

export const TOKEN_OPTION = '-H "Authorization: Bearer $TOKEN"'; // of curl

/** Write the path and the query of a request. @param {Filled} request */
export function target({ path, parameters }) {
  const query = new URLSearchParams();
  for (const { name, place, value } of parameters) {
    if (place === "path" && value) path = path.replace(`{${name}}`, encodeURIComponent(value));
    if (place === "query" && value) query.set(name, value);
  }
  return query.size ? `${path}?${query}` : path;
}

/** Collect the headers of a request. @param {Filled} request */
export function headers({ parameters, type, part }) {
  /** @type {Record<string, string>} */
  const headers = {};
  for (const { name, place, value } of parameters) {
    if (place === "header" && value) headers[name] = value;
  }
  if (type && !part) headers["Content-Type"] = type; // for a form, the browser adds its boundary
  return headers;
}

/**
 * Write the options of the curl command that sends a request.
 * @param {Filled} request
 * @param {boolean} withToken
 */
export function curlOptions(request, withToken) {
  const { method, text, files = [], part } = request;
  const sent = text != null || files.length > 0;
  const options = method === (sent ? "POST" : "GET") ? [] : [`-X ${method}`];
  if (withToken) options.push(TOKEN_OPTION);
  for (const [name, value] of Object.entries(headers(request))) {
    options.push(`-H ${quote(`${name}: ${value}`)}`);
  }
  if (text != null) options.push(`--data-binary ${quote(text)}`);
  for (const { name } of files) {
    options.push(part ? `-F ${quote(`${part}=@${name}`)}` : `--data-binary ${quote(`@${name}`)}`);
  }
  return options.join(" ");
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const LINE = 80; // columns that lists and objects may fill before they are broken into lines

/**
 * Break JSON into indented lines. Numbers stay as they were sent. Lists of numbers or texts stay in
 * one line.
 * @param {string} json must be valid
 */
export function indentJson(json) {
  const tokens = json.match(TOKENS) ?? [];
  let next = 0;
  /** @param {string} indent @returns {string} */
  function value(indent) {
    const open = tokens[next++];
    if (open !== "{" && open !== "[") return open;
    const close = open === "{" ? "}" : "]";
    const deeper = `${indent}  `;
    const members = [];
    let nested = open === "{";
    while (tokens[next] !== close) {
      if (tokens[next] === ",") next++;
      let name = "";
      if (open === "{") {
        name = `${tokens[next]}: `;
        next += 2;
      }
      nested ||= "{[".includes(tokens[next]);
      members.push(name + value(deeper));
    }
    next++;
    const line = `${open}${members.join(", ")}${close}`;
    if (!nested || (indent.length + line.length <= LINE && !line.includes("\n"))) return line;
    return `${open}\n${deeper}${members.join(`,\n${deeper}`)}\n${indent}${close}`;
  }
  return value("");
}

/** Write a body for people to read. @param {string} text @param {string} type content type */
export function readable(text, type) {
  if (!/\bjson\b/.test(type)) return text;
  try {
    JSON.parse(text);
  } catch {
    return text; // the body is shown as it is
  }
  return indentJson(text);
}
