// The part "Your model": an ONNX file, its costs on a device, kernel by kernel.

import { element, facts, fill, table } from "./elements.js";
import { has, rounded } from "./numbers.js";
import { labelled } from "./question_form.js";
import { get, post, Refusal } from "./server.js";

const place = (id) => document.getElementById(id);

/** Start the part. watch(job) resolves with a job that has ended. */
export function startModel({ devices }, watch) {
  const form = place("model-form");
  const file = element("input", { type: "file", name: "model", accept: ".onnx", required: true });
  const device = element(
    "select",
    { name: "device" },
    devices.flatMap((one) => one.variants).map((name) => element("option", {}, name)),
  );
  const button = element("button", { class: "main", type: "submit" }, "Predict");
  fill(
    form,
    element(
      "p",
      { class: "note full" },
      "The file is read by a process of its own with limits on memory and time; its weights are not looked at.",
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
      let { status, value } = await post("/v1/predict/onnx", new FormData(form));
      if (status === 202) {
        const job = await watch(value);
        if (job.state !== "done") throw new Refusal(job.error?.detail ?? `the job was ${job.state}`, 0);
        value = await get(`/v1/jobs/${job.id}/result`);
      }
      showKernels(place("kernels"), value);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      fill(place("kernels"), element("p", { class: "failure", role: "alert" }, error.message));
    } finally {
      button.disabled = false;
    }
  });
}

/** Any answer: its single values as facts, each of its lists of records as a table. */
function showKernels(card, result) {
  const single = Object.entries(result).filter(
    ([, value]) => typeof value !== "object" && !["schema_version", "hwnas_version"].includes(value),
  );
  const lists = Object.entries(result).filter(
    ([, value]) => Array.isArray(value) && value.length && typeof value[0] === "object",
  );
  const said = Object.entries(result).filter(([, value]) => Array.isArray(value) && typeof value[0] === "string");
  const records = Object.entries(result).filter(
    ([, value]) => value && typeof value === "object" && !Array.isArray(value),
  );
  fill(
    card,
    element("h2", {}, "Costs of the model"),
    facts(
      [...single, ...records.map(([name, value]) => [name, costText(value)])].map(([name, value]) => [
        words(name),
        cellText(value),
      ]),
    ),
    lists.map(([name, rows]) => [element("h3", {}, words(name)), recordTable(words(name), rows)]),
    said.map(([name, lines]) => [
      element("h3", {}, words(name)),
      element(
        "ul",
        { class: "sources" },
        lines.map((line) => element("li", {}, line)),
      ),
    ]),
  );
}

function recordTable(caption, rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const numeric = names.map((name) =>
    rows.every((row) => !has(row[name]) || typeof row[name] === "number" || has(row[name]?.mean)),
  );
  return table(
    caption,
    names.map((name, i) => ({ name: words(name), numeric: numeric[i] })),
    rows.map((row) => ({ cells: names.map((name) => cellText(costText(row[name]))) })),
  );
}

function costText(value) {
  if (!value || typeof value !== "object" || Array.isArray(value)) return value;
  if (has(value.mean))
    return has(value.lower)
      ? `${rounded(value.mean)} [${rounded(value.lower, 3)}, ${rounded(value.upper, 3)}]`
      : value.mean;
  return Object.entries(value)
    .map(([name, part]) => `${words(name)} ${cellText(costText(part))}`)
    .join("; ");
}

function cellText(value) {
  if (!has(value)) return "–";
  if (Array.isArray(value)) return value.join(" × ");
  return typeof value === "number" && !Number.isInteger(value) ? rounded(value) : String(value);
}

function words(name) {
  return name.replaceAll("_", " ");
}
