// What a picture of an answer shows, as plain values: the same rules as hwnas/pictures.py.

import { costName, has, unitOf, written } from "./numbers.js";

// Where nothing better is known, the vertical axis starts at this percentile: below it are nets that do not learn.
const FLOOR_PERCENTILE = 0.05;
// Listed nets below are taken in where they lengthen the axis by no more than this share.
const TAKEN_IN = 0.25;
// A budget of more than so many times the highest cost would squeeze all networks into the left half.
const FAR = 2;

/** {horizontal, known, heightName, heightOf}: which values the axes show. */
export function axesOf(result) {
  const known = result.fronts.some((front) => isTrue(front));
  const first = result.fronts.find((front) => front.role === "proxy") ?? result.fronts[0];
  return {
    horizontal: result.objectives[0],
    known,
    heightName: known ? "test accuracy (%)" : `score by ${first.name}`,
    scoredBy: known ? null : first.name,
  };
}

/** The result, with the text of an architecture in the place of its number where a space is too large for numbers. */
export function numbered(result) {
  const nets = (front) => front.nets.map((net) => ({ ...net, index: net.index ?? net.arch }));
  return { ...result, fronts: result.fronts.map((front) => ({ ...front, nets: nets(front) })) };
}

/** Fronts that can share the axes, from back to front: the truth, the parameters, the proxies. */
export function shownFronts(result) {
  const { known, scoredBy } = axesOf(result);
  const fronts = result.fronts;
  if (!known) return fronts.filter((front) => front.name === scoredBy); // scores have no common axis
  return [
    ...fronts.filter(isTrue),
    ...fronts.filter((front) => front.role === "baseline"),
    ...fronts.filter((front) => front.role === "proxy"),
  ];
}

export function isTrue(front) {
  return front.role === "truth" || front.role === "reference";
}

/**
 * The points of a front: cost, its ends, height, and the net itself; without nets that lack one of them.
 * floor: the lower end of the axis; a net below it is drawn there.
 */
export function pointsOf(front, axes, floor = null) {
  const points = [];
  for (const net of front.nets) {
    const cost = net.costs[axes.horizontal.id];
    const height = axes.known ? net.accuracy_percent : net.score;
    if (!has(cost.mean) || !has(height)) continue;
    const below = has(floor) && height < floor;
    const [lower, upper] = [cost.lower ?? cost.mean, cost.upper ?? cost.mean];
    points.push({ x: cost.mean, lower, upper, y: height, below, drawnAt: below ? floor : height, net });
  }
  return points.sort((a, b) => a.x - b.x || b.y - a.y);
}

/** Steps of the best height that each cost buys. */
export function stepsOf(points, right) {
  const steps = { x: [], y: [] };
  let best = -Infinity;
  for (const point of points) {
    best = Math.max(best, point.y);
    steps.x.push(point.x);
    steps.y.push(best);
  }
  if (points.length && has(right) && right > steps.x.at(-1)) {
    steps.x.push(right);
    steps.y.push(best);
  }
  return steps;
}

/** Columns of all architectures that can be drawn: {x, y, feasible, index}; null without candidates. */
export function cloudOf(candidates, axes) {
  if (!candidates) return null;
  const costs = candidates.costs[axes.horizontal.id];
  const heights = axes.known ? candidates.accuracy_percent : candidates.scores[axes.scoredBy];
  if (!costs || !heights) return null;
  const cloud = { x: [], y: [], feasible: [], index: [] };
  costs.forEach((cost, row) => {
    if (!has(cost) || !has(heights[row])) return;
    cloud.x.push(cost);
    cloud.y.push(heights[row]);
    cloud.feasible.push(candidates.feasible[row]);
    cloud.index.push(candidates.index[row]);
  });
  return cloud.x.length ? cloud : null;
}

