// Numbers as text, by the rules of hwnas/render.py: all of a column have the same decimals, nothing is rounded to 0.

const NOTHING = "–";

/** Digits after the point that give the median value so many significant digits. */
export function decimals(values, significant) {
  const sizes = values
    .filter((value) => value)
    .map(Math.abs)
    .sort((a, b) => a - b);
  if (!sizes.length) return 0;
  const middle = sizes.length >> 1;
  const median = sizes.length % 2 ? sizes[middle] : (sizes[middle - 1] + sizes[middle]) / 2;
  return Math.max(0, significant - 1 - Math.floor(Math.log10(median)));
}

/** A number with so many decimals; a value that would read 0 without being 0 gets two significant digits. */
export function fixed(value, digits) {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  // toFixed rounds the number itself, as Python does but for halves; toLocaleString rounds its shortest decimal form.
  const text = Number(value.toFixed(digits)).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return value && !/[1-9]/.test(text) ? String(Number(value.toPrecision(2))) : text;
}

/** A single number with so many significant digits. */
export function rounded(value, significant = 4) {
  return value === null || value === undefined ? NOTHING : fixed(value, decimals([value], significant));
}

/** A number that somebody wrote, without zeros that say nothing: 20, 17.5. */
export function written(value) {
  return String(Number(value.toPrecision(4)));
}

/** Values of a column as text. */
export function column(values, significant = 4) {
  const digits = decimals(values, significant);
  return values.map((value) => fixed(value, digits));
}

/** Costs {mean, lower, upper} of a column: "18.4 [17.6, 19.3]" with intervals, "18.42" without. */
export function costColumn(costs) {
  const known = costs.some((cost) => has(cost.lower));
  const digits = decimals(
    costs.map((cost) => cost.mean),
    known ? 3 : 4,
  );
  return costs.map(
    (cost) =>
      fixed(cost.mean, digits) +
      (has(cost.lower) ? ` [${fixed(cost.lower, digits)}, ${fixed(cost.upper, digits)}]` : ""),
  );
}

/** Whether there is a value. */
export function has(value) {
  return value !== null && value !== undefined;
}

/** "energy" for the objective energy_mj, "energy of pixel3" where the id names a device. */
export function costName(objective) {
  const [id, ...device] = objective.id.split(".");
  const unit = `_${objective.unit.toLowerCase()}`;
  const name = id.endsWith(unit) ? id.slice(0, -unit.length) : id;
  return device.length ? `${name} of ${device.join(".")}` : name;
}

/** The unit of an objective, "" for counts that are their own unit. */
export function unitOf(objective) {
  return objective.device ? objective.unit : "";
}

/** Seconds as people say them: "12 s", "3 min 05 s", "2 h 10 min". */
export function duration(seconds) {
  if (!has(seconds)) return NOTHING;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours
    ? `${hours} h ${String(minutes).padStart(2, "0")} min`
    : `${minutes} min ${String(rest).padStart(2, "0")} s`;
}
