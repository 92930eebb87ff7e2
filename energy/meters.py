"""Energy of anything that can be called, by the meters of this machine: those that the measuring agent reads on boards.

The meters themselves, INA3221, NVML and RAPL, are files of `devices/agent`, because a kit takes them along.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.find_meter import choose_meter
from hwnas.devices.agent.meters import EnergyRecorder, Meter
from hwnas.devices.agent.runs import Plan, time_runs
from hwnas.errors import DataError, UsageError


@final
@dataclass(frozen=True, kw_only=True)
class EnergyMeasurement:
    """Energy of one run, idle power included, and how it was measured.

    energy_mj: mean over the runs of the window. idle_power_w: before, while nothing ran. total: the rails that count.
    """

    energy_mj: float
    rails_mj: dict[str, float]
    idle_power_w: float
    latency_ms: float
    runs: int
    window_s: float
    meter: str
    total: tuple[str, ...]


def open_meter(name: str = "auto", *, uses_gpu: bool = False) -> Meter:
    """The meter called `name`: "ina3221", "nvml" or "rapl"; "auto" for the first that is here.

    Raises `UsageError` where there is none, with the reason.
    """
    try:
        meter, reason = choose_meter(name, uses_gpu)
    except AgentError as error:
        raise UsageError(str(error)) from error
    if meter is None:
        raise UsageError(f"expected an energy meter on this machine, got none: {reason}")
    return meter


def measure_energy(
    run: Callable[[], object], *, meter: Meter, window_s: float = 2.0, idle_s: float = 2.0
) -> EnergyMeasurement:
    """Energy of calls of `run`, which must return when the work is done, over a window of at least `window_s`.

    Raises `DataError` where the meter fails or reads 0: that is "not measured", never 0 mJ.
    """
    with EnergyRecorder(meter) as recorder:
        start = time.perf_counter()
        time.sleep(idle_s)
        idle = recorder.window(start, time.perf_counter())
        burst = time_runs(run, Plan(warmup_s=max(0.5, meter.lag_s), window_s=window_s))
        window = recorder.window(burst.start, burst.end)
    if window.total_j is None or idle.total_j is None:
        raise DataError(f"energy was not measured: {window.reason or idle.reason}; use another meter")
    assert burst.runs is not None  # runs inside this process are counted
    return EnergyMeasurement(
        energy_mj=window.total_j / burst.runs * 1e3,
        rails_mj={rail: joules / burst.runs * 1e3 for rail, joules in window.joules.items() if joules},
        idle_power_w=idle.total_j / idle.seconds,
        latency_ms=burst.latency_ms["median"],
        runs=burst.runs,
        window_s=window.seconds,
        meter=meter.name,
        total=meter.total,
    )
