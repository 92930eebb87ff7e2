// The report: one answer with its picture, its lists and its sources, in a file of its own.

import { showComparison, showLists, showSources } from "./answer_tables.js";
import { element, fill } from "./elements.js";
import { makeFrontChart } from "./front_chart.js";
import { axesOf, numbered, titleOf } from "./front_points.js";
import { firstNetwork, showNetwork, showNoNetwork } from "./network_panel.js";
import { costName } from "./numbers.js";

function showReport(told) {
  const result = numbered(told.result);
  const data = { ...told, result };
  const { objectives } = result;
  const { known, heightName } = axesOf(result);
  const [picture, panel, lists, comparison, sources] = ["section", "aside", "section", "section", "section"].map(
    (tag) => element(tag, { class: "card" }),
  );
  panel.classList.add("panel");
  const chart = makeFrontChart(picture, { onSelect: select });
  for (const card of [lists, sources]) card.classList.add("wide");
  panel.id = "network";
  panel.setAttribute("aria-live", "polite");
  function select(index) {
    chart.select(index);
    showNetwork(panel, data, index);
    for (const row of document.querySelectorAll("tr[data-index]")) {
      row.classList.toggle("chosen", row.dataset.index === String(index));
    }
  }
  fill(
    document.getElementById("report"),
    element(
      "header",
      { class: "head" },
      element("p", { class: "brand" }, "hwnas"),
      element("h1", {}, titleOf(result)),
      element(
        "p",
        { class: "note" },
        `${objectives.length > 1 ? `${objectives.length} costs` : costName(objectives[0])} against `,
        `${known ? "accuracy" : heightName}; `,
        `version ${result.hwnas_version}, seed ${result.seed}`,
      ),
    ),
    element("main", { class: "answer" }, picture, panel, comparison, lists, sources),
  );
  showNoNetwork(panel);
  showLists(lists, result, select);
  showComparison(comparison, result);
  showSources(sources, result);
  comparison.hidden = !comparison.hasChildNodes();
  chart.show(data);
  const first = firstNetwork(result);
  if (first !== null) select(first);
}

showReport(JSON.parse(document.getElementById("data").textContent));
