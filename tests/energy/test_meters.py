"""Energy meters on made-up sysfs trees and a made-up NVML, against closed forms."""

from __future__ import annotations

import ctypes
import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.find_meter import choose_meter
from hwnas.devices.agent.ina3221 import Ina3221
from hwnas.devices.agent.meters import EnergyRecorder, Meter, NoMeterError, area, energy_between, value_at
from hwnas.devices.agent.nvml import Nvml
from hwnas.devices.agent.rapl import Rapl
from hwnas.energy import meters
from hwnas.errors import DataError, UsageError


def write(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")
    return root


def jetpack4(root: Path) -> Path:
    """A Jetson TX2 as JetPack 4 shows it: two chips, one channel not connected."""
    chip = "sys/bus/i2c/drivers/ina3221x/0-004{}/iio:device{}/"
    names = {0: ("VDD_SYS_GPU", "VDD_SYS_SOC", "NC"), 1: ("VDD_IN", "VDD_SYS_CPU", "VDD_SYS_DDR")}
    milliwatts = {0: (152, 381, 7), 1: (2478, 305, 0)}
    files: dict[str, object] = {}
    for number, rails in names.items():
        for channel, rail in enumerate(rails):
            files[chip.format(number, number) + f"rail_name_{channel}"] = rail
            files[chip.format(number, number) + f"in_power{channel}_input"] = milliwatts[number][channel]
    return write(root, files)


def jetpack6(root: Path) -> Path:
    """A Jetson AGX Orin as JetPack 6 shows it: no rail feeds the others; input 7 is a sum of shunt voltages."""
    chip = "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/"
    files: dict[str, object] = {chip + "in7_label": "sum of shunt voltages", chip + "in7_input": 9999}
    for channel, (rail, millivolts, milliamperes) in enumerate(
        [("VDD_GPU_SOC", 19000, 200), ("VDD_CPU_CV", 19000, 50), ("VIN_SYS_5V0", 5000, 600)], start=1
    ):
        files |= {chip + f"in{channel}_label": rail, chip + f"in{channel}_input": millivolts}
        files[chip + f"curr{channel}_input"] = milliamperes
    return write(root, files)


def test_ina3221_of_jetpack_4(tmp_path: Path) -> None:
    meter = Ina3221(jetpack4(tmp_path))
    assert meter.total == ("VDD_IN",) and "NC" not in meter.rails and len(meter.rails) == 5
    values = dict(zip(meter.rails, meter.read(), strict=True))
    assert values["VDD_IN"] == pytest.approx(2.478) and values["VDD_SYS_GPU"] == pytest.approx(0.152)


def test_ina3221_of_jetpack_6_adds_rails_up_in_watts(tmp_path: Path) -> None:
    meter = Ina3221(jetpack6(tmp_path))
    assert meter.total == ("VDD_CPU_CV", "VDD_GPU_SOC", "VIN_SYS_5V0")
    # 19 V x 0.05 A, 19 V x 0.2 A, 5 V x 0.6 A
    assert meter.read() == pytest.approx([0.95, 3.8, 3.0])
    assert meter.facts["total"] == "sum of all rails"


def rapl_tree(root: Path, counter_uj: int = 1000) -> Path:
    files: dict[str, object] = {}
    for zone, name in {"0": "package-0", "0:0": "core", "0:1": "dram", "1": "package-1"}.items():
        folder = f"sys/class/powercap/intel-rapl:{zone}/"
        files |= {folder + "name": name, folder + "energy_uj": counter_uj, folder + "max_energy_range_uj": 2_000_000}
    return write(root, files)


def test_rapl_adds_packages_and_memory_and_undoes_the_wrap(tmp_path: Path) -> None:
    meter = Rapl(rapl_tree(tmp_path, 1_900_000))
    assert set(meter.total) == {"package-0", "package-0/dram", "package-1"} and "package-0/core" in meter.rails
    before = meter.read()
    rapl_tree(tmp_path, 100_000)
    # 1.9 J to the end of the range at 2.0 J, and 0.1 J after it
    assert [after - first for after, first in zip(meter.read(), before, strict=True)] == pytest.approx([0.2] * 4)
    rapl_tree(tmp_path, 50_000)
    assert meter.read()[0] - before[0] == pytest.approx(2.15)


@pytest.mark.parametrize("name", ["psys", "psys-1"])
def test_psys_counts_the_whole_platform(tmp_path: Path, name: str) -> None:
    """Linux 5.10 and later call it psys-1 where another package than the first counts it; it is no package beside."""
    rapl_tree(tmp_path)
    folder = "sys/class/powercap/intel-rapl:2/"
    write(tmp_path, {folder + "name": name, folder + "energy_uj": 5, folder + "max_energy_range_uj": 9})
    assert Rapl(tmp_path).total == (name,)


def test_a_meter_that_is_not_there_says_so(tmp_path: Path) -> None:
    for kind in (Ina3221, Rapl):
        with pytest.raises(NoMeterError, match="no "):
            kind(tmp_path)
    chip = jetpack4(tmp_path / "b") / "sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1/in_power0_input"
    chip.write_text("")
    with pytest.raises(NoMeterError, match="cannot be read"):
        Ina3221(tmp_path / "b")
    assert choose_meter("auto", root=tmp_path)[0] is None
    assert "INA3221" in choose_meter("auto", root=tmp_path)[1] and "RAPL" in choose_meter("auto", root=tmp_path)[1]
    with pytest.raises(AgentError, match="meter rapl"):
        choose_meter("rapl", root=tmp_path)
    with pytest.raises(AgentError, match="got 'wattmeter'"):
        choose_meter("wattmeter")
    assert choose_meter("none") == (None, "no meter was wanted")


def test_the_board_counts_before_the_processor(tmp_path: Path) -> None:
    rapl_tree(tmp_path)
    assert choose_meter("auto", root=tmp_path)[0].name == "RAPL"
    jetpack4(tmp_path)
    assert choose_meter("auto", uses_gpu=True, root=tmp_path)[0].name == "INA3221"


class FakeNvml:
    """A GPU of 250 W; `counter` False for one that is older than Volta."""

    def __init__(self, *, counter: bool = True, power_code: int = 0) -> None:
        self.counter, self.power_code = counter, power_code

    def nvmlInit_v2(self) -> int:  # noqa: N802 - the library's names
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: ctypes.c_uint, handle: object) -> int:  # noqa: N802
        return 0 if index.value == 0 else 6

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: object, out: object) -> int:  # noqa: N802
        out._obj.value = 123_456  # type: ignore[attr-defined]
        return 0 if self.counter else 3

    def nvmlDeviceGetPowerUsage(self, handle: object, out: object) -> int:  # noqa: N802
        out._obj.value = 250_000  # type: ignore[attr-defined]
        return self.power_code

    def nvmlDeviceGetName(self, handle: object, text: ctypes.Array, length: object) -> int:  # noqa: N802
        text.value = b"Fake GPU"
        return 0


