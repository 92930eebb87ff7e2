"""What a runtime is to the agent, and how runs inside this process are timed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hwnas.devices.agent.host import conditions, host_facts
from hwnas.devices.agent.timings import spread_of_runs


class Plan(NamedTuple):
    """How long one net is run in one round.

    warmup_s: unmeasured, at least three runs. window_s: measured, and at least `min_runs` runs; but no net takes
    longer than `limit_s` once it has three runs.
    """

    warmup_s: float = 0.5
    window_s: float = 1.0
    min_runs: int = 30
    limit_s: float = 60.0


class Burst(NamedTuple):
    """One net measured in one round.

    latency_ms: "median" at least; of inner percentiles what is known. statistic: what "median" is made of.
    runs: how many, None where a tool does not say. start, end: `time.perf_counter` around the measured runs alone.
    """

    latency_ms: "dict[str, float]"
    runs: "int | None"
    start: float
    end: float
    statistic: str = "median of single runs"


class RunError(Exception):
    """A net could not be run; the message is kept in the results, and the other nets go on."""


class Runtime:
    """Something that runs a net file.

    uses_gpu: whether the GPU's energy is what counts. reads: formats of kits that it can run; none for any.
    elsewhere: why no meter of this machine counts, where the nets run on another one; empty where they run here.
    """

    name: str
    uses_gpu = False
    reads = ()  # type: tuple[str, ...]
    elsewhere = ""

    def facts(self) -> "dict[str, Any]":
        """Versions and settings; results measured with other ones are not continued."""
        raise NotImplementedError

    def device(self) -> "dict[str, object]":
        """Facts of the machine on which the nets run; of this one unless said otherwise."""
        return host_facts()

    def conditions(self) -> "dict[str, object]":
        """What may change there from run to run."""
        return conditions()

    def measure(self, path: Path, plan: Plan) -> Burst:
        """Run the net in the file `path`. Raises `RunError`."""
        raise NotImplementedError


def time_runs(run: "Callable[[], object]", plan: Plan) -> Burst:
    """Warm up, then time single runs one after the other; `run` must return when the work is done."""
    begin = time.perf_counter()
    warm = 0
    while warm < 3 or time.perf_counter() - begin < plan.warmup_s:
        run()
        warm += 1
    times_ms = []  # type: list[float]
    start = end = time.perf_counter()
    while (end - start < plan.window_s or len(times_ms) < plan.min_runs) and (
        end - start < plan.limit_s or len(times_ms) < 3
    ):
        before = time.perf_counter()
        run()
        end = time.perf_counter()
        times_ms.append((end - before) * 1e3)
    return Burst(spread_of_runs(times_ms), len(times_ms), start, end)
