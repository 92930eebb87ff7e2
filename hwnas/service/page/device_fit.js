// How well the model of a new device fits its measurements: figures, and predicted against measured latency.

/* global Plotly */
import { element, facts, fill, table } from "./elements.js";
import { has, rounded } from "./numbers.js";
import { pageWords } from "./page_words.js";
import { chartLayout, colour } from "./plot_style.js";
import { post, Refusal } from "./server.js";

const MS = { ms: 1, us: 1e-3, s: 1e3 };
const MOST_DRAWN = 1000; // networks of a question to /v1/predict

/** What was measured, as far as the page can read texts of files: [{arch, latency}] in ms. The server reads them by
 * itself. */
export function readMeasurements(texts, unit) {
  const found = [];
  for (const text of texts) {
    const [head, ...lines] = text.trim().split(/\r?\n/).map(cells);
    const names = head.map((name) => name.toLowerCase());
    const named = Object.keys(MS).find((one) => names.includes(`latency_${one}`));
    const [arch, latency] = ["architecture", named ? `latency_${named}` : "latency"].map((name) => names.indexOf(name));
    if (arch < 0 || latency < 0) continue;
    for (const line of lines)
      if (line[arch] && Number(line[latency]) > 0)
        found.push({ arch: line[arch], latency: Number(line[latency]) * MS[named ?? unit] });
  }
  return found.slice(0, MOST_DRAWN);
}

/** The cells of a line of CSV; a comma inside quotes is text. */
function cells(line) {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare]) =>
    (quoted ?? bare).replaceAll('""', '"').trim(),
  );
}

/** Show what `POST /v1/adapt` answered, and the picture where the measurements could be read. files: as uploaded. */
export async function showFit(card, result, { measured, files = [] }) {
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
  const notes = result.notes.filter((note) => !result.doubts.includes(note));
  card.dataset.device = result.device.split("@")[0];
  fill(
    card,
    element("h2", {}, `${result.device}: how well the model fits`),
    doubtsOf(result),
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
        ["repeat error of the measurements", repeatError(result)],
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
      [...result.energy.suspects.map(oddPower), ...notes].map((note) => element("li", {}, pageWords(note, files))),
    ),
  );
  card.hidden = false;
  const lacks = "The picture of measured against predicted latencies needs a table (CSV).";
  try {
    if (measured.length) await drawFit(node, result, measured);
    else fill(node, element("p", { class: "note" }, lacks));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    fill(node, element("p", { class: "note" }, `There is no picture: ${error.message}`)); // the device is there
  }
}

/** Why the model is no basis for choosing networks, before its figures; nothing where nothing says so. */
function doubtsOf(result) {
  if (!result.doubts.length) return null;
  return element(
    "div",
    { class: "warning", role: "group", "aria-label": "Doubts" },
    element("h3", {}, `In doubt: do not choose networks by ${result.device} yet`),
    element(
      "ul",
      {},
      result.doubts.map((doubt) => element("li", {}, pageWords(doubt))),
    ),
  );
}

/** How much rounds of one network differ, and of how many networks that is known where it is not all. */
function repeatError({ repeat_error_percent: percent, repeat_error_nets: several, nets }) {
  if (!has(percent)) return null;
  const whose = several < nets ? `, of the ${several} of ${nets} networks with several rounds` : "";
  return `${rounded(percent, 3)} %${whose}`;
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
