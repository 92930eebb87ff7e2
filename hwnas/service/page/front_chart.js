// The front, interactively: plotly.js for axes and fronts, a canvas for the candidates, a handle for the budget.

/* global Plotly */
import { makeBudgetHandle } from "./budget_handle.js";
import { makeCloud } from "./candidate_cloud.js";
import { element, fill } from "./elements.js";
import {
  axesOf,
  axisTitle,
  cloudOf,
  frontName,
  isTrue,
  pointsOf,
  ranges,
  shownFronts,
  stepsOf,
} from "./front_points.js";
import { costName, has, rounded, written } from "./numbers.js";
import { chartLayout, colour, plain } from "./plot_style.js";

const MARKERS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"];
const BASELINES = { params: "x-thin", flops: "cross-thin", random: "asterisk" };
const QUIET = ["flops", "random"]; // baselines that are shown when they are asked for, or are what nets are judged by
const ROLES = ["proxy", "truth", "reference", "baseline"];
const CONFIG = { displayModeBar: false, doubleClick: "reset", showTips: false };

/** Name of the colour of a front: proxies by number, baselines grey, the truth as the text. */
export function colourOf(result, front) {
  if (isTrue(front)) return "ink";
  const number = result.fronts.filter((other) => other.role === "proxy").indexOf(front);
  return number < 0 ? "baseline" : `series-${number % MARKERS.length}`;
}

/** A chart in `holder`. onSelect(index) is told which network was chosen, onBudget(value) where the line was put. */
export function makeFrontChart(holder, { onSelect, onBudget = null }) {
  const canvas = element("canvas", { class: "cloud", "aria-hidden": true });
  const plot = element("div", { class: "plot" });
  const legend = element("div", { class: "legend", role: "group", "aria-label": "Fronts that are shown" });
  const frame = element("div", { class: "frame" }, canvas, plot);
  fill(holder, frame, legend);
  const cloud = makeCloud(canvas, plot);
  const handle = onBudget ? makeBudgetHandle(frame, plot, onBudget) : null;
  const chart = { data: null, hidden: new Set(QUIET), selected: null, floor: null, right: null };

  function redraw({ keepRange = false } = {}) {
    const { result, candidates } = chart.data;
    const axes = axesOf(result);
    const fronts = shownFronts(result);
    const visible = fronts.filter((front) => !chart.hidden.has(front.name));
    const dots = cloudOf(candidates, axes);
    const kept = keepRange && plot._fullLayout?.xaxis;
    const shown = kept
      ? { x: plot._fullLayout.xaxis.range.slice(), y: plot._fullLayout.yaxis.range.slice() }
      : ranges(result, axes, dots, visible);
    if (!kept) [chart.floor, chart.right] = [shown?.y?.[0] ?? null, shown?.x[1] ?? null];
    const traces = visible.flatMap((front) => tracesOf(plot, result, front, axes, chart.floor));
    const ring = ringOf(plot, chart, axes);
    Plotly.react(plot, ring ? [...traces, ring] : traces, layoutOf(plot, result, axes, shown, !handle), CONFIG);
    cloud.show(dots);
    handle?.place(axes.horizontal);
    drawLegend(legend, chart, fronts, dots, redraw);
  }

  new ResizeObserver(() => {
    if (chart.data) Plotly.Plots.resize(plot);
  }).observe(frame);
  watch(frame, plot, (x, y) => {
    const axes = axesOf(chart.data.result);
    const index = nearestNet(plot, chart, axes, x, y) ?? cloud.nearest(x, y);
    if (index !== null) onSelect(index);
  });
  return {
    show(data, options) {
      chart.data = data;
      const judging = data.result.fronts.filter(({ name, role }) => role === "proxy" && QUIET.includes(name));
      for (const { name } of judging) chart.hidden.delete(name);
      redraw(options);
      if (!plot.dataset.ready) {
        plot.dataset.ready = "yes";
        plot.on("plotly_afterplot", () => {
          cloud.draw();
          handle?.place(axesOf(chart.data.result).horizontal);
        });
        plot.on("plotly_relayouting", () => {
          cloud.draw();
          handle?.place(axesOf(chart.data.result).horizontal);
        });
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw({ keepRange: true }));
      }
    },
    select(index) {
      chart.selected = index;
      redraw({ keepRange: true });
    },
    reset: () => redraw(),
  };
}

