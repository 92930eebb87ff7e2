// One architecture: drawn, with its costs and where they come from, its scores, and in which fronts it is listed.

import { cellOf, cellPicture, layerList } from "./cell_picture.js";
import { element, facts, fill, table } from "./elements.js";
import { netAt } from "./front_points.js";
import { costColumn, costName, fixed, has, rounded, unitOf } from "./numbers.js";

/**
 * Show the architecture `index` in `panel`.
 * data: {result, candidates, cell, drawings, predicted: costs of nets outside the lists}.
 * actions: elements to put below, such as a download.
 */
export function showNetwork(panel, data, index, actions = []) {
  const found = netAt(data, index);
  const drawing = data.drawings?.[index] ?? null;
  const cell = drawing?.cell ?? (data.cell ? cellOf(index, data.cell) : null);
  const unlisted = found.listed.length === 0 && !data.predicted?.[index];
  fill(
    panel,
    element("h2", { tabindex: -1 }, Number.isInteger(index) ? `Network ${index}` : "Network"),
    cell ? cellPicture(cell) : null,
    element("p", { class: "arch" }, found.net?.arch ?? drawing?.arch ?? (cell ? benchmarkString(cell) : "")),
    table(
      "costs of one inference",
      [{ name: "cost" }, { name: "value", numeric: true }, { name: "unit" }],
      costRows(found),
    ),
    unlisted ? element("p", { class: "note" }, "Not in a list: best estimates, without intervals.") : null,
    facts([
      ["true accuracy", has(found.accuracy) ? `${fixed(found.accuracy, 2)} %` : "not known"],
      ["budget", found.feasible === null ? null : found.feasible ? "kept" : "broken"],
      ["benchmark index", found.net?.benchmark_index],
      ["in the lists of", found.listed.join(", ")],
      ...found.scores.map(([name, score]) => [
        `score by ${name}`,
        has(score) ? rounded(score) : "none: minus infinity, or not scored",
      ]),
    ]),
    drawing?.blocks.length ? layerList(drawing.blocks) : null,
    drawing?.reason ? element("p", { class: "note" }, drawing.reason) : null,
    sources(data.result),
    actions.length ? element("div", { class: "actions" }, actions) : null,
  );
}

/** The network to show first: of the first list the one with the most accuracy, or else with the best score. */
export function firstNetwork(result) {
  const nets = result.fronts[0].nets;
  const height = (net) => net.accuracy_percent ?? net.score ?? -Infinity;
  return nets.length ? nets.reduce((best, net) => (height(net) > height(best) ? net : best)).index : null;
}

/** What stands there before anything was chosen. */
export function showNoNetwork(panel) {
  fill(
    panel,
    element("h2", {}, "No network chosen"),
    element(
      "p",
      { class: "note" },
      "Choose a point of the picture or a row of the list: the network is drawn here, with its costs, their sources ",
      "and its scores.",
    ),
  );
}

function costRows(found) {
  return found.costs.map(({ objective, cost }) => {
    const [text] = costColumn([cost]);
    return { cells: [costName(objective), text, unitOf(objective)] };
  });
}

function sources(result) {
  const objectives = [...result.objectives, ...result.other_costs];
  const lines = [...new Set(objectives.map((objective) => objective.source))].map((source) => {
    const names = objectives.filter((objective) => objective.source === source).map(costName);
    return `${names.join(", ")}: ${source}`;
  });
  return element(
    "ul",
    { class: "sources" },
    lines.map((line) => element("li", {}, line)),
  );
}

/** The benchmark's own string of a cell: operations by the node that they lead to. */
function benchmarkString(cell) {
  const nodes = new Map();
  cell.edges.forEach(([start, end], i) => nodes.set(end, `${nodes.get(end) ?? "|"}${cell.operations[i]}~${start}|`));
  return [...nodes.values()].join("+");
}
