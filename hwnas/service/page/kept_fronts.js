// Up to four answers beside each other: those with the same axes in one picture, others in pictures side by side.

/* global Plotly */
import { element, fill, table } from "./elements.js";
import { axesOf, axisTitle, cloudOf, isTrue, pointsOf, ranges, shownFronts, stepsOf, titleOf } from "./front_points.js";
import { fixed, has } from "./numbers.js";
import { chartLayout, colour } from "./plot_style.js";

export const MOST_KEPT = 4;

/** A list of kept answers in `card`. onShow(answer) is told which one to show again. Returns {add(answer), size()}. */
export function makeKeptFronts(card, onShow, onChange) {
  const kept = [];
  let charts = [];

  function draw() {
    charts.forEach((chart) => Plotly.purge(chart));
    card.hidden = kept.length === 0;
    const groups = grouped(kept);
    charts = groups.map(() => element("div", { class: "plot" }));
    const frames = groups.map((group, i) =>
      element("div", { role: "img", "aria-label": `Fronts of ${group.length} questions` }, charts[i]),
    );
    fill(
      card,
      element("h2", {}, `Kept to compare (${kept.length} of ${MOST_KEPT})`),
      element("div", { class: "chips" }, kept.map(chip)),
      element("div", { class: "charts" }, frames),
      figures(),
    );
    groups.forEach((group, i) => drawGroup(charts[i], group));
    onChange();
  }

  function chip(answer, number) {
    const drop = () => {
      kept.splice(number, 1);
      draw();
    };
    return element(
      "span",
      { class: `chip series-${number}` },
      element(
        "button",
        { type: "button", class: "link", onclick: () => onShow(answer) },
        `${number + 1}: ${titleOf(answer.result)}`,
      ),
      element("button", { type: "button", onclick: drop, "aria-label": `Drop question ${number + 1}` }, "×"),
    );
  }

  function drawGroup(node, group) {
    const axes = axesOf(group[0].result);
    const traces = group.flatMap((answer) => tracesOf(node, answer, kept.indexOf(answer)));
    const layout = chartLayout(node, axisTitle(axes.horizontal), axes.heightName, rangesOf(group));
    Plotly.newPlot(node, traces, layout, { displayModeBar: false, responsive: true });
  }

  function figures() {
    const columns = [
      { name: "question" },
      { name: "front" },
      { name: "networks", numeric: true },
      { name: "relative hypervolume", numeric: true },
      { name: "IGD+", numeric: true },
      { name: "accuracy lost", unit: "points", numeric: true },
      { name: "best listed", unit: "%", numeric: true },
    ];
    const rows = kept.flatMap((answer, number) =>
      answer.result.fronts
        .filter((front) => front.role === "proxy")
        .map((front) => {
          const best = Math.max(...front.nets.map((net) => net.accuracy_percent ?? -Infinity));
          const found = front.comparison;
          return {
            cells: [
              `${number + 1}: ${titleOf(answer.result)}`,
              front.name,
              String(front.nets.length),
              fixed(found.relative_hypervolume, 3),
              fixed(found.igd_plus, 3),
              fixed(found.accuracy_lost_points, 2),
              fixed(best > -Infinity ? best : null, 2),
            ],
          };
        }),
    );
    return table("kept questions", columns, rows);
  }

  return {
    add(answer) {
      if (kept.length < MOST_KEPT && !kept.some((other) => other.result.id === answer.result.id)) kept.push(answer);
      draw();
    },
    size: () => kept.length,
    redraw: () => {
      if (kept.length) draw();
    },
  };
}

/** Answers by what their axes mean: only equal meanings share a picture. */
function grouped(answers) {
  const groups = new Map();
  for (const answer of answers) {
    const axes = axesOf(answer.result);
    const meaning = [axisTitle(axes.horizontal), axes.heightName, axes.known ? answer.result.dataset : ""].join("|");
    groups.set(meaning, [...(groups.get(meaning) ?? []), answer]);
  }
  return [...groups.values()];
}

/** Ranges that hold what each answer alone would show. */
function rangesOf(group) {
  const each = group
    .map(({ result, candidates }) => {
      const axes = axesOf(result);
      return ranges(result, axes, cloudOf(candidates, axes), shownFronts(result));
    })
    .filter((found) => found?.y);
  if (!each.length) return null;
  const around = (axis) => [
    Math.min(...each.map((found) => found[axis][0])),
    Math.max(...each.map((found) => found[axis][1])),
  ];
  return { x: around("x"), y: around("y") };
}

/** The first proxy's list as steps with marks; the true front as a dotted line of the same colour. */
function tracesOf(node, { result }, number) {
  const axes = axesOf(result);
  const tint = colour(node, `series-${number}`);
  const proxy = result.fronts.find((front) => front.role === "proxy");
  const traces = [];
  const truth = axes.known ? result.fronts.find(isTrue) : null;
  if (truth) {
    const line = { shape: "hv", color: tint, width: 1.6, dash: "dot" };
    traces.push({ ...stepsOf(pointsOf(truth, axes), axes.horizontal.bound), mode: "lines", line, hoverinfo: "skip" });
  }
  if (proxy) {
    const points = pointsOf(proxy, axes);
    traces.push({
      ...stepsOf(points, null),
      mode: "lines",
      line: { shape: "hv", color: tint, width: 1.5 },
      hoverinfo: "skip",
    });
    traces.push({
      x: points.map((point) => point.x),
      y: points.map((point) => point.y),
      mode: "markers",
      marker: {
        color: tint,
        size: 7,
        symbol: ["circle-open", "square-open", "triangle-up-open", "diamond-open"][number],
        line: { width: 1.5 },
      },
      text: points.map((point) => `question ${number + 1}, net ${point.net.index}`),
      hovertemplate: "%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
    });
  }
  if (has(axes.horizontal.bound)) {
    const ends = traces.flatMap((trace) => trace.y).filter(has);
    traces.push({
      x: [axes.horizontal.bound, axes.horizontal.bound],
      y: [Math.min(...ends), Math.max(...ends)],
      mode: "lines",
      line: { color: tint, width: 1, dash: "dash" },
      hoverinfo: "skip",
    });
  }
  return traces.map((trace) => ({ type: "scatter", ...trace }));
}
