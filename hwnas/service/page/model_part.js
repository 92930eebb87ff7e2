// The part "Your model": an ONNX file, its costs on a device, kernel by kernel.

import { element, facts, fill, shape, table } from "./elements.js";
import { costColumn, fixed, has, rounded } from "./numbers.js";
import { labelled } from "./question_form.js";
import { all, get, post, Refusal } from "./server.js";

const UNITS = { ms: "ms", mj: "mJ" };
const place = (id) => document.getElementById(id);

/** Start the part. watch(job) resolves with a job that has ended. Devices with a kernel model alone can be asked. */
export function startModel({ devices }, watch) {
  const form = place("model-form");
  const file = element("input", { type: "file", name: "model", accept: ".onnx", required: true });
  const device = element("select", { name: "device" });
  const titles = Object.fromEntries(devices.map((one) => [one.name, one.title]));
  const listed = all("/v1/predict/onnx", "devices").then((found) =>
    fill(
      device,
      found.map(({ name }) => element("option", { title: titles[name] ?? name }, name)),
    ),
  );
  listed.catch(showRefusal);
  const button = element("button", { class: "main", type: "submit" }, "Predict");
  fill(
    form,
    element(
      "p",
      { class: "note full" },
      "The file is read by a process of its own with limits on memory and time. Its weights are not looked at: they ",
      "may be in a file beside it (model.onnx.data), which is not needed. Devices are those that have a kernel model.",
    ),
    labelled("ONNX model", file),
    labelled("Device", device),
    button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    place("kernels").hidden = false;
    fill(place("kernels"), element("p", { class: "note" }, "The model is on its way …"));
    try {
      await listed;
      const { name } = file.files[0];
      let { status, value } = await post("/v1/predict/onnx", new FormData(form));
      if (status === 202) {
        const job = await watch(value);
        if (job.state !== "done") throw new Refusal(job.error?.detail ?? `the job was ${job.state}`, 0);
        value = await get(`/v1/jobs/${job.id}/result`);
      }
      showKernels(place("kernels"), value, name);
    } catch (error) {
      showRefusal(error);
    } finally {
      button.disabled = false;
    }
  });
}

function showRefusal(error) {
  if (!(error instanceof Refusal)) throw error;
  place("kernels").hidden = false;
  fill(place("kernels"), element("p", { class: "failure", role: "alert" }, error.message));
}

/** The costs of network `name` in `card`: totals, what has no model, a row for each kernel, the costliest first. */
export function showKernels(card, result, name = result.model) {
  const costs = Object.keys(result.costs);
  const names = Object.fromEntries(costs.map((id) => [id, id.split("_")]));
  const heading = (id) => ({ name: names[id][0], unit: UNITS[names[id][1]] ?? names[id][1], numeric: true });
  const [first] = costs;
  const columns = [
    { name: "kernel" },
    { name: "operators" },
    { name: "output" },
    { name: "MACs", unit: "million", numeric: true },
    ...costs.map(heading),
    { name: `share of the ${names[first][0]}`, numeric: true },
    { name: "" },
  ];
  const cells = costs.map((id) => costColumn(result.kernels.map((kernel) => kernel.costs[id])));
  const rows = result.kernels.map((kernel, row) => ({
    cells: [
      kernel.kind,
      kernel.operators.join(", "),
      kernel.shape.join(" × "),
      fixed(kernel.macs / 1e6, 2),
      ...cells.map((column) => column[row]),
      shareOf(kernel.shares[first]),
      outsideOf(kernel),
    ],
  }));
  const totals = costs.map((id) => {
    const { name, unit } = heading(id);
    return [name, `${totalText(result, id)} ${unit}`];
  });
  const beside = Object.entries(result.overhead ?? {}).map(([id, value]) => {
    return [`${id.split("_")[0]} beside the kernels`, `${rounded(value, 3)} ${UNITS[id.split("_")[1]]}`];
  });
  fill(
    card,
    element("h2", {}, `${name} on ${result.device}`),
    facts([
      ...totals,
      ...beside,
      ["runtime", result.runtime],
      ["parameters", result.params.toLocaleString("en-US")],
      ["MACs", `${result.macs_lower_bound ? "at least " : ""}${rounded(result.macs / 1e6)} million`],
      ["kernels", String(result.kernels.length)],
    ]),
    result.uncovered.map((kind) => element("p", { class: "failure" }, uncoveredText(kind))),
    table("kernels", columns, rows),
    element(
      "ul",
      { class: "sources" },
      Object.entries(result.sources).map(([id, source]) => element("li", {}, `${id.split("_")[0]}: ${source}`)),
      element("li", {}, `[lower, upper]: ${Math.round(100 * result.interval_level)} % intervals`),
      result.notes.map((note) => element("li", {}, note)),
    ),
  );
}

/** A total with its interval; of a lower bound that it is one. */
function totalText(result, id) {
  const [text] = costColumn([result.costs[id]]);
  const { mean } = result.costs[id];
  return result.lower_bound && has(mean) ? `at least ${rounded(mean, 3)}` : text;
}

/** A share in percent, and a bar of that length. */
function shareOf(percent) {
  if (!has(percent)) return "–";
  const width = Math.max(0, Math.min(100, percent));
  const bar = shape(
    "svg",
    { viewBox: "0 0 100 8", class: "share", "aria-hidden": true },
    shape("rect", { width, height: 8 }),
  );
  return element("span", { class: "shared" }, bar, `${percent.toFixed(1)} %`);
}

function outsideOf(kernel) {
  return kernel.outside > 1
    ? `beyond what was measured: ${kernel.outside_feature} × ${rounded(kernel.outside, 2)}`
    : "";
}

function uncoveredText({ kind, count, macs_percent: macs, bytes_percent: bytes, lack = "no model" }) {
  const kernels = `Not in the total: ${count} kernel${count > 1 ? "s" : ""} of kind ${kind}`;
  if (lack !== "no model") return `${kernels}, ${lack}: how much work that is cannot be told.`;
  const work = `${macs.toFixed(1)} % of the MACs and ${bytes.toFixed(1)} % of the bytes moved`;
  return `${kernels}, which no model knows: ${work}.`;
}
