// The part "Fronts": a question, its answer, a network of it, and answers that are kept to compare.

import { showComparison, showLists, showSources } from "./answer_tables.js";
import { element, fill } from "./elements.js";
import { makeFrontChart } from "./front_chart.js";
import { numbered, titleOf } from "./front_points.js";
import { progressOf } from "./jobs_part.js";
import { makeKeptFronts, MOST_KEPT } from "./kept_fronts.js";
import { firstNetwork, showNetwork, showNoNetwork } from "./network_panel.js";
import { makeQuestionForm } from "./question_form.js";
import { bodyOf, questionOf } from "./questions.js";
import { download, get, post, Refusal, say } from "./server.js";

const MOST_DOTS = 20_000;
const place = (id) => document.getElementById(id);

/** Start the part; id: the front to show first, of an address that somebody kept. watch(job, onNews): see Jobs. */
export async function startFronts(lists, id, watch) {
  const state = { answer: null, body: null, index: null, asked: 0 };
  const form = makeQuestionForm(place("question"), lists, ask);
  const chart = makeFrontChart(place("picture"), { onSelect: select, onBudget: changeBudget });
  const keep = element(
    "button",
    { type: "button", class: "quiet", onclick: () => kept.add(state.answer) },
    "Keep to compare",
  );
  const kept = makeKeptFronts(place("kept"), show, () => {
    keep.disabled = kept.size() >= MOST_KEPT;
  });
  const save = (format) =>
    attempt(() => download(`/v1/fronts/${state.answer.result.id}?format=${format}`, `front.${format}`));
  fill(
    place("answer-actions"),
    keep,
    ["json", "csv"].map((format) =>
      element(
        "button",
        { type: "button", class: "quiet", onclick: () => save(format) },
        `Save ${format.toUpperCase()}`,
      ),
    ),
  );
  place("answer-actions").hidden = true;

  async function attempt(work) {
    place("failure").hidden = true;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      fill(place("failure"), error.message);
      place("failure").hidden = false;
      return null;
    }
  }

  /** Ask, and show the fronts at once; the dots of all architectures follow. A later question wins over this one. */
  async function ask(body, { keepRange = false } = {}) {
    state.asked += 1;
    const mine = state.asked;
    form.busy(true);
    place("answer").classList.add("busy");
    place("underway").hidden = true;
    const answer = await attempt(async () => {
      const { status, value } = await post("/v1/pareto", body);
      return status === 202 ? follow(value, mine) : value;
    });
    if (mine !== state.asked) return;
    form.busy(false);
    place("answer").classList.remove("busy");
    if (!answer) {
      if (!state.answer) return;
      chart.show(state.answer, { keepRange: true }); // the budget line goes back to what is shown
      place("failure").append(` (Below is still the answer to: ${titleOf(state.answer.result)}.)`);
      return;
    }
    state.body = body;
    await complete(answer, { keepRange });
  }

  /** The front that a job finds; meanwhile its progress is shown, and another question may be asked. */
  async function follow(begun, mine) {
    const holder = place("underway");
    form.busy(false);
    const job = await watch(begun, (news) => {
      if (mine !== state.asked) return;
      fill(holder, `This takes longer: job ${begun.id.slice(0, 8)}, ${begun.title}: `, progressOf(news));
      holder.hidden = false;
    });
    if (mine !== state.asked) return null;
    holder.hidden = true;
    if (job.state !== "done") throw new Refusal(job.error?.detail ?? `the job was ${job.state}`, 0);
    return get(`/v1/jobs/${job.id}/result`);
  }

  async function complete(found, options) {
    const result = numbered(found);
    const cell = lists.cells[result.space] ?? null;
    show({ result, candidates: stale(state.answer, result), cell, drawings: {}, predicted: {} }, options);
    const answer = state.answer;
    if (result.fronts[0].method !== "exhaustive") return; // what a search did not look at has no dots
    const columns = await attempt(() => get(`/v1/fronts/${result.id}/candidates?most=${MOST_DOTS}`));
    if (columns && state.answer === answer) {
      answer.candidates = columns;
      chart.show(answer, { keepRange: options.keepRange && place("picture").dataset.shown === "yes" });
      place("picture").dataset.shown = "yes";
      if (state.index !== null) showNetwork(place("network"), answer, state.index, actionsFor(answer, state.index));
    }
  }

  function show(answer, options = {}) {
    const same = state.answer && titleAxes(state.answer.result) === titleAxes(answer.result);
    state.answer = answer;
    const { result } = answer;
    place("answer").hidden = false;
    place("answer-actions").hidden = false;
    fill(place("title"), titleOf(result));
    document.title = `${titleOf(result)} – hwnas`;
    place("answer").dataset.id = result.id;
    if (!place("fronts").hidden) history.replaceState(null, "", `#fronts/${result.id}`);
    chart.show(answer, { keepRange: Boolean(options.keepRange && same) });
    showLists(place("lists"), result, select);
    showComparison(place("comparison"), result);
    place("comparison").hidden = !place("comparison").hasChildNodes();
    showSources(place("sources"), result);
    const first = same && state.index !== null ? state.index : firstNetwork(result);
    if (first !== null) select(first);
    else showNoNetwork(place("network"));
    say(
      `${titleOf(result)}: ${result.fronts.map((front) => `${front.name} ${front.nets.length} networks`).join(", ")}`,
    );
  }

  /** Show a network; what only the server knows (layers, intervals of nets outside the lists) follows. */
  async function select(index) {
    state.index = index;
    const { answer } = state;
    chart.select(index);
    for (const row of document.querySelectorAll("tr[data-index]"))
      row.classList.toggle("chosen", row.dataset.index === String(index));
    showNetwork(place("network"), answer, index, actionsFor(answer, index));
    if (answer.drawings[index]) return;
    const found = await attempt(() => get(`/v1/networks?${networkAddress(answer.result, index)}`));
    if (!found) return;
    answer.drawings[index] = found.drawing;
    await predictUnlisted(answer, index, found.arch);
    if (state.answer === answer && state.index === index)
      showNetwork(place("network"), answer, index, actionsFor(answer, index));
  }

  /** Costs with intervals of a network that no list has; where they are not to be had, the dots' own stay. */
  async function predictUnlisted(answer, index, arch) {
    const { result } = answer;
    if (result.fronts.some((front) => front.nets.some((net) => net.index === index))) return;
    const question = { architectures: [arch], device: result.device, space: result.space, dataset: result.dataset };
    const costs = await post("/v1/predict", question).then(
      ({ value }) => value.nets[0].costs,
      () => null,
    );
    if (costs) answer.predicted[index] = costs;
  }

  function actionsFor(answer, index) {
    const address = `/v1/networks/onnx?${networkAddress(answer.result, index)}`;
    const fetchModel = () => attempt(() => download(address, `${answer.result.space}-${index}.onnx`));
    return [element("button", { type: "button", class: "quiet", id: "onnx", onclick: fetchModel }, "Download as ONNX")];
  }

  function changeBudget(value) {
    const objective = state.answer.result.objectives[0];
    if (!form.setBudget(objective, value)) return;
    ask(form.read(), { keepRange: true });
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => kept.redraw());
  if (!id) return ask(form.read());
  const known = await attempt(() => get(`/v1/fronts/${encodeURIComponent(id)}`));
  if (known) {
    form.show(bodyOf(known));
    return complete(known, {});
  }
  // Of another time: what the server says of it stays, and a press on the button asks again.
  const asked = questionOf(id);
  if (!asked) return undefined;
  form.show(asked);
  return place("failure").append(". “Show the front” asks the question of this address again.");
}

/** Dots of the answer before, while those of the new one are on their way: only what is within budget differs. */
function stale(before, result) {
  return before && titleAxes(before.result) === titleAxes(result) ? before.candidates : null;
}

function titleAxes(result) {
  return JSON.stringify([
    result.space,
    result.dataset,
    result.device,
    result.objectives.map((objective) => objective.id),
    result.objectives.map((objective) => objective.source),
    result.fronts.map((front) => front.name),
  ]);
}

function networkAddress(result, index) {
  return new URLSearchParams({ space: result.space, arch: String(index), dataset: result.dataset }).toString();
}
