// The part "Devices": what is known, and a device of one's own from measurements, with how well its model fits.

import { readMeasurements, showFit } from "./device_fit.js";
import { element, fill, table } from "./elements.js";
import { labelled } from "./question_form.js";
import { all, get, post, Refusal, say } from "./server.js";

const place = (id) => document.getElementById(id);

/** Start the part. watch(job) resolves with a job that has ended; onAdded() is told of a new device. */
export function startDevices({ devices, spaces }, watch, onAdded) {
  drawDevices(devices);
  const form = place("device-form");
  const name = element("input", {
    name: "name",
    required: true,
    pattern: "[a-z0-9][a-z0-9_.\\-]*",
    placeholder: "my-board",
    title: "small letters, digits, - _ .",
  });
  const space = element(
    "select",
    { name: "space" },
    ["nasbench201", "fbnet", "ofa"]
      .filter((one) => spaces.some((s) => s.name === one))
      .map((one) => element("option", {}, one)),
  );
  const dataset = element("select", { name: "dataset" });
  const unit = element(
    "select",
    { name: "unit" },
    ["ms", "us", "s"].map((one) => element("option", {}, one)),
  );
  const power = element("input", { name: "power_w", type: "number", min: 0, step: "any", placeholder: "not known" });
  const batch = element("input", {
    name: "batch_size",
    type: "number",
    min: 1,
    step: 1,
    placeholder: "as the file says",
  });
  const files = element("input", {
    name: "measurements",
    type: "file",
    multiple: true,
    required: true,
    accept: ".csv,.json,text/csv,application/json",
  });
  const replace = element("input", { name: "replace", type: "checkbox", value: "true" });
  const button = element("button", { class: "main", type: "submit" }, "Add the device");
  const match = () =>
    fill(
      dataset,
      spaces.find((one) => one.name === space.value).datasets.map((one) => element("option", {}, one)),
    );
  space.addEventListener("change", match);
  match();
  fill(
    form,
    element(
      "p",
      { class: "note full" },
      "About ten measured networks are enough. Upload the results.json of hwnas measure, or a table with the columns ",
      "architecture, latency_ms and, where measured, energy_mj.",
    ),
    labelled("Name", name),
    labelled("Search space", space),
    labelled("Data set", dataset),
    labelled("Unit of latencies in a table", unit),
    labelled("Power while it computes, in W", power),
    labelled("Images per run", batch),
    labelled("Measurements", files),
    element("label", { class: "check" }, replace, "Replace a device of this name"),
    button,
  );

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(form);
    for (const field of [power, batch]) if (!field.value) body.delete(field.name);
    const measured = await readMeasurements(files.files);
    button.disabled = true;
    try {
      let { status, value } = await post("/v1/adapt", body);
      if (status === 202) {
        fill(
          place("fit"),
          element("p", { class: "note" }, `This takes longer than a second: job ${value.id.slice(0, 8)} does it.`),
        );
        place("fit").hidden = false;
        const job = await watch(value);
        if (job.state !== "done") throw new Refusal(job.error?.detail ?? `the job was ${job.state}`, 0);
        value = await get(`/v1/jobs/${job.id}/result`);
      }
      await showFit(place("fit"), value, measured);
      drawDevices(await all("/v1/devices", "devices"));
      onAdded();
      say(`${value.device} was added`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      fill(place("fit"), element("p", { class: "failure", role: "alert" }, error.message));
      place("fit").hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}

function drawDevices(devices) {
  const columns = [
    { name: "device" },
    { name: "what" },
    { name: "costs" },
    { name: "spaces" },
    { name: "numbers are" },
    { name: "added" },
  ];
  const rows = devices.map((device) => ({
    cells: [
      element("code", {}, device.name),
      device.title,
      device.targets.join(", ") || "by kernel",
      device.spaces.join(", "),
      device.adapted ? "predicted from measurements" : device.evidence,
      device.added ? `by ${device.added.by}, ${new Date(device.added.at).toLocaleDateString()}` : "",
    ],
  }));
  fill(place("device-list"), element("h2", {}, `${devices.length} devices`), table("devices", columns, rows));
}
