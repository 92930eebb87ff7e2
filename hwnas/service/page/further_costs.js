// Further costs of a question beside its budgets: which, of which device, at most how much. Its value are the words
// of `--objective`, such as "params=2e6" or "latency_ms.raspi4".

import { element, fill } from "./elements.js";

const MOST = 8;
const COSTS = [
  ["params", "parameters"],
  ["macs", "MACs"],
  ["flops", "FLOPs"],
  ["peak_memory_bytes", "peak memory in bytes"],
  ["latency_ms", "latency in ms"],
  ["energy_mj", "energy in mJ"],
];
const WORD = /^([^.=]+)(?:\.([^=]+))?(?:=(.*))?$/;

/** Rows for costs; devices: whose latency and energy may be asked. Returns {node, read(), show(words), setBound()}. */
export function makeFurtherCosts(devices) {
  const list = element("div", { class: "further" });
  const more = element("button", { type: "button", class: "quiet", onclick: () => add().cost.focus() }, "Add a cost");
  let rows = [];

  function add() {
    const row = makeRow(devices, () => {
      rows = rows.filter((one) => one !== row);
      redraw();
      more.focus();
    });
    rows.push(row);
    redraw();
    return row;
  }

  function redraw() {
    fill(
      list,
      rows.map((row) => row.node),
    );
    more.disabled = rows.length >= MOST;
  }

  return {
    node: element("fieldset", {}, element("legend", {}, "Further costs"), list, more),
    read: () => rows.map((row) => row.read()),
    show(words) {
      rows = [];
      redraw();
      for (const word of words) add().show(word);
    },
    /** Set the bound of the cost that an answer calls `id`; whether there is a row of it. */
    setBound(id, value) {
      const row = rows.find((one) => one.read().split("=")[0] === id);
      if (row) row.bound.value = String(value);
      return row !== undefined;
    },
  };
}

function makeRow(devices, onRemove) {
  const options = (pairs) => pairs.map(([value, text]) => element("option", { value }, text));
  const cost = element("select", { "aria-label": "Further cost", name: "cost" }, options(COSTS));
  const named = [["", "this device"], ...devices.map((name) => [name, name])];
  const device = element("select", { "aria-label": "Of which device", name: "cost_device" }, options(named));
  const bound = element("input", {
    "aria-label": "At most",
    name: "cost_bound",
    placeholder: "≤",
    type: "number",
    min: 0,
    step: "any",
    inputmode: "decimal",
  });
  const remove = element("button", { type: "button", class: "quiet", "aria-label": "Remove this cost" }, "×");
  remove.addEventListener("click", onRemove);
  cost.addEventListener("change", match);
  match();

  function match() {
    device.disabled = !["latency_ms", "energy_mj"].includes(cost.value);
    if (device.disabled) device.value = "";
  }

  return {
    node: element("div", { class: "cost" }, cost, device, bound, remove),
    cost,
    bound,
    read: () => `${cost.value}${device.value && `.${device.value}`}${bound.value && `=${bound.value}`}`,
    show(word) {
      const [, name, of = "", most = ""] = WORD.exec(word) ?? [];
      cost.value = name;
      match();
      device.value = of;
      bound.value = most;
    },
  };
}
