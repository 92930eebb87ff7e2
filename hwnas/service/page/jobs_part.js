// The part "Jobs": long work with its progress as it happens; cancel and resume.

import { element, fill, table, tableRow } from "./elements.js";
import { duration, has } from "./numbers.js";
import { pageWords } from "./page_words.js";
import { labelled } from "./question_form.js";
import { download, follow, get, post, Refusal, say } from "./server.js";

const OPEN = ["queued", "running"];
const MOST_STREAMS = 3; // a browser keeps six connections to a server: the rest of the page needs some
const COLUMNS = [
  { name: "job" },
  { name: "what" },
  { name: "state" },
  { name: "progress" },
  { name: "time left", numeric: true },
  { name: "begun" },
  { name: "attempts", numeric: true },
  { name: "" },
];
const MOVING = [3, 4, 6]; // columns: progress, time left, attempts
const place = (id) => document.getElementById(id);

/**
 * Start the part. Returns {watch(job, onNews, files)}, which adds a job that another part began and resolves once it
 * has ended; onNews(job) is told of what the server says until then. files: those that were sent with it.
 */
export async function startJobs({ spaces, proxies }) {
  const jobs = new Map();
  const ends = new Map();
  const followed = new Set();
  const files = new Map(); // what was sent with a job: the server keeps no names of files

  function draw() {
    const listed = [...jobs.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
    fill(
      place("job-list"),
      listed.length
        ? table("jobs", COLUMNS, listed.map(row))
        : element(
            "p",
            { class: "note" },
            "No jobs yet. Scoring a space and adapting a device with many networks take long: they are jobs, ",
            "and go on when this page is closed.",
          ),
    );
    count();
  }

  function count() {
    const open = [...jobs.values()].filter((job) => OPEN.includes(job.state)).length;
    fill(place("running"), String(open));
    place("running").hidden = open === 0;
    place("running").setAttribute("aria-label", `${open} at work`);
  }

  /** Only what changed: a button that is replaced between press and release would not be pressed. */
  function renew(job, moved) {
    const old = document.querySelector(`tr[data-job="${job.id}"]`);
    const next = row(job);
    if (moved) for (const number of MOVING) fill(old.children[number], next.cells[number]);
    else {
      const focused = old.contains(document.activeElement);
      old.replaceWith(tableRow(COLUMNS, next));
      if (focused) document.querySelector(`tr[data-job="${job.id}"] button`)?.focus();
      count();
    }
  }

  function row(job) {
    return {
      properties: { "data-job": job.id, "data-state": job.state },
      cells: [
        element("code", {}, job.id.slice(0, 8)),
        [
          element("span", { class: "wrapped" }, job.title),
          job.error ? element("p", { class: "note wrapped" }, failure(job)) : null,
        ],
        element(
          "span",
          { class: `state ${job.state}` },
          job.cancel_requested && OPEN.includes(job.state) ? "stopping" : job.state,
        ),
        progressOf(job),
        OPEN.includes(job.state) ? duration(job.progress?.seconds_left) : "",
        new Date(job.created_at).toLocaleString(),
        String(job.attempts),
        actions(job),
      ],
    };
  }

  function failure({ id, request, error }) {
    return pageWords(error.detail ?? error.title, files.get(id), request.name);
  }

  function actions(job) {
    const button = (name, text, work) =>
      element(
        "button",
        {
          type: "button",
          class: "quiet",
          id: `${name}-${job.id}`,
          onclick: () => attempt(work),
          "aria-label": `${text} job ${job.id.slice(0, 8)}`,
        },
        text,
      );
    const ask = (verb) => async () => {
      put((await post(`/v1/jobs/${job.id}/${verb}`, null)).value);
    };
    if (OPEN.includes(job.state)) return button("cancel", "Cancel", ask("cancel"));
    if (job.state === "done")
      return button("result", "Save result", () =>
        download(`/v1/jobs/${job.id}/result`, `${job.kind}-${job.id.slice(0, 8)}.json`),
      );
    return button("resume", "Resume", ask("resume"));
  }

  /** Take over what the server says of a job, and follow it to its end. */
  function put(job) {
    const before = jobs.get(job.id);
    if (before && before.version > job.version) return;
    jobs.set(job.id, job);
    if (before?.state !== job.state) say(`job ${job.id.slice(0, 8)}: ${job.state}`);
    if (before) renew(job, before.state === job.state && before.cancel_requested === job.cancel_requested);
    else draw();
    for (const { news } of ends.get(job.id) ?? []) news(job);
    if (OPEN.includes(job.state)) listen(job);
    else {
      for (const { end } of ends.get(job.id) ?? []) end(job);
      ends.delete(job.id);
    }
  }

  async function listen(job) {
    if (followed.has(job.id)) return;
    if (followed.size >= MOST_STREAMS) {
      setTimeout(() => attempt(async () => put(await get(`/v1/jobs/${job.id}`))), 3000);
      return;
    }
    followed.add(job.id);
    try {
      await follow(`/v1/jobs/${job.id}/events`, put);
      put(await get(`/v1/jobs/${job.id}`));
    } catch (error) {
      // Where the connection broke we ask again below.
      if (!(error instanceof Refusal || error instanceof TypeError)) throw error;
    }
    followed.delete(job.id);
    if (OPEN.includes(jobs.get(job.id).state)) setTimeout(() => listen(job), 1000);
  }

  async function attempt(work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      say(error.message);
      place("job-list").prepend(element("p", { class: "failure", role: "alert" }, error.message));
    }
  }

  makeScoreForm(place("score-form"), { spaces, proxies }, (body) =>
    attempt(async () => put((await post("/v1/score/tables", body)).value)),
  );
  for (const job of (await get("/v1/jobs?limit=100")).jobs) put(job);
  draw();
  return {
    watch: (job, onNews = () => {}, sent = []) =>
      new Promise((done) => {
        files.set(job.id, sent);
        ends.set(job.id, [...(ends.get(job.id) ?? []), { end: done, news: onNews }]);
        put(job);
      }),
  };
}

