"""An `adb` whose phone is a folder: `shell` runs there, with programs that print what those of a phone do."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

# `adb shell` of a Pixel 3, shortened; the folder of its files is another one here.
ADB = """#!{python}
import pathlib, shutil, subprocess, sys
phone = pathlib.Path({phone!r})
words = sys.argv[1:]
serial = words[1] if words[0] == "-s" else "8CKX1"
words = words[2:] if words[0] == "-s" else words
(phone / "adb.log").open("a").write(" ".join(words) + chr(10))
here = lambda text: text.replace("/data/local/tmp", str(phone / "tmp")).replace("/sys/", str(phone) + "/sys/").replace(
    "/proc/", str(phone) + "/proc/")
if (phone / "unplugged").exists():
    print("error: no devices/emulators found"); sys.exit(1)
if words == ["get-state"]:
    print("* daemon started successfully"); print("device")
elif words == ["get-serialno"]:
    print(serial)
elif words[0] == "push":
    shutil.copy(words[1], here(words[2])); print("1 file pushed")
else:
    path = str(phone / "bin")
    sys.exit(subprocess.run(["sh", "-c", here(words[1])], env={{"PATH": path + ":/usr/bin:/bin"}}).returncode)
"""
PROGRAMS = {
    "getprop": """case $1 in
        ro.product.manufacturer) echo Google;; ro.product.model) echo "Pixel 3";; ro.soc.model) echo;;
        ro.board.platform) echo sdm845;; ro.product.cpu.abi) echo arm64-v8a;; ro.build.version.release) echo 12;;
    esac""",
    "dumpsys": "printf 'Current Battery Service state:\\n  USB powered: true\\n  level: 83\\n  temperature: 287\\n'",
    "nproc": "echo 8",
    "taskset": 'echo "$1" > "$(dirname "$0")/../mask"; shift; exec "$@"',
}
FILES = {
    "proc/meminfo": "MemTotal:        3686400 kB\n",
    **{f"sys/devices/system/cpu/cpu{n}/cpufreq/scaling_cur_freq": f"{1000 + 200 * n}000\n" for n in range(2)},
    **{f"sys/devices/system/cpu/cpu{n}/cpufreq/cpuinfo_max_freq": f"{1766 + 1037 * n}400\n" for n in range(2)},
    **{f"sys/devices/system/cpu/cpu{n}/cpufreq/scaling_governor": "schedutil\n" for n in range(2)},
}
# Prints three times the size of the file, in microseconds, as benchmark_model does.
BENCHMARK_MODEL = """#!/bin/sh
for word in "$@"; do case $word in --graph=*) net=${word#--graph=};; esac; done
echo "$@" >> "$(dirname "$0")/benchmark.log"
size=$(wc -c < "$net")
us=$((size * 3))
echo "INFO: count=50 first=9999 curr=10 min=9 max=11 avg=$us std=1 p5=$size median=$us p95=$((size * 4))"
"""


def write_program(path: Path, text: str) -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def make_phone(folder: Path) -> dict[str, str]:
    """A phone in `folder/phone`, adb in `folder/tools`; returns the environment in which adb is found."""
    phone = folder / "phone"
    for name, text in FILES.items():
        (phone / name).parent.mkdir(parents=True, exist_ok=True)
        (phone / name).write_text(text)
    for name, text in PROGRAMS.items():
        write_program(phone / "bin" / name, f"#!/bin/sh\n{text}\n")
    write_program(folder / "tools" / "adb", ADB.format(python=sys.executable, phone=str(phone)))
    write_program(folder / "benchmark_model", BENCHMARK_MODEL)
    return {**os.environ, "PATH": f"{folder / 'tools'}:{os.environ['PATH']}"}