def test_nvml_counts_or_averages() -> None:
    counter = Nvml(library=FakeNvml())
    assert counter.counts and counter.read() == [123.456] and counter.facts["gpu_name"] == "Fake GPU"
    power = Nvml(library=FakeNvml(counter=False))
    assert not power.counts and power.read() == [250.0] and power.lag_s >= 1
    with pytest.raises(NoMeterError, match="not supported"):
        Nvml(library=FakeNvml(counter=False, power_code=3))
    with pytest.raises(NoMeterError, match="no GPU of this number"):
        Nvml(7, library=FakeNvml())


class Made(Meter):
    """A meter whose readings a test makes up."""

    name, rails, total, facts = "made-up", ("in", "part"), ("in",), {}

    def __init__(self, *, counts: bool = False, watts: float = 3.0, fails: bool = False) -> None:
        self.counts, self.watts, self.fails = counts, watts, fails

    def read(self) -> list[float]:
        if self.fails:
            raise OSError("bus error")
        return [self.watts * time.perf_counter() if self.counts else self.watts, 0.0]


@given(
    start=st.floats(0.5, 4),
    length=st.floats(1, 4),
    offset=st.floats(0, 10),
    slope=st.floats(0.1, 3),
    step=st.floats(0.01, 0.1),
)
def test_energy_of_a_rising_power_and_of_its_counter(
    start: float, length: float, offset: float, slope: float, step: float
) -> None:
    """Of a power a + b t the energy is a (t1 - t0) + b (t1² - t0²) / 2; the trapezoid rule is exact for it."""
    end = start + length
    times = [number * step for number in range(math.ceil(10 / step))]
    exact = offset * length + slope * (end**2 - start**2) / 2
    power = energy_between([(t, [offset + slope * t, 0.0]) for t in times], Made(), start, end)
    assert power.total_j == pytest.approx(exact) and power.zero_rails == ["part"] and power.reason == ""
    counted = [(t, [offset * t + slope * t**2 / 2, 0.0]) for t in times]
    counter = energy_between(counted, Made(counts=True), start, end)
    # Between readings a counter is taken as a straight line: off by at most slope x step² / 8 at either end.
    assert counter.total_j == pytest.approx(exact, abs=slope * step**2 / 4 + 1e-9)


