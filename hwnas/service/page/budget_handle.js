// The budget as a line that can be dragged, with a pointer or with the arrow keys.

import { element } from "./elements.js";
import { costName, has, written } from "./numbers.js";

/** A line over `plot` inside `frame`; onBudget(value) is told the new budget once it is put down. */
export function makeBudgetHandle(frame, plot, onBudget) {
  const label = element("span", { class: "budget-label" });
  const line = element(
    "div",
    { class: "budget", role: "slider", tabindex: 0, "aria-orientation": "horizontal", hidden: true },
    label,
  );
  frame.append(line);
  let objective = null;
  let value = null;
  let waiting = null;

  function put(next) {
    const { xaxis, yaxis } = plot._fullLayout;
    value = Number(Math.max(next, xaxis.range[0] + 1e-9).toPrecision(3));
    const left = xaxis._offset + xaxis.c2p(value);
    line.hidden = left < xaxis._offset - 1 || left > xaxis._offset + xaxis._length + 1;
    line.style.left = `${left}px`;
    line.style.top = `${yaxis._offset}px`;
    line.style.height = `${yaxis._length}px`;
    line.classList.toggle("at-right", left > xaxis._offset + 0.75 * xaxis._length);
    label.textContent = `budget ${written(value)} ${objective.unit}`;
    line.setAttribute("aria-label", `Budget: ${costName(objective)} in ${objective.unit}`);
    line.setAttribute("aria-valuenow", value);
    line.setAttribute("aria-valuetext", `${written(value)} ${objective.unit}`);
    line.setAttribute("aria-valuemin", written(xaxis.range[0]));
    line.setAttribute("aria-valuemax", written(xaxis.range[1]));
  }

  line.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    line.focus();
    line.setPointerCapture(event.pointerId);
    line.classList.add("held");
  });
  line.addEventListener("pointermove", (event) => {
    if (!line.classList.contains("held")) return;
    const { xaxis } = plot._fullLayout;
    const pixels = event.clientX - plot.getBoundingClientRect().left - xaxis._offset;
    put(xaxis.p2c(Math.min(Math.max(pixels, 1), xaxis._length)));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    line.addEventListener(end, () => {
      if (line.classList.contains("held") && value !== objective.bound) onBudget(value);
      line.classList.remove("held");
    });
  }
  line.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const { xaxis } = plot._fullLayout;
    put(value + (steps[event.key] * (xaxis.range[1] - xaxis.range[0])) / 100);
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      waiting = null;
      onBudget(value);
    }, 250);
  });

  return {
    /** Where the objective has its bound; hidden where it has none. */
    place(next) {
      objective = next;
      if (line.classList.contains("held")) return;
      if (waiting !== null) put(value); // an earlier answer is drawn while keys move the line
      else if (has(objective.bound)) put(objective.bound);
      else line.hidden = true;
    },
  };
}
