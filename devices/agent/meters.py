"""Energy over a window of time, from sensors that give a power or count energy.

A sensor that fails, or reads 0 all the time, gives "not measured" with the reason and never 0.
"""

import threading
import time
from collections import deque
from typing import Any, NamedTuple

MIN_READINGS = 5


class Meter:
    """A sensor with named rails.

    name: such as "INA3221". rails: in the order of `read`. total: the rails whose sum is the device's power.
    counts: True where `read` gives joules since some start, False where it gives watts.
    lag_s: time over which the sensor averages; a window opens only after the load has run for so long.
    facts: what else should be known of the readings.
    """

    name: str
    rails: "tuple[str, ...]"
    total: "tuple[str, ...]"
    facts: "dict[str, Any]"
    counts = False
    lag_s = 0.0

    def read(self) -> "list[float]":
        """Watts or joules of each rail. Raises `OSError` where the sensor cannot be read."""
        raise NotImplementedError


class NoMeterError(Exception):
    """There is no such sensor here, or it may not be read; the message says why."""


class Window(NamedTuple):
    """Energy between two moments. joules: by rail; total_j: None where it was not measured, then `reason` says why."""

    seconds: float
    joules: "dict[str, float]"
    total_j: "float | None"
    reason: str
    zero_rails: "list[str]"


class EnergyRecorder:
    """Reads a meter in a thread of its own, from `with` to its end."""

    def __init__(self, meter: Meter, period_s: float = 0.05, kept: int = 40000) -> None:
        self.meter = meter
        self._period_s = period_s
        self._readings = deque(maxlen=kept)  # type: deque[tuple[float, list[float]]]
        self._failure = ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._record, daemon=True)

    def __enter__(self) -> "EnergyRecorder":
        self._read()  # so that a window may open at once
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _record(self) -> None:
        while not self._done.is_set():
            self._read()
            self._done.wait(self._period_s)

    def _read(self) -> None:
        before = time.perf_counter()
        try:
            values = self.meter.read()
        except (OSError, ValueError) as error:
            self._failure = str(error)
            return
        # Reading several rails over I2C takes milliseconds: the middle is the fairest single moment.
        self._readings.append(((before + time.perf_counter()) / 2, values))

    def window(self, start: float, end: float) -> Window:
        """Energy from `start` to `end`, both of `time.perf_counter`, the latter not in the future."""
        while self._thread.is_alive() and (not self._readings or self._readings[-1][0] < end):
            if time.perf_counter() > end + 2:
                break
            time.sleep(self._period_s / 5)
        readings = list(self._readings)
        return energy_between(readings, self.meter, start, end, self._failure)


def energy_between(
    readings: "list[tuple[float, list[float]]]", meter: Meter, start: float, end: float, failure: str = ""
) -> Window:
    """Energy from readings at rising times: differences of a counter, or the trapezoid rule over a power."""
    inside = [values for moment, values in readings if start <= moment <= end]
    if len(inside) < MIN_READINGS or readings[0][0] > start or readings[-1][0] < end:
        why = f"{meter.name} gave {len(inside)} readings in {end - start:.2f} s, at least {MIN_READINGS} are needed"
        return Window(end - start, {}, None, why + (": " + failure if failure else ""), [])
    times = [moment for moment, _ in readings]
    joules = {}  # type: dict[str, float]
    for column, rail in enumerate(meter.rails):
        values = [row[column] for _, row in readings]
        if meter.counts:
            joules[rail] = value_at(times, values, end) - value_at(times, values, start)
        else:
            joules[rail] = area(times, values, start, end)
    zero = [rail for rail in meter.rails if joules[rail] == 0.0]
    total = sum(joules[rail] for rail in meter.total)
    reason = "" if total > 0 else "{} sensor reads 0 ({})".format(meter.name, ", ".join(meter.total))
    return Window(end - start, joules, total if total > 0 else None, reason, zero)


def value_at(times: "list[float]", values: "list[float]", moment: float) -> float:
    """Linear interpolation; `moment` lies between the first and the last time."""
    after = next(number for number, known in enumerate(times) if known >= moment)
    if after == 0:
        return values[0]
    step = times[after] - times[after - 1]
    share = (moment - times[after - 1]) / step
    return values[after - 1] + share * (values[after] - values[after - 1])


def area(times: "list[float]", values: "list[float]", start: float, end: float) -> float:
    """Area under the readings joined by straight lines."""
    inside = [number for number, moment in enumerate(times) if start < moment < end]
    moments = [start] + [times[number] for number in inside] + [end]
    powers = [value_at(times, values, start)] + [values[number] for number in inside] + [value_at(times, values, end)]
    return sum((moments[n + 1] - moments[n]) * (powers[n] + powers[n + 1]) / 2 for n in range(len(moments) - 1))
