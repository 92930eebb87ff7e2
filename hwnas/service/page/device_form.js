// The form of a new device: its value is the body of POST /v1/adapt, without what was left open.

import { element, fill } from "./elements.js";
import { FIELDS, TAKEN } from "./page_words.js";
import { choice, labelled } from "./question_form.js";

const AS_IN_FILE = ["", "as the file says"];
const KINDS = ["gpu", "edge-gpu", "cpu", "single-board", "phone", "edge-tpu", "asic-simulator", "fpga", "npu", "mcu"];
const SPACES = ["nasbench201", "fbnet", "ofa"]; // of which measurements of other devices taught something

/** Fill `form`. Returns {body(), files(), unit(), busy(on), unfold(message)}. */
export function makeDeviceForm(form, { spaces }) {
  const name = element("input", {
    name: "name",
    required: true,
    maxlength: 60,
    pattern: "[a-z0-9]+([.\\-][a-z0-9]+)*",
    placeholder: "my-board",
    title: "small letters and digits, in words joined by - or .",
  });
  const space = choice(
    "space",
    SPACES.filter((one) => spaces.some((known) => known.name === one)).map((one) => [one, one]),
  );
  const dataset = element("select", { name: "dataset" });
  const files = element("input", {
    name: "measurements",
    type: "file",
    multiple: true,
    required: true,
    accept: ".csv,.json,text/csv,application/json",
  });
  const unit = choice("unit", [AS_IN_FILE, ["ms", "ms"], ["us", "µs"], ["s", "s"]]);
  const energyUnit = choice("energy_unit", [AS_IN_FILE, ["mJ", "mJ"], ["uJ", "µJ"], ["J", "J"]]);
  const taken = choice("taken", [["", "say so"], ...Object.entries(TAKEN)]);
  const power = element("input", { name: "power_w", type: "number", min: 0, step: "any", placeholder: "not known" });
  const batch = element("input", {
    name: "batch_size",
    type: "number",
    min: 1,
    step: 1,
    placeholder: "as the file says",
  });
  const method = choice("method", [
    ["", "the best for the space"],
    ["latent", "latent few-shot model"],
    ["meta", "meta-learned graph network"],
    ["alone", "alone: these measurements only"],
  ]);
  const title = element("input", { name: "title", maxlength: 100, placeholder: "as the file says" });
  const kind = choice("kind", [["", "not stated"], ...KINDS.map((one) => [one, one])]);
  const button = element("button", { class: "main", type: "submit" }, "Add the device");
  const more = element(
    "details",
    { class: "more full" },
    element("summary", {}, "More: unit of energies, power, a name that is taken, what the device is"),
    element(
      "div",
      { class: "form" },
      labelled(FIELDS.energy_unit, energyUnit),
      labelled(FIELDS.power_w, power),
      labelled(FIELDS.batch_size, batch),
      labelled(FIELDS.taken, taken),
      labelled(FIELDS.method, method),
      labelled("What it is called in lists", title),
      labelled("Kind of device", kind),
    ),
  );
  const match = () =>
    fill(
      dataset,
      spaces.find((one) => one.name === space.value).datasets.map((one) => element("option", {}, one)),
    );
  space.addEventListener("change", match);
  match();
  fill(
    form,
    element(
      "p",
      { class: "note full" },
      "About ten measured networks are enough. Upload the results.json of hwnas measure, or a table with the columns ",
      "architecture, latency_ms (or latency_s, latency_us) and, where measured, energy_mj (or energy_j, energy_uj).",
    ),
    labelled(FIELDS.name, name),
    labelled("Search space", space),
    labelled("Data set", dataset),
    labelled("Measurements", files),
    labelled(FIELDS.unit, unit),
    more,
    button,
  );
  const folded = [...more.querySelectorAll("label")].map((label) => label.firstChild.textContent);

  return {
    /** The fields that were filled in: an empty one is left to the file, and to the checks of the server. */
    body() {
      const body = new FormData(form);
      const mode = body.get("taken");
      body.delete("taken");
      for (const [field, value] of [...body]) if (value === "") body.delete(field);
      if (mode) body.set(mode, "true");
      return body;
    },
    files: () => [...files.files],
    unit: () => unit.value || "ms",
    busy(on) {
      button.disabled = on;
    },
    /** Show the folded fields where a message names one of them. */
    unfold(message) {
      if (folded.some((field) => message.includes(`“${field}`))) more.open = true;
    },
  };
}