def test_interpolation_and_area_by_hand() -> None:
    times, watts = [0.0, 1.0, 3.0], [2.0, 4.0, 0.0]
    assert [value_at(times, watts, t) for t in (0.0, 0.5, 2.0, 3.0)] == [2.0, 3.0, 2.0, 0.0]
    assert area(times, watts, 0.5, 2.0) == pytest.approx(0.5 * 3.5 + 1.0 * 3.0)


def test_a_constant_zero_is_not_measured() -> None:
    readings = [(number / 10, [0.0, 1.0]) for number in range(50)]
    window = energy_between(readings, Made(), 1.0, 3.0)
    assert window.total_j is None and window.reason == "made-up sensor reads 0 (in)" and window.zero_rails == ["in"]


def test_too_few_readings_are_not_measured() -> None:
    readings = [(float(number), [5.0, 1.0]) for number in range(10)]
    assert "gave 2 readings in 1.50 s" in energy_between(readings, Made(), 0.5, 2.0).reason
    assert energy_between(readings, Made(), 3.0, 20.0).total_j is None, "the window goes on after the last reading"
    assert energy_between([], Made(), 0.0, 1.0, "bus error").reason.endswith("bus error")


@pytest.mark.parametrize("counts", [False, True])
def test_the_recorder_measures_a_constant_power(counts: bool) -> None:
    with EnergyRecorder(Made(counts=counts), period_s=0.005) as recorder:
        start = time.perf_counter()
        time.sleep(0.1)
        window = recorder.window(start + 0.02, time.perf_counter())
    # A counter is read a moment before or after the time that it is noted with.
    assert window.total_j == pytest.approx(3.0 * window.seconds, rel=0.05 if counts else 1e-6)


def test_the_recorder_says_why_a_sensor_fails() -> None:
    with EnergyRecorder(Made(fails=True), period_s=0.005) as recorder:
        start = time.perf_counter()
        time.sleep(0.03)
        window = recorder.window(start, start + 0.02 - 3)
    assert window.total_j is None and "bus error" in window.reason


def test_energy_of_a_call() -> None:
    meter = Made()
    found = meters.measure_energy(lambda: time.sleep(0.002), meter=meter, window_s=0.4, idle_s=0.3)
    # 3 W all the time: the energy of a run is 3 W times the window over the number of runs.
    assert found.energy_mj == pytest.approx(3.0 * found.window_s / found.runs * 1e3)
    assert found.idle_power_w == pytest.approx(3.0) and found.rails_mj.keys() == {"in"} and found.runs >= 30
    with pytest.raises(DataError, match="reads 0"):
        meters.measure_energy(lambda: time.sleep(0.002), meter=Made(watts=0.0), window_s=0.3, idle_s=0.3)


def test_no_meter_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "choose_meter", lambda name, uses_gpu: (None, "no RAPL zones"))
    with pytest.raises(UsageError, match="got none: no RAPL zones"):
        meters.open_meter()
    monkeypatch.undo()
    with pytest.raises(UsageError, match="expected a meter of auto"):
        meters.open_meter("wattmeter")
