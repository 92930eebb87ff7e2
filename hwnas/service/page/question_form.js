// The question: space, device, data set, budgets, proxies. Its value is the body of POST /v1/pareto.

import { element, fill } from "./elements.js";
import { makeFurtherCosts } from "./further_costs.js";
import { FIRST } from "./questions.js";

/**
 * Fill `form` from lists of the server. onAsk(body) is told what is asked.
 * Returns {read(), show(body), busy(on), setBudget(objective, value)}.
 */
export function makeQuestionForm(form, { devices, spaces, proxies }, onAsk) {
  const fields = {
    space: choice(
      "space",
      spaces.map((space) => [space.name, space.name]),
    ),
    device: choice("device", []),
    dataset: choice("dataset", []),
    budget_mj: numberField("budget_mj"),
    budget_ms: numberField("budget_ms"),
    nets: element("input", { name: "nets", type: "number", min: 1, max: 500, step: 1, value: 20 }),
    confidence: choice("confidence", [
      ["", "the best estimate"],
      ["0.8", "eight nets in ten"],
      ["0.9", "nine nets in ten"],
      ["0.95", "19 nets in 20"],
    ]),
    source: choice("source", [
      ["auto", "measured where known"],
      ["measured", "measured"],
      ["predicted", "predicted"],
    ]),
    method: choice("method", [
      ["auto", "looking at all, or a search"],
      ["exhaustive", "looking at all"],
      ["nsga2", "NSGA-II"],
      ["evolution", "ageing evolution"],
      ["random", "random search"],
    ]),
    evaluations: element("input", { name: "evaluations", type: "number", min: 1, max: 20000, step: 1, value: 1000 }),
    seed: element("input", { name: "seed", type: "number", min: 0, step: 1, value: 0 }),
    raw: element("input", { name: "raw", type: "checkbox" }),
  };
  const further = makeFurtherCosts(devices.flatMap((device) => device.variants));
  const checks = proxies
    .filter((proxy) => !proxy.baseline)
    .sort((a, b) => rank(a) - rank(b))
    .map((proxy) =>
      element(
        "label",
        { class: "check", title: proxy.title },
        element("input", { type: "checkbox", name: "proxies", value: proxy.name }),
        proxy.name,
      ),
    );
  const button = element("button", { class: "main", type: "submit" }, "Show the front");
  const [aboutSpace, aboutDevice, aboutProxies] = [0, 1, 2].map(() => element("p", { class: "about" }));
  fill(
    form,
    element("div", {}, labelled("Search space", fields.space), aboutSpace),
    element("div", {}, labelled("Device", fields.device), aboutDevice),
    labelled("Data set", fields.dataset),
    element(
      "div",
      { class: "pair" },
      withUnit("Energy ≤", fields.budget_mj, "mJ"),
      withUnit("Latency ≤", fields.budget_ms, "ms"),
    ),
    element(
      "fieldset",
      {},
      element("legend", {}, "Accuracy judged by (proxies)"),
      element("div", { class: "checks" }, checks),
      aboutProxies,
    ),
    element(
      "details",
      { class: "more" },
      element("summary", {}, "More"),
      element(
        "div",
        {},
        further.node,
        labelled("Networks in a list", fields.nets),
        labelled("Budgets hold for", fields.confidence),
        labelled("Costs", fields.source),
        labelled("Found by", fields.method),
        labelled("Networks in a search", fields.evaluations),
        labelled("Seed of ties", fields.seed),
        element("label", { class: "check" }, fields.raw, "Architecture by architecture"),
      ),
    ),
    button,
  );

  function matchChoices() {
    const space = spaces.find((one) => one.name === fields.space.value);
    const kept = fields.dataset.value;
    fill(
      fields.dataset,
      space.datasets.map((name) => element("option", { value: name }, name)),
    );
    if (space.datasets.includes(kept)) fields.dataset.value = kept;
    groupDevices(space);
    const device = devices.find((one) => one.variants.includes(fields.device.value));
    fields.budget_mj.disabled = !(device?.targets ?? []).includes("energy");
    fields.budget_mj.placeholder = fields.budget_mj.disabled ? "–" : "";
    fields.budget_mj.title = fields.budget_mj.disabled ? "The energy of this device was not measured." : "";
    if (fields.budget_mj.disabled) fields.budget_mj.value = "";
    fill(aboutSpace, space.title.split(": ").at(-1));
    fill(
      aboutProxies,
      space.enumerable
        ? "None ticked: auto, where it is scored."
        : "None ticked: FLOPs, at once. Others are computed for each network that a search comes to, seconds each.",
    );
    fill(aboutDevice, device ? `${device.title}; ${whatIsKnown(device, space)}` : "");
  }

  /** Devices of which something is known in the space come first; which one is chosen stays. */
  function groupDevices(space) {
    const chosen = fields.device.value;
    const here = devices.filter((device) => device.spaces.includes(space.name));
    const others = devices.filter((device) => !here.includes(device));
    fill(fields.device, deviceGroup(`known in ${space.name}`, here), deviceGroup("not measured there", others));
    setValue(fields.device, chosen);
  }

  function read() {
    const chosen = [...form.querySelectorAll("input[name=proxies]:checked")].map((box) => box.value);
    return {
      device: fields.device.value,
      space: fields.space.value,
      dataset: fields.dataset.value,
      budget_mj: numberOf(fields.budget_mj),
      budget_ms: numberOf(fields.budget_ms),
      proxies: chosen.length ? chosen : null,
      objectives: further.read(),
      nets: numberOf(fields.nets) ?? 20,
      confidence: numberOf(fields.confidence),
      source: fields.source.value,
      method: fields.method.value,
      evaluations: numberOf(fields.evaluations) ?? 1000,
      raw: fields.raw.checked,
      seed: numberOf(fields.seed) ?? 0,
    };
  }

  /** Show a question; what it does not say stays, and a name that no list has is left out. */
  function show(body) {
    for (const [name, field] of Object.entries(fields)) {
      if (name !== "raw" && name in body) setValue(field, String(body[name] ?? ""));
      if (name === "space" || name === "device") matchChoices();
    }
    fields.raw.checked = body.raw === true;
    further.show(body.objectives ?? []);
    tick(body.proxies ?? []);
  }

  function tick(names) {
    for (const box of form.querySelectorAll("input[name=proxies]")) box.checked = names.includes(box.value);
  }

  form.addEventListener("change", (event) => {
    if ([fields.space, fields.device].includes(event.target)) matchChoices();
    const space = spaces.find((one) => one.name === fields.space.value);
    // Nobody ticked here what would now be computed for hours.
    if (event.target === fields.space && !space.enumerable) tick([]);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onAsk(read());
  });
  show(FIRST);
  return {
    read,
    show,
    busy(on) {
      button.disabled = on;
    },
    /** Set the budget of an objective such as energy_mj or latency_ms.DEVICE; whether the form has it. */
    setBudget(objective, value) {
      if (further.setBound(objective.id, value)) return true;
      const [name, ...device] = objective.id.split(".");
      const field = { energy_mj: fields.budget_mj, latency_ms: fields.budget_ms }[name];
      if (!field || !["", fields.device.value].includes(device.join("."))) return false;
      field.value = String(value);
      return true;
    },
  };
}

