// How plotly draws here: axes, type and colours, taken from the style sheet so that light and dark have their own.

/** The value of a colour of the style sheet. */
export function colour(node, name) {
  return getComputedStyle(node).getPropertyValue(`--${name}`).trim();
}

/** Plotly reads a few tags in its texts: names must not become any. */
export function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A layout with two titled axes; `ranges` may set {x, y}. Fingers scroll the page, a mouse zooms the picture. */
export function chartLayout(node, horizontal, vertical, ranges = null) {
  const [ink, muted, grid] = ["ink", "muted", "grid"].map((name) => colour(node, name));
  const touch = matchMedia("(pointer: coarse)").matches;
  const axis = {
    gridcolor: grid,
    zeroline: false,
    linecolor: muted,
    showline: true,
    ticks: "outside",
    tickcolor: muted,
    ticklen: 4,
    tickfont: { color: muted, size: 12 },
    fixedrange: touch,
  };
  return {
    autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    hovermode: "closest",
    dragmode: touch ? false : "zoom",
    margin: { l: 58, r: 14, t: 12, b: 50 },
    font: { family: getComputedStyle(node).fontFamily, color: ink, size: 13 },
    hoverlabel: { bgcolor: colour(node, "surface"), bordercolor: muted, font: { color: ink, size: 12 }, align: "left" },
    xaxis: { ...axis, range: ranges?.x, title: { text: plain(horizontal), font: { size: 13 }, standoff: 10 } },
    yaxis: { ...axis, range: ranges?.y, title: { text: plain(vertical), font: { size: 13 }, standoff: 8 } },
  };
}
