// Questions as values: the bodies of POST /v1/pareto. The id of an answer is its question.

/** What the page asks first. */
export const FIRST = { device: "jetson-tx2", space: "nasbench201", budget_mj: 20, proxies: ["auto", "zen"] };

const DEFAULTS = {
  space: "nasbench201",
  dataset: null,
  budget_mj: null,
  budget_ms: null,
  proxies: null,
  objectives: [],
  nets: 20,
  confidence: null,
  source: "auto",
  raw: false,
  seed: 0,
  method: "auto",
  evaluations: 1000,
};

/** The question that the id of an answer stands for; null where it stands for none. */
export function questionOf(id) {
  try {
    const bytes = Uint8Array.from(atob(id.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    const asked = JSON.parse(new TextDecoder().decode(bytes));
    return typeof asked?.device === "string" ? { ...DEFAULTS, ...asked } : null;
  } catch {
    return null;
  }
}

/** The question of an answer, with the names of device and data set that were found for it. */
export function bodyOf(result) {
  return { ...questionOf(result.id), device: result.device, dataset: result.dataset };
}