function tracesOf(node, result, front, axes, floor) {
  const tint = colour(node, colourOf(result, front));
  const points = pointsOf(front, axes, floor);
  const steps = stepsOf(points, isTrue(front) ? axes.horizontal.bound : null);
  const proxies = result.fronts.filter((other) => other.role === "proxy");
  const symbol = isTrue(front)
    ? "circle"
    : (BASELINES[front.name] ?? `${MARKERS[proxies.indexOf(front) % MARKERS.length]}-open`);
  const unit = axes.horizontal.unit;
  const ends = points.some((point) => point.upper > point.lower);
  const line = {
    ...steps,
    mode: "lines",
    line: { shape: "hv", color: tint, width: isTrue(front) ? 3.5 : 1.3 },
    hoverinfo: "skip",
  };
  const nets = {
    x: points.map((point) => point.x),
    y: points.map((point) => point.drawnAt),
    mode: "markers",
    marker: {
      symbol: points.map((point) => (point.below ? "arrow-down" : symbol)),
      color: tint,
      opacity: 1, // plotly makes markers of several sizes paler
      size: points.map((point) => (isTrue(front) && !point.below ? 5 : 8)),
      line: { width: 1.6, color: tint },
    },
    error_x: ends
      ? {
          type: "data",
          symmetric: false,
          color: tint,
          thickness: 1,
          width: 0,
          array: points.map((point) => (point.below ? 0 : point.upper - point.x)),
          arrayminus: points.map((point) => (point.below ? 0 : point.x - point.lower)),
        }
      : undefined,
    text: points.map((point) => hover(front, point, axes, unit)),
    hovertemplate: "%{text}<extra></extra>",
  };
  return [line, nets].map((trace) => ({ ...trace, name: front.name, type: "scatter" }));
}

function hover(front, point, axes, unit) {
  const name = costName(axes.horizontal);
  const height = axes.known ? `accuracy ${point.y.toFixed(2)} %` : `score ${rounded(point.y)}`;
  const ends = point.upper > point.lower ? ` [${rounded(point.lower, 3)}, ${rounded(point.upper, 3)}]` : "";
  const cost = `${plain(name)} ${rounded(point.x)}${ends} ${plain(unit)}`;
  const below = point.below ? ", below the picture" : "";
  return `${plain(frontName(front))}, net ${plain(point.net.index)}<br>${cost}<br>${height}${below}`;
}

function ringOf(node, chart, axes) {
  if (!has(chart.selected)) return null;
  const { result, candidates } = chart.data;
  const place = [...shownFronts(result)]
    .reverse()
    .flatMap((front) => pointsOf(front, axes, chart.floor))
    .find((point) => point.net.index === chart.selected);
  const heights = axes.known ? candidates?.accuracy_percent : candidates?.scores[axes.scoredBy];
  const row = candidates ? candidates.index.indexOf(chart.selected) : -1;
  const x = place?.x ?? candidates?.costs[axes.horizontal.id]?.[row];
  const y = place?.drawnAt ?? heights?.[row];
  if (!has(x) || !has(y)) return null;
  return {
    x: [x],
    y: [y],
    type: "scatter",
    mode: "markers",
    hoverinfo: "skip",
    marker: { symbol: "circle-open", size: 18, color: colour(node, "accent"), line: { width: 2.5 } },
  };
}

