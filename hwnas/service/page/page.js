// The page: its parts, which one is shown, and the lists of the server that they share.

import { startDevices } from "./devices_part.js";
import { fill } from "./elements.js";
import { startFronts } from "./fronts_part.js";
import { startJobs } from "./jobs_part.js";
import { startModel } from "./model_part.js";
import { all, Refusal } from "./server.js";

const PARTS = ["fronts", "jobs", "devices", "model"];
const failure = document.getElementById("failure");

/** Show the part that the address names: #jobs, #fronts/ID. */
function showPart() {
  const [wanted] = location.hash.slice(1).split("/");
  const part = PARTS.includes(wanted) ? wanted : "fronts";
  for (const name of PARTS) {
    document.getElementById(name).hidden = name !== part;
    document.querySelector(`nav a[href^="#${name}"]`).toggleAttribute("aria-current", name === part);
  }
  dispatchEvent(new Event("resize")); // pictures that were drawn while hidden take their size
}

/** The front that an address names, or null. */
function frontOf(hash) {
  return hash.startsWith("#fronts/") ? hash.slice("#fronts/".length) : null;
}

async function start() {
  const id = frontOf(location.hash);
  addEventListener("hashchange", () => {
    const other = frontOf(location.hash);
    if (other && other !== document.getElementById("answer").dataset.id)
      location.reload(); // somebody's kept address
    else showPart();
  });
  showPart();
  const names = ["devices", "spaces", "proxies"];
  const found = await Promise.all(names.map((name) => all(`/v1/${name}`, name)));
  const lists = { ...Object.fromEntries(names.map((name, i) => [name, found[i]])) };
  lists.cells = Object.fromEntries(lists.spaces.filter((space) => space.cell).map((space) => [space.name, space.cell]));
  const starting = startJobs(lists);
  const fronts = startFronts(lists, id, async (job, onNews) => (await starting).watch(job, onNews));
  const jobs = await starting;
  const choices = document.querySelector("#question select[name=device]");
  startDevices(lists, jobs.watch, async () => {
    lists.devices.splice(0, Infinity, ...(await all("/v1/devices", "devices")));
    choices.dispatchEvent(new Event("change", { bubbles: true })); // the form lists them anew
  });
  startModel(lists, jobs.watch);
  await fronts;
}

start().catch((error) => {
  fill(failure, error instanceof Refusal ? error.message : `the page failed: ${error.message}`);
  failure.hidden = false;
  if (!(error instanceof Refusal)) throw error;
});
