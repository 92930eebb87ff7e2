"""RAPL energy counters of Intel and AMD processors (Linux, Documentation/power/powercap/powercap.rst)."""

import re
from pathlib import Path

from hwnas.devices.agent.host import read_text
from hwnas.devices.agent.meters import Meter, NoMeterError


class Rapl(Meter):
    """Counters of all zones below `root`, in joules; they wrap around, which `read` undoes."""

    name = "RAPL"
    counts = True

    def __init__(self, root: Path = Path("/")) -> None:
        # `intel-rapl:0` is a package, `intel-rapl:0:1` a part of it; `intel-rapl-mmio:0` counts a package again.
        folders = sorted(root.glob("sys/class/powercap/intel-rapl:*"))
        if not folders:
            raise NoMeterError("no RAPL zones below /sys/class/powercap")
        names = [_zone_name(folder) for folder in folders]
        self.rails = tuple(names)
        self._files = [folder / "energy_uj" for folder in folders]
        self._ranges = [float(read_text(folder / "max_energy_range_uj") or 0) for folder in folders]
        self._last = [0.0] * len(folders)
        self._wrapped = [0.0] * len(folders)
        # Linux calls it `psys-1` where package 1 of several counts it: the packages are in it there too.
        platform = [name for name in names if re.match(r"psys(-[0-9]+)?$", name)]
        # Memory is a zone inside its package's folder, but its energy is not part of the package's.
        parts = [name for name in names if "/" not in name or name.endswith("/dram")]
        self.total = tuple(platform[:1] or parts)
        self.facts = {"total": " + ".join(self.total)}
        try:
            self.read()
        except (OSError, ValueError) as error:
            advice = "run as root, or `sudo chmod a+r` the energy_uj files"
            raise NoMeterError(f"RAPL cannot be read: {error}; {advice}") from None

    def read(self) -> "list[float]":
        """Joules of each zone since an arbitrary start, never falling."""
        values = []
        for number, path in enumerate(self._files):
            counted = float(path.read_text())
            if counted < self._last[number]:
                self._wrapped[number] += self._ranges[number]
            self._last[number] = counted
            values.append((counted + self._wrapped[number]) / 1e6)
        return values


def _zone_name(folder: Path) -> str:
    """`package-0`, or `package-0/dram` for a part of one."""
    name = read_text(folder / "name") or folder.name
    parent = folder.with_name(folder.name.rsplit(":", 1)[0])
    above = read_text(parent / "name") if folder.name.count(":") == 2 else ""
    return above + "/" + name if above else name
