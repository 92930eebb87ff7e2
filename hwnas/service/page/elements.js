// Elements of the page. Text is always set as text, never as HTML: a name from a server or a file cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: element("p", {class: "note"}, "text", child). Properties that start with "on" are listeners. */
export function element(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function shape(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

function filled(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Put children in the place of what a node holds. */
export function fill(node, ...children) {
  node.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

/** A table that scrolls sideways in its own box. Columns: {name, unit, numeric}. Rows: {cells, properties}. */
export function table(caption, columns, rows, properties = {}) {
  const heading = columns.map((column) =>
    element(
      "th",
      { scope: "col", class: column.numeric ? "number" : null },
      column.name,
      column.unit ? element("span", { class: "unit" }, column.unit) : null,
    ),
  );
  const body = rows.map((row) => tableRow(columns, row));
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption || "table" },
    element("table", properties, element("thead", {}, element("tr", {}, heading)), element("tbody", {}, body)),
  );
}

/** One row of a table with these columns. */
export function tableRow(columns, { cells, properties = {} }) {
  return element(
    "tr",
    properties,
    cells.map((cell, number) => element("td", { class: columns[number].numeric ? "number" : null }, cell)),
  );
}

/** Pairs of a term and its value, as a list that screen readers know. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element(
    "dl",
    { class: "facts" },
    shown.map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))),
  );
}
