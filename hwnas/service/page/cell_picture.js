// An architecture drawn: a cell as a graph, the layers of the network as a list.

import { element, shape, table } from "./elements.js";

const NAMES = {
  nor_conv_3x3: "3×3 conv",
  nor_conv_1x1: "1×1 conv",
  avg_pool_3x3: "3×3 avg",
  skip_connect: "skip",
  none: "none",
};
const [STEP, LEFT, MIDDLE, RADIUS] = [112, 34, 118, 13];
// Where an edge bends to, above (-) or below (+) the row of nodes: long edges pass short ones by.
const BENDS = { "0,2": -92, "1,3": 92, "0,3": -184 };

/** The operations of the architecture with number `index`, the vector being its digits in base `operations.length`. */
export function cellOf(index, form) {
  const base = form.operations.length;
  let rest = index;
  const digits = form.edges.map(() => 0);
  for (let position = digits.length - 1; position >= 0; position -= 1) {
    digits[position] = rest % base;
    rest = Math.floor(rest / base);
  }
  return { edges: form.edges, operations: digits.map((digit) => form.operations[digit]) };
}

/** For each edge, whether something flows through it from the first node to the last. */
export function liveEdges(cell) {
  const present = cell.operations.map((operation) => operation !== "none");
  const last = Math.max(...cell.edges.map(([, end]) => end));
  const reached = spread(
    0,
    cell.edges.map(([start, end], i) => present[i] && [start, end]),
  );
  const leads = spread(
    last,
    cell.edges.map(([start, end], i) => present[i] && [end, start]),
  );
  return cell.edges.map(([start, end], i) => present[i] && reached.has(start) && leads.has(end));
}

function spread(start, steps) {
  const found = new Set([start]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const step of steps) if (step && found.has(step[0])) found.add(step[1]);
  }
  return found;
}

/** The cell as SVG, with a text of the same content for those who do not see it. */
export function cellPicture(cell) {
  const live = liveEdges(cell);
  const said = cell.edges.map(
    ([start, end], i) =>
      `${start} to ${end}: ${NAMES[cell.operations[i]] ?? cell.operations[i]}${live[i] ? "" : " (no effect)"}`,
  );
  const nodes = [0, 1, 2, 3].map((node) => [
    shape("circle", { cx: LEFT + node * STEP, cy: MIDDLE, r: RADIUS, class: "node" }),
    shape("text", { x: LEFT + node * STEP, y: MIDDLE + 4, class: "node-name" }, String(node)),
  ]);
  const edges = cell.edges.map((ends, i) => edge(ends, cell.operations[i], live[i]));
  return shape(
    "svg",
    { viewBox: "0 0 404 216", class: "cell", role: "img", "aria-label": `Cell. ${said.join(", ")}` },
    edges,
    nodes,
    shape("text", { x: LEFT, y: MIDDLE + 32, class: "end-name" }, "in"),
    shape("text", { x: LEFT + 3 * STEP, y: MIDDLE + 32, class: "end-name" }, "out"),
  );
}

function edge([start, end], operation, live) {
  const [from, to] = [LEFT + start * STEP, LEFT + end * STEP];
  const bend = BENDS[`${start},${end}`] ?? 0;
  const [x, y] = [(from + to) / 2, MIDDLE + bend / 2];
  // The ends of a bent edge meet their nodes from the side it bends to.
  const slope = bend ? Math.atan2(bend, (to - from) / 2) : 0;
  const [dx, dy] = [Math.cos(slope) * (RADIUS + 2), Math.sin(slope) * (RADIUS + 2)];
  const path = `M${from + dx},${MIDDLE + dy} Q${x},${MIDDLE + bend} ${to - dx},${MIDDLE + dy}`;
  const kind = `edge ${operation}${live ? "" : " dead"}`;
  const label = NAMES[operation] ?? operation;
  const width = label.length * 6.4 + 10;
  const head = arrow(to - dx, MIDDLE + dy, Math.atan2(-dy, dx));
  return shape(
    "g",
    { class: kind },
    shape("path", { d: path, class: "line" }),
    operation === "none" ? null : shape("path", { d: head, class: "head" }),
    operation === "none"
      ? null
      : [
          shape("rect", { x: x - width / 2, y: y - 9, width, height: 18, rx: 9, class: "pill" }),
          shape("text", { x, y: y + 4, class: "operation" }, label),
        ],
  );
}

function arrow(x, y, angle) {
  const corner = (turn) => `${x - 8 * Math.cos(angle + turn)},${y - 8 * Math.sin(angle + turn)}`;
  return `M${x},${y} L${corner(0.42)} L${corner(-0.42)} Z`;
}

/** The layers of a network, block by block, with their parameters and multiply-accumulates. */
export function layerList(blocks) {
  const columns = [
    { name: "block" },
    { name: "layers" },
    { name: "output" },
    { name: "parameters", numeric: true },
    { name: "MACs", unit: "million", numeric: true },
  ];
  const rows = blocks.map((block) => ({
    cells: [
      block.name,
      block.work,
      block.output.join(" × "),
      block.params.toLocaleString("en-US"),
      (block.macs / 1e6).toFixed(2),
    ],
  }));
  return element(
    "details",
    { class: "layers" },
    element("summary", {}, `${blocks.length} blocks, one by one`),
    table("", columns, rows, { class: "small" }),
  );
}
