// How well the model of a new device fits its measurements: figures, and predicted against measured latency.

/* global Plotly */
import { element, facts, fill, table } from "./elements.js";
import { has, rounded } from "./numbers.js";
import { chartLayout, colour } from "./plot_style.js";
import { post } from "./server.js";

/** What was measured, as far as the page can read the files: [{arch, latency}]. The server reads them by itself. */
export async function readMeasurements(files) {
  const found = [];
  for (const file of files) {
    const text = await file.text();
    const [head, ...lines] = text.trim().split(/\r?\n/).map(cells);
    const [arch, latency] = ["architecture", "latency_ms"].map((column) => head.indexOf(column));
    if (arch < 0 || latency < 0) continue;
    for (const line of lines)
      if (line[arch] && Number(line[latency]) > 0) found.push({ arch: line[arch], latency: Number(line[latency]) });
  }
  return found;
}

/** The cells of a line of CSV; a comma inside quotes is text. */
function cells(line) {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare]) =>
    (quoted ?? bare).replaceAll('""', '"').trim(),
  );
}

/** Show what `POST /v1/adapt` answered, and the picture where the measurements could be read. */
export async function showFit(card, result, measured) {
  const node = element("div", { class: "plot", role: "img", "aria-label": "Predicted against measured latency" });
  const of = (figures, name) =>
    figures
      ? [
          [`rank correlation, ${name}`, has(figures.spearman) ? figures.spearman.toFixed(3) : "–"],
          [`median error, ${name}`, `${rounded(figures.median_error_percent, 3)} %`],
          [`within ±10 %, ${name}`, `${rounded(figures.within_10_percent, 3)} %`],
          [
            `inside the 90 % interval, ${name}`,
            has(figures.coverage_percent) ? `${rounded(figures.coverage_percent, 3)} %` : "–",
          ],
        ]
      : [];
  fill(
    card,
    element("h2", {}, `${result.device}: how well the model fits`),
    element(
      "div",
      { class: "charts" },
      facts([
        ["networks measured", String(result.nets)],
        ["learned from known devices", String(result.known_devices || "none")],
        ["model", result.method],
        ...of(result.left_out, "each left out"),
        ...of(result.checked, "held back to check"),
        ["median width of the 90 % interval", `${rounded(result.width_percent, 3)} %`],
        [
          "repeat error of the measurements",
          has(result.repeat_error_percent) ? `${rounded(result.repeat_error_percent, 3)} %` : null,
        ],
        ["energy", energyOf(result.energy)],
      ]),
      element("div", {}, node),
    ),
    result.suspects.length
      ? table(
          "measurements that look wrong",
          [
            { name: "looks wrong" },
            { name: "measured", unit: "ms", numeric: true },
            { name: "expected", unit: "ms", numeric: true },
            { name: "probability", numeric: true },
          ],
          result.suspects.map((one) => ({
            cells: [
              element("code", {}, one.arch),
              rounded(one.measured_ms),
              rounded(one.expected_ms),
              rounded(one.probability, 2),
            ],
          })),
        )
      : null,
    element(
      "ul",
      { class: "sources" },
      [...result.energy.suspects.map(oddPower), ...result.notes].map((note) => element("li", {}, note)),
    ),
  );
  card.hidden = false;
  if (measured.length) await drawFit(node, result, measured);
  else
    fill(
      node,
      element("p", { class: "note" }, "The picture of measured against predicted latencies needs a table (CSV)."),
    );
}

function energyOf(energy) {
  if (energy.source === "not measured") return energy.reason ?? "not measured";
  return energy.power_w ? `${rounded(energy.power_w, 3)} W times the latency (${energy.source})` : energy.source;
}

function oddPower(one) {
  const [energy, power, expected] = [one.energy_mj, one.power_w, one.expected_w].map((value) => rounded(value, 3));
  const seen = `${one.arch} measured ${energy} mJ, a power of ${power} W`;
  return `looks wrong: ${seen} where the others have ${expected} W; left out of the energy`;
}

async function drawFit(node, result, measured) {
  const question = {
    architectures: measured.map((one) => one.arch),
    device: result.device,
    space: result.space,
    dataset: result.dataset,
  };
  const { nets } = (await post("/v1/predict", question)).value;
  const costs = nets.map((net) => net.costs.latency_ms);
  const [tint, muted] = ["series-0", "muted"].map((name) => colour(node, name));
  const known = measured.map((one) => one.latency);
  const ends = [
    Math.min(...known, ...costs.map((cost) => cost.mean)),
    Math.max(...known, ...costs.map((cost) => cost.mean)),
  ];
  const traces = [
    {
      x: ends,
      y: ends,
      mode: "lines",
      line: { color: muted, dash: "dot", width: 1 },
      hoverinfo: "skip",
      type: "scatter",
    },
    {
      x: known,
      y: costs.map((cost) => cost.mean),
      type: "scatter",
      mode: "markers",
      marker: { symbol: "circle-open", size: 8, color: tint, line: { width: 1.6 } },
      error_y: costs.every((cost) => has(cost.upper))
        ? {
            type: "data",
            symmetric: false,
            thickness: 1,
            width: 0,
            color: tint,
            array: costs.map((cost) => cost.upper - cost.mean),
            arrayminus: costs.map((cost) => cost.mean - cost.lower),
          }
        : undefined,
      hovertemplate: "measured %{x:.4g} ms<br>predicted %{y:.4g} ms<extra></extra>",
    },
  ];
  await Plotly.newPlot(node, traces, chartLayout(node, "measured latency (ms)", "predicted, 90 % interval (ms)"), {
    displayModeBar: false,
    responsive: true,
  });
  node.after(
    element(
      "p",
      { class: "note" },
      "The model has seen these networks; the figures with each left out say how well it predicts others.",
    ),
  );
}