function deviceGroup(label, devices) {
  const options = devices.flatMap((device) => device.variants.map((name) => element("option", { value: name }, name)));
  return options.length ? element("optgroup", { label }, options) : null;
}

function whatIsKnown(device, space) {
  if (!device.targets.length) return "predicted kernel by kernel";
  if (!device.spaces.includes(space.name)) return `not measured in ${space.name}`;
  return `${device.targets.join(" and ")} known${device.adapted ? `, ${device.adapted}` : ""}`;
}

/** Combinations first, then as the server lists them. */
function rank(proxy) {
  return proxy.kind === "combination" ? 0 : 1;
}

/** A list to choose from: [[value, text]]. */
export function choice(name, options) {
  return element(
    "select",
    { name },
    options.map(([value, text]) => element("option", { value }, text)),
  );
}

function setValue(field, value) {
  const known = field.tagName !== "SELECT" || [...field.options].some((option) => option.value === value);
  if (known) field.value = value;
}

function numberField(name) {
  return element("input", { name, type: "number", min: 0, step: "any", inputmode: "decimal" });
}

/** A field under its name. */
export function labelled(text, field) {
  return element("label", {}, text, field);
}

function withUnit(text, field, unit) {
  return element("label", { class: "with-unit" }, text, field, element("span", {}, unit));
}

function numberOf(field) {
  return field.value === "" ? null : Number(field.value);
}
