// An answer as tables: the nets of a front, what each front finds of the true one, where the numbers come from.

import { element, fill, table } from "./elements.js";
import { frontName, isTrue } from "./front_points.js";
import { column, costColumn, costName, fixed, has, unitOf, written } from "./numbers.js";

/** The lists of all fronts, one at a time, chosen by tabs. onSelect(index) is told of a row that was chosen. */
export function showLists(holder, result, onSelect) {
  const tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "List of" });
  const body = element("div", { role: "tabpanel", "aria-label": "Networks of the list" });
  const buttons = result.fronts.map((front, number) =>
    element("button", { type: "button", role: "tab", onclick: () => choose(number) }, frontName(front)),
  );
  function choose(number) {
    buttons.forEach((button, other) => {
      button.setAttribute("aria-selected", String(other === number));
      button.tabIndex = other === number ? 0 : -1;
    });
    fill(body, netTable(result, result.fronts[number], onSelect));
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  });
  fill(tabs, buttons);
  fill(holder, element("h2", {}, "Networks"), tabs, body);
  choose(0);
}

function netTable(result, front, onSelect) {
  const costs = [...result.objectives, ...result.other_costs];
  const scored = front.nets.some((net) => has(net.score));
  const judged = front.nets.some((net) => has(net.accuracy_percent));
  const columns = [
    { name: "rank", numeric: true },
    { name: "network", numeric: true },
    ...costs.map((cost) => ({ name: costName(cost), unit: unitOf(cost), numeric: true })),
    ...(scored ? [{ name: `score by ${front.name}`, numeric: true }] : []),
    ...(judged ? [{ name: "true accuracy", unit: "%", numeric: true }] : []),
    { name: "architecture" },
  ];
  const cost = costs.map(({ id }) => costColumn(front.nets.map((net) => net.costs[id])));
  const scores = column(front.nets.map((net) => net.score));
  const rows = front.nets.map((net, row) => ({
    properties: { "data-index": net.index, onclick: () => onSelect(net.index) },
    cells: [
      String(net.rank),
      pick(net, row, onSelect),
      ...cost.map((cells) => cells[row]),
      ...(scored ? [scores[row]] : []),
      ...(judged ? [fixed(net.accuracy_percent, 2)] : []),
      element("code", {}, net.arch),
    ],
  }));
  if (rows.length) return table(frontName(front), columns, rows, { class: "nets" });
  const among = isTrue(front) || front.method === "exhaustive" ? "" : " that the search looked at";
  const which = among ? "" : " by the costs that judge";
  return element("p", { class: "note" }, `No network: none${among} keeps the budget${which}.`);
}

/** A button with the number of a network; without one, that of its row. */
function pick(net, row, onSelect) {
  const press = (event) => {
    event.stopPropagation();
    onSelect(net.index);
  };
  return element(
    "button",
    { type: "button", class: "link", onclick: press, "aria-label": `Show network ${net.index}` },
    Number.isInteger(net.index) ? String(net.index) : `${row + 1}.`,
  );
}

/** What each front finds of the true one; nothing where there is none to compare with. */
export function showComparison(holder, result) {
  const judge = result.fronts.find(isTrue);
  if (!judge) return fill(holder);
  const broken = result.fronts.some((front) => front.comparison.infeasible);
  const columns = [
    { name: "front" },
    { name: "networks", numeric: true },
    { name: "relative hypervolume", numeric: true },
    { name: "IGD+", numeric: true },
    { name: "accuracy lost", unit: "points", numeric: true },
    { name: "best listed", unit: "%", numeric: true },
    ...(broken ? [{ name: "over budget", unit: "nets", numeric: true }] : []),
  ];
  const rows = result.fronts.map((front) => {
    const found = front.comparison;
    const best = Math.max(...front.nets.map((net) => net.accuracy_percent ?? -Infinity));
    return {
      cells: [
        frontName(front),
        String(found.k),
        fixed(found.relative_hypervolume, 3),
        fixed(found.igd_plus, 3),
        fixed(found.accuracy_lost_points, 2),
        fixed(best > -Infinity ? best : null, 2),
        ...(broken ? [fixed(found.infeasible, 1)] : []),
      ],
    };
  });
  const what = judge.role === "truth" ? "true front" : "reference front (predicted cost)";
  return fill(
    holder,
    element("h2", {}, `Compared with the ${what}`),
    table("comparison", columns, rows, { class: "narrow" }),
  );
}

/** Why figures are null, where each number comes from, and what else a careful reader should know. */
export function showSources(holder, result) {
  const costs = [...result.objectives, ...result.other_costs];
  const lines = [];
  for (const source of new Set(costs.map((cost) => cost.source))) {
    lines.push([
      costs
        .filter((cost) => cost.source === source)
        .map(costName)
        .join(", "),
      source,
    ]);
  }
  if (
    result.fronts.some((front) => front.nets.some((net) => Object.values(net.costs).some((cost) => has(cost.lower))))
  ) {
    lines.push(["[lower, upper]", `${Math.round(100 * result.interval_level)} % intervals`]);
  }
  for (const front of result.fronts) if (!isTrue(front)) lines.push([front.name, front.source]);
  lines.push(["accuracy", result.accuracy_source]);
  const point = Object.entries(result.reference_point).map(([id, value]) => {
    const cost = costs.find((one) => one.id === id) ?? { id, unit: "%" };
    const name = id === "accuracy_percent" ? "accuracy" : costName(cost);
    return `${name} ${written(value)} ${name === cost.unit ? "" : cost.unit}`.trim();
  });
  if (point.length) lines.push(["reference point", point.join(", ")]);
  const reasons = new Set(
    result.fronts
      .filter((front) => !isTrue(front))
      .map((front) => front.comparison.reason_if_null)
      .filter(has),
  );
  for (const reason of reasons) lines.push(["not compared", reason]);
  for (const said of result.notes) lines.push(["note", said]);
  return fill(
    holder,
    element("h2", {}, "Sources and notes"),
    element(
      "dl",
      { class: "lines" },
      lines.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))),
    ),
  );
}
