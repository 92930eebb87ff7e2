// The part "Devices": what is known, and a device of one's own from measurements, with how well its model fits.

import { makeDeviceForm } from "./device_form.js";
import { readMeasurements, showFit } from "./device_fit.js";
import { element, fill, table } from "./elements.js";
import { pageWords } from "./page_words.js";
import { all, get, post, Refusal, say, send } from "./server.js";

const place = (id) => document.getElementById(id);

/** Start the part. watch(job) resolves with a job that has ended; onChanged() is told of a new list. */
export function startDevices({ devices, spaces }, watch, onChanged) {
  const form = makeDeviceForm(place("device-form"), { spaces });
  const does = {
    onFit: (device) => attempt(() => showKept(device)),
    onRemove: (device) => attempt(() => remove(device)),
  };
  drawDevices(devices, does);

  place("device-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    form.busy(true);
    await attempt(add, form.files());
    form.busy(false);
  });

  async function add() {
    const [files, unit] = [form.files(), form.unit()];
    let { status, value } = await post("/v1/adapt", form.body());
    if (status === 202) {
      showInFit("note", `This takes longer than a second: job ${value.id.slice(0, 8)} does it.`);
      const job = await watch(value, undefined, files);
      if (job.state !== "done") throw new Refusal(job.error?.detail ?? `the job was ${job.state}`, 0);
      value = await get(`/v1/jobs/${job.id}/result`);
    }
    await renew();
    const texts = await Promise.all(files.map((file) => file.text()));
    await showFit(place("fit"), value, { measured: readMeasurements(texts, unit), files });
    say(`${value.device} was added${value.doubts.length ? `; doubts: ${value.doubts.length}` : ""}`);
  }

  async function remove({ name }) {
    if (!confirm(`Remove ${name} and its models, for everybody who uses this server?`)) return;
    await send("DELETE", `/v1/devices/${encodeURIComponent(name)}`);
    if (place("fit").dataset.device === name) place("fit").hidden = true;
    await renew();
    say(`${name} was removed`);
  }

  async function renew() {
    drawDevices(await all("/v1/devices", "devices"), does);
    await onChanged();
  }

  async function attempt(work, files = []) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const message = pageWords(error.message, files);
      showInFit("failure", message);
      form.unfold(message);
    }
  }
}

/** How a device fits that somebody added: what its job said then, and the measurements that are kept with it. */
async function showKept(device) {
  const job = await get(`/v1/jobs/${device.added.job}`);
  const result = await get(`/v1/jobs/${job.id}/result`);
  const texts = Object.values(await get(`/v1/devices/${encodeURIComponent(device.name)}/measurements`));
  await showFit(place("fit"), result, { measured: readMeasurements(texts, job.request.settings.unit ?? "ms") });
  place("fit").scrollIntoView({ block: "nearest" });
}

function showInFit(kind, text) {
  fill(place("fit"), element("p", { class: kind, role: kind === "failure" ? "alert" : null }, text));
  place("fit").hidden = false;
}

/** The list; onFit(device) and onRemove(device) are told what is asked of a device that somebody added. */
function drawDevices(devices, does) {
  const columns = [
    { name: "device" },
    { name: "what" },
    { name: "costs" },
    { name: "spaces" },
    { name: "numbers are" },
    { name: "added" },
  ];
  const press = (device, text, label, work) =>
    element(
      "button",
      { type: "button", class: "link", "aria-label": `${label} ${device.name}`, onclick: () => work(device) },
      text,
    );
  const rows = devices.map((device) => ({
    cells: [
      element("code", { class: "wrapped" }, device.name),
      element("span", { class: "wrapped" }, device.title),
      device.targets.join(", ") || "by kernel",
      device.spaces.join(", "),
      [
        element("span", { class: "wrapped" }, device.adapted || device.evidence),
        device.added ? [" ", press(device, "how it fits", "How well the model fits of", does.onFit)] : null,
      ],
      device.added
        ? [
            element(
              "span",
              { class: "wrapped" },
              `by ${device.added.by}, ${new Date(device.added.at).toLocaleDateString()}`,
            ),
            " ",
            press(device, "remove", "Remove", does.onRemove),
          ]
        : "",
    ],
  }));
  fill(place("device-list"), element("h2", {}, `${devices.length} devices`), table("devices", columns, rows));
}
