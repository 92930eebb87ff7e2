// What the page asks the server, and how refusals come back: one error with the server's own words.

import { fill } from "./elements.js";

const TOKEN = "hwnas-token";

/** A refusal by the server, or no answer at all. `near` are names that were perhaps meant. */
export class Refusal extends Error {
  constructor(detail, status, near = []) {
    super(detail);
    this.status = status;
    this.near = near;
  }
}

/** The answer to a request as a Response. body: a FormData, or a value that becomes JSON. Throws `Refusal`. */
export async function send(method, path, { body = null, signal = null } = {}) {
  const headers = { Accept: "application/json" };
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  const form = body instanceof FormData;
  if (body !== null && !form) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, body: body === null || form ? body : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("the server does not answer; is `hwnas serve` still running?", 0);
  }
  if (answer.status === 401 && (await askToken())) return send(method, path, { body, signal });
  if (!answer.ok) throw await refusalOf(answer);
  return answer;
}

/** The answer as a value. */
export async function get(path, options = {}) {
  return (await send("GET", path, options)).json();
}

/** The answer to a POST: {status, value}. */
export async function post(path, body, options = {}) {
  const answer = await send("POST", path, { ...options, body });
  return { status: answer.status, value: await answer.json() };
}

/** All entries of a list that comes in pages. */
export async function all(path, name) {
  const found = [];
  for (let next = ""; next !== null;) {
    const page = await get(`${path}?limit=100${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
    found.push(...page[name]);
    next = page.next ?? null;
  }
  return found;
}

async function refusalOf(answer) {
  try {
    const problem = await answer.json();
    const places = (problem.errors ?? []).map((error) => `${error.at}: ${error.message}`);
    return new Refusal([problem.detail ?? problem.title, ...places].join("; "), answer.status, problem.near);
  } catch {
    return new Refusal(`the server answered with ${answer.status} ${answer.statusText}`, answer.status);
  }
}

let asking = null;

/** Ask for the token once, however many requests wait for it; false where nobody gives one. */
function askToken() {
  asking ??= new Promise((answer) => {
    const dialog = document.getElementById("token");
    const field = document.getElementById("token-field");
    field.value = "";
    dialog.showModal();
    dialog.addEventListener(
      "close",
      () => {
        asking = null;
        if (field.value) sessionStorage.setItem(TOKEN, field.value);
        answer(dialog.returnValue === "go" && field.value !== "");
      },
      { once: true },
    );
  });
  return asking;
}

/** Follow a stream of server-sent events: onEvent(data) for each. Ends when the stream does. */
export async function follow(path, onEvent, signal) {
  const answer = await send("GET", path, { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    waiting += value.replaceAll("\r\n", "\n");
    const events = waiting.split("\n\n");
    waiting = events.pop();
    for (const event of events) {
      const data = event
        .split("\n")
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).trim());
      if (data.length) onEvent(JSON.parse(data.join("\n")));
    }
  }
}

/** Save what the server sends as a file. */
export async function download(path, name) {
  const answer = await send("GET", path);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Tell screen readers what happened. */
export function say(text) {
  fill(document.getElementById("status"), text);
}