function layoutOf(node, result, axes, shown, withBudget) {
  const [ink, muted] = ["ink", "muted"].map((name) => colour(node, name));
  const median = result.reference_point.accuracy_percent;
  const { bound, unit } = axes.horizontal;
  const lines = [];
  const notes = [];
  if (axes.known && has(median)) {
    lines.push(rule({ x0: 0, x1: 1, xref: "paper", y0: median, y1: median, yref: "y" }, muted, "dot"));
    // below the line at its right end: fronts begin at the left, and rise; what lies behind it is made paler
    const place = { x: 1, xref: "paper", y: median, yref: "y", xanchor: "right", yanchor: "top" };
    notes.push(note("median of the space", { ...place, bgcolor: `${colour(node, "surface")}cc` }, muted));
  }
  if (withBudget && has(bound)) {
    lines.push(rule({ x0: bound, x1: bound, xref: "x", y0: 0, y1: 1, yref: "paper" }, ink, "dash"));
    // above the picture, where no mark can lie under it, as the label of a line that can be dragged
    notes.push(
      note(`budget ${written(bound)} ${unit}`, { x: bound, xref: "x", y: 1, yref: "paper", yanchor: "bottom" }, ink),
    );
  }
  const layout = chartLayout(node, axisTitle(axes.horizontal), axes.heightName, shown);
  const margin = has(bound) ? { ...layout.margin, t: 24 } : layout.margin;
  return { ...layout, margin, shapes: lines, annotations: notes };
}

function rule(place, color, dash) {
  return { type: "line", layer: "above", line: { color, width: 1.2, dash }, ...place };
}

function note(text, place, color) {
  return { text: plain(text), showarrow: false, font: { size: 11, color }, ...place };
}

function drawLegend(legend, chart, fronts, dots, redraw) {
  const { result } = chart.data;
  const known = [...fronts]
    .sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role))
    .map((front) => {
      const share = front.comparison.relative_hypervolume;
      const press = () => {
        if (!chart.hidden.delete(front.name)) chart.hidden.add(front.name);
        redraw({ keepRange: true });
      };
      return element(
        "button",
        {
          type: "button",
          class: `key ${colourOf(result, front)}`,
          onclick: press,
          "aria-pressed": String(!chart.hidden.has(front.name)),
        },
        element("span", { class: "swatch", "aria-hidden": true }),
        frontName(front),
        element(
          "span",
          { class: "count" },
          countOf(front, pointsOf(front, axesOf(result), chart.floor)) +
            (has(share) ? `, hypervolume ${share.toFixed(2)}` : ""),
        ),
      );
    });
  const bounded = result.objectives.some((objective) => has(objective.bound));
  const groups = bounded ? { feasible: "within budget", infeasible: "over budget" } : { feasible: "all architectures" };
  const there = new Set(dots?.feasible.map((feasible) => (feasible ? "feasible" : "infeasible")));
  const grey = Object.entries(groups)
    .filter(([name]) => there.has(name))
    .map(([name, text]) => element("span", { class: `key ${name}` }, element("span", { class: "swatch" }), text));
  const { bound, unit } = axesOf(result).horizontal;
  if (has(bound) && has(chart.right) && bound > chart.right) {
    grey.push(element("span", { class: "key count" }, `budget ${written(bound)} ${unit}, beyond the picture`));
  }
  fill(legend, known, grey);
}

/** "20 nets, 3 below": of a front, with those that lie under the axes. */
function countOf(front, points) {
  const below = points.filter((point) => point.below).length;
  return `${front.nets.length} nets${below ? `, ${below} below` : ""}`;
}

/** The index of the listed net nearest to a place, or null where none is within 12 pixels. */
function nearestNet(plot, chart, axes, x, y) {
  const { xaxis, yaxis } = plot._fullLayout;
  let [best, found] = [144, null];
  for (const front of shownFronts(chart.data.result)) {
    if (chart.hidden.has(front.name)) continue;
    for (const point of pointsOf(front, axes, chart.floor)) {
      const height = yaxis._offset + yaxis.c2p(point.drawnAt);
      const distance = (xaxis._offset + xaxis.c2p(point.x) - x) ** 2 + (height - y) ** 2;
      if (distance <= best) [best, found] = [distance, point.net.index];
    }
  }
  return found;
}

/** Tell of presses that end where they began: a press that moves is plotly's, for zooming. */
function watch(frame, plot, onPress) {
  let start = null;
  frame.addEventListener(
    "pointerdown",
    (event) => {
      start = [event.clientX, event.clientY];
    },
    true,
  );
  document.addEventListener(
    "pointerup",
    (event) => {
      const from = start;
      start = null;
      if (!from || !plot._fullLayout || Math.hypot(event.clientX - from[0], event.clientY - from[1]) > 4) return;
      const box = plot.getBoundingClientRect();
      onPress(event.clientX - box.left, event.clientY - box.top);
    },
    true,
  );
}
