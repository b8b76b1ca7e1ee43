// The REST API: JSON in and out, problems as errors, the token asked for once, events over fetch (EventSource cannot send tokens).

export class Problem extends Error {
  constructor({ title, detail, status = 0, errors = [], ...members }, retryAfter = 5) {
    super(`${title}: ${detail}`);
    Object.assign(this, { ...members, title, detail, status, errors, retryAfter });
  }
}
const away = () =>
  new Problem({
    title: "No answer",
    detail: "Stepbox cannot be reached. Jobs that were accepted go on without this page.",
  });

const TOKEN = "stepbox-token"; // kept until the tab closes
let asking = null;
function askForToken(refused) {
  asking ??= new Promise((resolve) => {
    const dialog = document.querySelector("#token"),
      text = dialog.querySelector("input");
    dialog.querySelector(".fault").textContent = refused ?? "";
    dialog.addEventListener(
      "close",
      () => {
        sessionStorage.setItem(TOKEN, text.value.trim());
        asking = null;
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}

// Fetch; raises a Problem for whatever is no success
export async function ask(path, { headers = {}, ...options } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN),
      answer = await fetch(path, {
        ...options,
        headers: { ...headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      }).catch((error) => {
        throw error.name === "AbortError" ? error : away();
      });
    if (answer.ok) return answer;
    const problem = await answer
      .json()
      .catch(() => ({
        title: answer.statusText,
        detail: "The answer could not be read.",
        status: answer.status,
      }));
    if (answer.status === 401) {
      // once for all requests that were under way
      if (token === sessionStorage.getItem(TOKEN)) await askForToken(token && problem.detail);
      continue;
    }
    throw new Problem(problem, Number(answer.headers.get("Retry-After") ?? 5));
  }
}
export const get = async (path, options) => (await ask(path, options)).json();
export const send = async (method, path, body, options) =>
  ask(path, {
    method,
    ...options,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });
export async function allModels() {
  // newest first, damaged ones left out
  const models = [];
  for (let after = ""; after != null;) {
    const page = await get(`/models?limit=1000${after && `&after=${after}`}`);
    models.push(...page.models);
    after = page.next;
  }
  return models;
}
export const post = async (path, body, options) => (await send("POST", path, body, options)).json();

// Ask again and again as something moves: one request at a time, and always one with the last state. show(answer), fail(problem)
export function latest(request, show, fail) {
  let busy = false,
    stale = false;
  return async function again() {
    if (busy) {
      stale = true;
      return;
    }
    busy = true;
    try {
      show(await request());
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      fail(problem);
    } finally {
      busy = false;
    }
    if (stale) {
      stale = false;
      again();
    }
  };
}

// Read one event stream to its end; calls event(type, data, id)
async function readEvents(path, last, event, signal) {
  const silence = new AbortController(); // the server writes at least every five seconds
  let timer = setTimeout(() => silence.abort(), 20000);
  try {
    const answer = await ask(path, {
      headers: last ? { "Last-Event-ID": last } : {},
      signal: AbortSignal.any([signal, silence.signal]),
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), 20000);
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(
          block
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
        );
        if (fields.data) event(fields.event, JSON.parse(fields.data), fields.id);
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

// Follow a job's events up to its final status; after a lost connection goes on behind the last event, so that none is missing.
// handlers: event(type, data), lost(since, problem, retry) when a connection was lost, found() when there is one again
const FINAL = new Set(["succeeded", "failed", "cancelled"]),
  WAIT_MS = 2000;
export async function follow(path, { event, lost, found }, signal = new AbortController().signal) {
  let last = null,
    over = false,
    since = null;
  while (!over && !signal.aborted) {
    let problem = away();
    try {
      await readEvents(
        path,
        last,
        (type, data, id) => {
          last = id;
          if (since) {
            since = null;
            found();
          }
          event(type, data);
          over = type === "status" && FINAL.has(data.status);
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status === 404) throw error;
      if (error instanceof Problem) problem = error;
    }
    if (over || signal.aborted) return;
    since ??= Date.now();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, WAIT_MS);
      lost(since, problem, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
