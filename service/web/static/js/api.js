// @ts-check
// The REST API: JSON in and out. Responses with an error status become exceptions.
import { askForToken, readToken } from "./token.js";

const RETRY_AFTER_S = 5; // if a response does not say

/** The API responded with a problem document, or did not respond. */
export class ProblemError extends Error {
  /** @param {Record<string, any>} problem members of the problem document */
  constructor({ title, detail, status = 0, errors = [], ...others }, retryAfter = RETRY_AFTER_S) {
    super(`${title}: ${detail}`);
    this.title = /** @type {string} */ (title);
    this.detail = /** @type {string} */ (detail);
    this.status = /** @type {number} */ (status);
    this.errors = /** @type {{ pointer: string, detail: string }[]} */ (errors);
    this.checks = /** @type {import("./types.d.ts").Check[] | undefined} */ (others.checks);
    this.others = others; // members that only some problems have
    this.retryAfter = retryAfter;
  }

  /** What is wrong with each field, or else with the whole request. */
  get details() {
    return this.errors.map((error) => error.detail).join("; ") || this.detail;
  }
}

/** Make the error for a request without a response. */
export const noAnswer = () =>
  new ProblemError({
    title: "No answer",
    detail: "Stepbox cannot be reached. Accepted jobs continue without this page.",
  });

/**
 * Run an action. Pass a ProblemError to `handle`, and rethrow any other error.
 * @template T
 * @param {() => Promise<T>} action
 * @param {(problem: ProblemError) => void} handle
 */
export async function catchProblem(action, handle) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return handle(error);
  }
}

/** Responses that were requested before this module arrived, by method and path. */
const early = (globalThis.early ??= new Map());

/** Forget the responses that were requested early, and send all requests. */
export const forgetEarly = () => early.clear();

/** Take a response that was requested early: once, because it may change. @param {string} key */
function takeEarly(key) {
  const response = early.get(key);
  early.delete(key);
  return response;
}

/** @param {string} path @param {RequestInit} options @param {string | null} token */
async function fetchOnce(path, { headers, ...options }, token) {
  const authorization = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    const sent = takeEarly(`${options.method ?? "GET"} ${path}`);
    if (sent) return await sent;
    return await fetch(path, {
      ...options,
      headers: /** @type {Record<string, string>} */ ({ ...headers, ...authorization }),
    });
  } catch (error) {
    throw error instanceof DOMException && error.name === "AbortError" ? error : noAnswer();
  }
}

/** Read the problem document of a response. @param {Response} response */
export async function readProblem(response) {
  const problem = await response.json().catch(() => ({
    title: response.statusText,
    detail: "The response could not be read.",
    status: response.status,
  }));
  return new ProblemError(problem, Number(response.headers.get("Retry-After") ?? RETRY_AFTER_S));
}

let declined = false; // the user closed the dialog; the button at the end of the page opens it
/** @type {string | null} */
let typed = null; // the token that the user entered on this page

/** Say why a token is asked for. @param {string | null} sent @param {ProblemError} problem */
function tokenReason(sent, { detail }) {
  if (!sent) return "";
  return sent === typed ? detail : `The token that this browser has kept is not valid. ${detail}`;
}

/**
 * Send a request and return its response, whatever its status. Ask for a token if the API requires
 * one.
 * @param {string} path
 * @param {RequestInit} [options]
 * @throws {ProblemError} if there is no response
 */
export async function exchange(path, options = {}) {
  for (;;) {
    const token = readToken();
    const response = await fetchOnce(path, options, token);
    if (response.status !== 401 || declined) return response;
    const problem = await readProblem(response);
    // Another request may have asked for a new token since this one was sent.
    if (token !== readToken()) continue;
    if (declined || !(await askForToken(tokenReason(token, problem)))) {
      declined = true;
      throw problem;
    }
    typed = readToken();
  }
}

/**
 * Send a request and return its response, like `exchange`.
 * @param {string} path
 * @param {RequestInit} [options]
 * @throws {ProblemError} if the response has an error status, or if there is none
 */
export async function ask(path, options = {}) {
  const response = await exchange(path, options);
  if (response.ok) return response;
  throw await readProblem(response);
}

/**
 * Get JSON.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export const get = async (path, options) => (await ask(path, options)).json();

/**
 * Send a request and return its response.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 */
export const send = (method, path, body) =>
  ask(path, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    }),
  });

/**
 * Post JSON and return the JSON of the response.
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<any>}
 */
export const post = async (path, body) => (await send("POST", path, body)).json();

/** @type {Promise<unknown>} the last request of `inTurn` */
let previous = Promise.resolve();

/**
 * Send a request that takes much memory on the server, once the page's earlier ones have ended.
 * Sent together, some would wait for too long.
 * @template T
 * @param {() => Promise<T>} request
 */
export function inTurn(request) {
  const answer = previous.then(request);
  previous = answer.catch(() => {});
  return answer;
}

/** Get the cards of all models, the newest first, and what is wrong with the damaged models. */
export async function listModels() {
  /** @type {import("./types.d.ts").Model[]} */
  const models = [];
  /** @type {{ id: string, detail: string }[]} */
  const damaged = [];
  let next = "";
  do {
    const page = await get(`/models?limit=1000${next && `&after=${next}`}`);
    models.push(...page.models);
    damaged.push(...page.damaged);
    next = page.next;
  } while (next != null);
  return { models, damaged };
}

/** Get the cards of all models that are not damaged, the newest first. */
export const allModels = async () => (await listModels()).models;

/**
 * Make a function that sends a request and shows its response. Only one request runs at a time.
 * Calls during a request lead to one more request after it, so the latest state is shown.
 * @template T
 * @param {() => Promise<T>} request
 * @param {(answer: T) => void} show
 * @param {(problem: ProblemError) => void} fail
 */
export function latest(request, show, fail) {
  let busy = false;
  let stale = false;
  return async function update() {
    stale = true;
    if (busy) return;
    busy = true;
    try {
      while (stale) {
        stale = false;
        await catchProblem(async () => show(await request()), fail);
      }
    } finally {
      busy = false;
    }
  };
}
