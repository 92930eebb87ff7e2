"""INA3221 power monitors of NVIDIA Jetson boards, read through sysfs.

JetPack 4 has `/sys/bus/i2c/drivers/ina3221x/*/iio:device*/` (`rail_name_N`, `in_powerN_input` in mW); JetPack 5 and 6
have `/sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/` (`inN_label`, `inN_input` in mV, `currN_input` in mA: Linux,
Documentation/hwmon/ina3221.rst).
"""

from pathlib import Path

from hwnas.devices.agent.host import read_text
from hwnas.devices.agent.meters import Meter, NoMeterError

# Rails that feed the whole module; on a board without one of these, all rails are added up.
INPUT_RAILS = ("VDD_IN", "POM_5V_IN", "VIN", "5V_IN")


class Ina3221(Meter):
    """All rails of all INA3221 chips below `root`, in watts."""

    name = "INA3221"
    lag_s = 0.2  # the driver averages up to some hundred conversions of about a millisecond

    def __init__(self, root: Path = Path("/")) -> None:
        found = dict(_iio_rails(root))
        found.update(_hwmon_rails(root))
        if not found:
            raise NoMeterError("no INA3221 below /sys/bus/i2c/drivers")
        self.rails = tuple(sorted(found))
        self._files = [found[rail] for rail in self.rails]
        inputs = [rail for rail in self.rails if rail in INPUT_RAILS]
        self.total = tuple(inputs[:1]) or self.rails
        self.facts = {"total": "rail " + inputs[0] if inputs else "sum of all rails"}
        try:
            self.read()
        except (OSError, ValueError) as error:
            raise NoMeterError(f"INA3221 cannot be read: {error}") from None

    def read(self) -> "list[float]":
        """Power of each rail: mW from one file, or mV times mA from two."""
        values = []
        for files in self._files:
            numbers = [float(path.read_text()) for path in files]
            values.append(numbers[0] / 1e3 if len(numbers) == 1 else numbers[0] * numbers[1] / 1e6)
        return values


def _iio_rails(root: Path) -> "list[tuple[str, list[Path]]]":
    rails = []
    for label in sorted(root.glob("sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_*")):
        number = label.name.rsplit("_", 1)[1]
        power = label.with_name(f"in_power{number}_input")
        if power.exists():
            rails.append((_name(label, "rail" + number), [power]))
    return [rail for rail in rails if rail[0] != "NC"]


def _hwmon_rails(root: Path) -> "list[tuple[str, list[Path]]]":
    rails = []
    # Inputs 4 to 7 are shunt voltages and their sum, not rails.
    for label in sorted(root.glob("sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/in[123]_label")):
        number = label.name[2]
        files = [label.with_name(f"in{number}_input"), label.with_name(f"curr{number}_input")]
        if all(path.exists() for path in files):
            rails.append((_name(label, "rail" + number), files))
    return [rail for rail in rails if rail[0] != "NC"]


def _name(label: Path, otherwise: str) -> str:
    """Name of a rail; "NC" is not connected."""
    return read_text(label) or otherwise
