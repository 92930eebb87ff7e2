"""What the machine says of itself: hardware, system, power mode, clocks, temperature. Absent facts are left out."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path


def read_text(path: Path) -> str:
    """Content of a small file without blanks and NULs around it; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n\t")
    except OSError:
        return ""


def host_facts(root: Path = Path("/")) -> "dict[str, object]":
    """Facts that stay as they are while nets are measured."""
    info = read_text(root / "proc/cpuinfo")
    model = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", info, re.M)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", read_text(root / "proc/meminfo"), re.M)
    release = read_text(root / "etc/os-release")
    pretty = re.search(r'^PRETTY_NAME="?([^"\n]+)', release, re.M)
    facts = {
        "host": platform.node(),
        "board": read_text(root / "proc/device-tree/model"),
        "cpu": model.group(1).strip() if model else platform.processor(),
        "machine": platform.machine(),
        "cores": usable_cores(),
        "memory_gb": round(int(memory.group(1)) / 2.0**20, 1) if memory else None,
        "os": pretty.group(1) if pretty else platform.system(),
        "kernel": platform.release(),
        "tegra": read_text(root / "etc/nv_tegra_release").split("\n")[0],
        "python": platform.python_version(),
        "power_mode": power_mode(),
        "governors": sorted(_distinct(root, "scaling_governor")),
        "cpu_max_mhz": _highest_mhz(root),
    }
    return {name: value for name, value in facts.items() if value not in (None, "", [])}


def conditions(root: Path = Path("/")) -> "dict[str, object]":
    """What may change from run to run: clocks (MHz), the highest temperature (°C), the load of the last minute.

    cores_online: of the whole machine, as the load is, also where this process may use fewer.
    """
    clocks = [value / 1e3 for value in _numbers(_all(root, "scaling_cur_freq"))]
    heat = [value / 1e3 for value in _numbers(map(read_text, root.glob("sys/class/thermal/thermal_zone*/temp")))]
    gpu = [value / 1e6 for value in _numbers(map(read_text, root.glob("sys/class/devfreq/*gpu*/cur_freq")))]
    found = {
        "cpu_mhz": round(sum(clocks) / len(clocks)) if clocks else None,
        "gpu_mhz": round(max(gpu)) if gpu else None,
        "temperature_c": round(max(heat), 1) if heat else None,
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "cores_online": os.cpu_count(),
    }
    return {name: value for name, value in found.items() if value is not None}


def power_mode() -> str:
    """Mode that `nvpmodel -q` of a Jetson names, such as "MAXN"; empty elsewhere."""
    found = re.search(r"NV Power Mode:\s*(\S+)", output_of(["nvpmodel", "-q"]))
    return found.group(1) if found else ""


def output_of(command: "list[str]") -> str:
    """What a short command prints; empty where it is not there or fails."""
    try:
        done = subprocess.check_output(
            command,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            universal_newlines=True,
            errors="replace",
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _numbers(texts: "Iterable[str]") -> "list[float]":
    """Those that are whole numbers: a sensor that is off has an empty file, or says so in words."""
    return [float(text) for text in texts if re.match(r"-?[0-9]+$", text)]


def _all(root: Path, name: str) -> "list[str]":
    paths = sorted(root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/" + name))
    return [text for text in map(read_text, paths) if text]


def _distinct(root: Path, name: str) -> "set[str]":
    return set(_all(root, name))


def _highest_mhz(root: Path) -> "int | None":
    limits = [value / 1e3 for value in _numbers(_all(root, "cpuinfo_max_freq"))]
    return round(max(limits)) if limits else None
