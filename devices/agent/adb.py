"""An Android phone on the other end of `adb`: files pushed to it, programs run on it, what it says of itself."""

import re
import shlex
from pathlib import Path

from hwnas.devices.agent.files import AgentError, sha256_of
from hwnas.devices.agent.host import output_of
from hwnas.devices.agent.runs import RunError
from hwnas.devices.agent.tools import find_tool, run_tool

PHONE_FOLDER = "/data/local/tmp/hwnas"  # where programs may be run without root
PROPERTIES = (
    *("ro.product.manufacturer", "ro.product.model", "ro.soc.model", "ro.board.platform"),
    *("ro.product.cpu.abi", "ro.build.version.release"),
)
CPU_FILES = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/"


class Phone:
    """The phone with this serial number, or the only one. Raises `AgentError` where adb reaches none."""

    def __init__(self, serial: str = "") -> None:
        self._adb = [find_tool("adb", "install Android's platform-tools"), *(["-s", serial] if serial else [])]
        state = output_of([*self._adb, "get-state"]).strip().splitlines()
        if state[-1:] != ["device"]:
            raise AgentError(
                "adb reaches no phone ({}): enable USB debugging and allow this computer on its screen; `adb devices` "
                "lists what is there, --adb SERIAL chooses one".format(state[-1] if state else "no answer")
            )
        self._pushed = {}  # type: dict[str, str]

    def command(self, words: "list[str]") -> "list[str]":
        """The command of this computer that runs a program on the phone."""
        return [*self._adb, "shell", " ".join(map(shlex.quote, words))]

    def shell(self, text: str) -> str:
        """What a short command prints there; empty where it fails."""
        return output_of([*self._adb, "shell", text])

    def push(self, path: Path) -> str:
        """Copy a file to the phone, once; its place there, whose name tells its content. Raises `RunError`."""
        key = str(path)
        if key not in self._pushed:
            place = f"{PHONE_FOLDER}/{sha256_of(path)[:12]}-{path.name}"
            self.shell("mkdir -p " + PHONE_FOLDER)
            run_tool([*self._adb, "push", key, place])
            self._pushed[key] = place
        return self._pushed[key]

    def program(self, tool: str) -> str:
        """A program of the phone: a file of this computer, which is pushed, or a path there. Raises `AgentError`."""
        if not Path(tool).is_file():
            if self.shell(f"ls {shlex.quote(tool)} 2>/dev/null").strip():
                return tool
            raise AgentError(
                f"program {tool!r} is neither a file here nor on the phone; give the path of one for Android with "
                "--tool"
            )
        try:
            place = self.push(Path(tool))
        except RunError as error:
            raise AgentError(f"{tool} cannot be pushed to the phone: {error}") from None
        self.shell("chmod 755 " + shlex.quote(place))
        return place

    def facts(self) -> "dict[str, object]":
        """Facts of the phone under the names that `host_facts` gives those of a computer."""
        said = self.shell("for name in {}; do echo $name=$(getprop $name); done".format(" ".join(PROPERTIES)))
        known = {name: value.strip() for name, value in re.findall(r"^([a-z.]+)=(.*)$", said, re.M)}
        memory = re.search(r"MemTotal:\s*(\d+) kB", self.shell("cat /proc/meminfo"))
        cores = self.shell("nproc").strip()
        limits = phone_numbers(self.shell(f"cat {CPU_FILES}cpuinfo_max_freq"))
        board = " ".join(filter(None, [known.get("ro.product.manufacturer"), known.get("ro.product.model")]))
        facts = {
            "host": output_of([*self._adb, "get-serialno"]).strip(),
            "board": board,
            "cpu": known.get("ro.soc.model") or known.get("ro.board.platform"),
            "machine": known.get("ro.product.cpu.abi"),
            "cores": int(cores) if cores.isdigit() else None,
            "memory_gb": round(int(memory.group(1)) / 2.0**20, 1) if memory else None,
            "os": "Android " + known["ro.build.version.release"] if known.get("ro.build.version.release") else None,
            "governors": sorted(set(self.shell(f"cat {CPU_FILES}scaling_governor").split())),
            "cpu_max_mhz": round(max(limits) / 1e3) if limits else None,
        }
        return {name: value for name, value in facts.items() if value not in (None, "", [])}

    def conditions(self) -> "dict[str, object]":
        """Clocks (MHz), temperature (°C) and charge (%) of the battery: a warm phone is a slow one."""
        said = self.shell(f"dumpsys battery; cat {CPU_FILES}scaling_cur_freq")
        battery = {name: int(value) for name, value in re.findall(r"^\s*(temperature|level): (\d+)\s*$", said, re.M)}
        clocks = phone_numbers(said)
        found = {
            "cpu_mhz": round(sum(clocks) / len(clocks) / 1e3) if clocks else None,
            "temperature_c": battery["temperature"] / 10 if "temperature" in battery else None,
            "battery_percent": battery.get("level"),
        }
        return {name: value for name, value in found.items() if value is not None}


def phone_numbers(text: str) -> "list[int]":
    """Lines that are whole numbers."""
    return [int(line) for line in text.split("\n") if re.match(r"\d+\s*$", line)]