/** How far a job is, in words and, while it runs, as a bar. */
export function progressOf(job) {
  const { done = 0, total = null } = job.progress ?? {};
  if (job.state === "queued") return "waits for a worker";
  const count = has(total)
    ? `${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}`
    : done
      ? done.toLocaleString("en-US")
      : "";
  if (!OPEN.includes(job.state)) return count;
  return [
    element(
      "progress",
      has(total) ? { max: Math.max(total, 1), value: done, "aria-label": "progress" } : { "aria-label": "progress" },
    ),
    count,
  ];
}

function makeScoreForm(form, { spaces, proxies }, onStart) {
  const space = element(
    "select",
    {},
    spaces.filter((one) => one.architectures <= 1e6).map((one) => element("option", {}, one.name)),
  );
  const dataset = element("select", {});
  const proxy = element(
    "select",
    {},
    proxies.filter((one) => one.kind === "proxy").map((one) => element("option", {}, one.name)),
  );
  const limit = element("input", { type: "number", min: 1, step: 1, placeholder: "all" });
  const match = () =>
    fill(
      dataset,
      spaces.find((one) => one.name === space.value).datasets.map((name) => element("option", {}, name)),
    );
  space.addEventListener("change", match);
  match();
  proxy.value = "synflow";
  fill(
    form,
    labelled("Score the networks of", space),
    labelled("on", dataset),
    labelled("by", proxy),
    labelled("networks at most", limit),
    element("button", { class: "main", type: "submit" }, "Start the job"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = { space: space.value, dataset: dataset.value, proxies: [proxy.value] };
    onStart(limit.value ? { ...chosen, limit: Number(limit.value) } : chosen);
  });
}
