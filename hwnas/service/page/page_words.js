// What the server says, in the words of the page: fields in the place of options, own file names.

/** What the fields of a new device are called, here and in messages. */
export const FIELDS = {
  name: "Name",
  unit: "Unit of latencies",
  energy_unit: "Unit of energies",
  power_w: "Power while it computes, in W",
  batch_size: "Images per run",
  taken: "If the name is taken",
  method: "Model",
};

/** What may be done where the name is taken: the API's own word, and what the page calls it. */
export const TAKEN = { add: "add to its measurements", replace: "replace the device" };

const COMMAND = /(`hwnas [^`]*`)/; // is for a terminal, and stays as it is
const NAMES = "energy-unit|unit|batch-size|name|method|power-w|add|replace";
const OPTION = new RegExp(`\`?(?<![\\w-])--(${NAMES})(?: (ms|us|s|mJ|uJ|J|alone)\\b)?\`?(?![\\w-])`, "g");
const UPLOADED = /\bmeasurements-(\d+)\.(?:csv|json)\b/g;

/**
 * A message with fields of the page for options of the command line, and files by their own names, or, where those are
 * not known here, by that of the device that they are about.
 */
export function pageWords(text, files = [], device = null) {
  const called = (ours, number) => files[number - 1]?.name ?? (device ? `file ${number} of ${device}` : ours);
  const said = text.split(COMMAND).map((part) => (COMMAND.test(part) ? part : part.replace(OPTION, fieldOf)));
  return said.join("").replaceAll(UPLOADED, called);
}

function fieldOf(option, name, value, at, message) {
  const and = message.startsWith(" --", at + option.length) ? " and" : "";
  if (name in TAKEN) return `“${FIELDS.taken}: ${TAKEN[name]}”${and}`;
  return `“${FIELDS[name.replace("-", "_")]}${value ? `: ${value.replace(/^u/, "µ")}` : ""}”${and}`;
}