/** Ranges of both axes: all listed nets, the budget and somewhat beyond, above the nets that do not learn. */
export function ranges(result, axes, cloud, fronts) {
  const points = fronts.flatMap((front) => pointsOf(front, axes));
  const listed = points.map((point) => point.y);
  const [xs, ys] = cloud ? [cloud.x, cloud.y] : [points.map((point) => point.x), listed];
  if (!xs.length) return null;
  const costs = [...xs, ...points.map((point) => point.x)]; // the cloud may have a part of the rows
  const right = rightEnd(largest(costs), axes.horizontal.bound, Boolean(cloud));
  const left = Math.max(0, smallest(costs) - 0.03 * right);
  const heights = ys.filter((_, row) => xs[row] <= right);
  if (!heights.length) return { x: [left, right], y: undefined };
  const [floor, top] = heightRange(heights, axes.known ? result.reference_point.accuracy_percent : null);
  const high = largest([top, ...listed]);
  const low = smallest([floor, ...listed.filter((y) => y >= floor - TAKEN_IN * (high - floor))]);
  return { x: [left, right], y: [low - 0.02 * (high - low), high + 0.05 * (high - low)] };
}

/** Beyond the highest cost or the budget; one that is far away is left out. Fronts alone end at the budget. */
function rightEnd(most, bound, dots) {
  if (!has(bound) || bound > FAR * most) return 1.03 * most;
  return dots ? Math.min(1.25 * bound, Math.max(1.03 * most, 1.05 * bound)) : 1.25 * bound;
}

function heightRange(heights, reference) {
  const sorted = [...heights].sort((a, b) => a - b);
  const high = sorted.at(-1);
  let low = sorted[Math.floor(FLOOR_PERCENTILE * (sorted.length - 1))];
  if (has(reference) && high > reference) low = Math.max(sorted[0], reference - 1.5 * (high - reference));
  return low < high ? [low, high] : [high - 1, high];
}

const largest = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
const smallest = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

/** "energy per inference (mJ)", "params". */
export function axisTitle(objective) {
  const unit = unitOf(objective);
  return `${costName(objective)}${objective.device ? " per inference" : ""}${unit ? ` (${unit})` : ""}`;
}

/** How a front is called: "true front", "zen". */
export function frontName(front) {
  return { truth: "true front", reference: "reference front (predicted cost)" }[front.role] ?? front.name;
}

/** "energy ≤ 20 mJ and latency ≤ 5 ms", "" without budgets. */
export function budgetsOf(result) {
  return result.objectives
    .filter((objective) => has(objective.bound))
    .map((objective) => `${costName(objective)} ≤ ${written(objective.bound)} ${objective.unit}`)
    .join(" and ");
}

/** The question in one line. */
export function titleOf(result) {
  const budgets = budgetsOf(result);
  const sure = budgets && has(result.confidence) ? ` at confidence ${result.confidence}` : "";
  return `${result.space} on ${result.dataset}, ${result.device}${budgets ? `, ${budgets}` : ""}${sure}`;
}

/** The net of a listed front with this index, or what the candidates know of it, in one form for panels. */
export function netAt({ result, candidates, predicted = {} }, index) {
  const listed = result.fronts.flatMap((front) =>
    front.nets.filter((net) => net.index === index).map((net) => ({ front, net })),
  );
  const row = candidates ? candidates.index.indexOf(index) : -1;
  const costs = [...result.objectives, ...result.other_costs].map((objective) => {
    const own =
      listed.map(({ net }) => net.costs[objective.id]).find((cost) => cost && has(cost.mean)) ??
      predicted[index]?.[objective.id];
    const column = candidates?.costs[objective.id];
    return { objective, cost: own ?? { mean: column?.[row] ?? null, lower: null, upper: null } };
  });
  const columns = row < 0 ? [] : Object.entries(candidates.scores); // a searched space numbers no network
  const scores = columns.map(([name, column]) => [name, column[row] ?? null]);
  for (const { front, net } of listed) {
    if (has(net.score) && !scores.some(([name]) => name === front.name)) scores.push([front.name, net.score]);
  }
  return {
    index,
    net: listed[0]?.net ?? null,
    accuracy: candidates?.accuracy_percent?.[row] ?? listed.map(({ net }) => net.accuracy_percent).find(has) ?? null,
    costs,
    scores,
    listed: listed.map(({ front, net }) => (isTrue(front) ? frontName(front) : `${front.name} (rank ${net.rank})`)),
    feasible: candidates?.feasible[row] ?? null,
  };
}
