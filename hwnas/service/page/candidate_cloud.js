// All architectures behind the fronts, on a canvas: 15,625 dots as SVG took plotly a second, here it is 10 ms.

/** A canvas under `plot`, redrawn whenever the axes change. Returns {show(cloud), draw(), nearest(x, y)}. */
export function makeCloud(canvas, plot) {
  let cloud = null;

  function place(axis, value) {
    return axis._offset + axis.c2p(value);
  }

  function draw() {
    const layout = plot._fullLayout;
    if (!layout?.xaxis) return;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [layout.width, layout.height];
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.clearRect(0, 0, width, height);
    if (!cloud) return;
    const { xaxis, yaxis } = layout;
    pen.beginPath();
    pen.rect(xaxis._offset, yaxis._offset, xaxis._length, yaxis._length);
    pen.clip();
    const colours = getComputedStyle(plot);
    for (const feasible of [false, true]) {
      pen.fillStyle = colours.getPropertyValue(feasible ? "--feasible" : "--infeasible").trim();
      for (let row = 0; row < cloud.x.length; row += 1) {
        if (cloud.feasible[row] !== feasible) continue;
        pen.fillRect(place(xaxis, cloud.x[row]) - 1, place(yaxis, cloud.y[row]) - 1, 2, 2);
      }
    }
  }

  /** The index of the architecture whose dot is nearest to a place, or null where none is within 8 pixels. */
  function nearest(x, y) {
    const { xaxis, yaxis } = plot._fullLayout;
    let [best, found] = [64, null];
    for (let row = 0; cloud && row < cloud.x.length; row += 1) {
      const distance = (place(xaxis, cloud.x[row]) - x) ** 2 + (place(yaxis, cloud.y[row]) - y) ** 2;
      if (distance < best) [best, found] = [distance, cloud.index[row]];
    }
    return found;
  }

  return {
    draw,
    nearest,
    show(next) {
      cloud = next;
      draw();
    },
  };
}
