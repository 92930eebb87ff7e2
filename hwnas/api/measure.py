"""Measure the nets of a kit on this machine, as the kit's agent does on a board: the same code, the same results."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from hwnas.devices.agent.busy import busy_note
from hwnas.devices.agent.campaign import Campaign, run_campaign, runtime_facts, usual_plan
from hwnas.devices.agent.files import AgentError, read_manifest
from hwnas.devices.agent.find_meter import choose_meter
from hwnas.devices.agent.litert import Litert
from hwnas.devices.agent.onnx_runtime import OnnxRuntime
from hwnas.devices.agent.runs import Runtime
from hwnas.errors import DataError, MissingExtraError, UnknownNameError, UsageError
from hwnas.latency.torch_runtime import TorchRuntime

RUNTIMES: Final = ("onnxruntime", "litert", "torch")
OF_THE_AGENT: Final = ("trtexec", "tflite", "command")
TFLITE_RUNTIMES: Final = ("litert", "tflite")  # read TFLite files
_NEEDED: Final = {"onnxruntime": ("onnxruntime", "onnx"), "torch": ("torch", "torch")}  # package, and its extra


@final
@dataclass(frozen=True, kw_only=True)
class MeasureSettings:
    """How a kit is measured.

    rounds: how often each net has its turn. threads: None for the runtime's choice. warmup_s, window_s: seconds before
    and of each measurement; None: 0.5 s of each, with a meter 1 s and 2 s. min_runs: of a net in a round, at least.
    idle_s: seconds in which idle power is measured. meter: auto, none, ina3221, nvml or rapl.
    """

    rounds: int = 5
    threads: int | None = None
    warmup_s: float | None = None
    window_s: float | None = None
    min_runs: int = 30
    idle_s: float = 5.0
    meter: str = "auto"


@final
@dataclass(frozen=True, kw_only=True)
class MeasureResult:
    """The results file and what it holds; its form stands in devices/agent/README.md.

    measured_before: how many of the measurements, each of one net in one round, were in the file already. measured_now:
    how many this call made; 0 where nothing was left. notes: what a careful reader should know.
    """

    path: Path
    results: dict[str, Any]
    measured_before: int
    measured_now: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        made = {"measured_before": self.measured_before, "measured_now": self.measured_now}
        return {"path": str(self.path), **made, "notes": list(self.notes), **self.results}


def measure(
    kit: Path,
    *,
    runtime: str | None = None,
    settings: MeasureSettings | None = None,
    out: Path | None = None,
    elsewhere: str = "another --out",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> MeasureResult:
    """Measure every net of the kit in every round, and write the results after each; what is there already is kept.

    runtime: "onnxruntime", "litert" or "torch"; None for what runs the files of the kit. out: results file, by default
    `results.json` in the kit. elsewhere: what the caller can give where that holds other results, for messages.
    progress: called with the numbers of measurements done and in all. Energy is measured where the machine has a meter
    that may be read; the results say why where it was not.
    Raises `UsageError` for a folder that is no whole kit of this version and for results of other settings,
    `UnknownNameError`, `MissingExtraError`, `DataError` where files cannot be read or written.
    """
    settings = settings or MeasureSettings()
    path = out or kit / "results.json"
    with _as_own_errors():
        engine = _runtime(kit, runtime or usual_runtime(kit), settings.threads)
        meter, no_meter = choose_meter(settings.meter, engine.uses_gpu)
        campaign = Campaign(
            kit=kit,
            out=path,
            runtime=engine,
            meter=meter,
            no_meter=no_meter,
            rounds=settings.rounds,
            plan=usual_plan(meter, settings.warmup_s, settings.window_s, settings.min_runs),
            idle_s=settings.idle_s,
            elsewhere=elsewhere,
        )
        counts: list[int] = []

        def report(done: int, total: int, _what: str) -> None:
            counts.append(done)
            progress(done, total)

        results = run_campaign(campaign, report)
    return MeasureResult(
        path=path,
        results=results,
        measured_before=counts[0],
        measured_now=counts[-1] - counts[0],
        notes=(busy,) if (busy := busy_note(results)) else (),
    )


def way_here(kit: Path, *, runtime: str, threads: int | None) -> dict[str, Any]:
    """Facts of device and runtime as results of measuring the kit here would state them; nothing is measured.

    Raises as `measure` does.
    """
    with _as_own_errors():
        engine = _runtime(kit, runtime, threads)
        return {"device": engine.device(), "runtime": runtime_facts(engine, read_manifest(kit))}


def usual_runtime(kit: Path) -> str:
    """The runtime that runs the files of a kit. Raises `AgentError` for a folder that is no kit."""
    return "litert" if read_manifest(kit).get("format") == "tflite" else "onnxruntime"


@contextmanager
def _as_own_errors() -> Iterator[None]:
    """Errors of the agent as those of this package."""
    try:
        yield
    except AgentError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise DataError(str(error)) from error


def _runtime(kit: Path, name: str, threads: int | None) -> Runtime:
    if name in OF_THE_AGENT:
        raise UsageError(f"runtime {name!r} is one of the agent's: run `python3 {kit / 'agent.py'} --runtime {name}`")
    if name not in RUNTIMES:
        raise UnknownNameError("runtime", name, RUNTIMES)
    if threads is not None and threads < 1:
        raise UsageError(f"expected at least one thread, got {threads}")
    package, extra = _NEEDED.get(name, ("", ""))
    if package and importlib.util.find_spec(package) is None:
        raise MissingExtraError(f"the runtime {name}", extra)
    manifest = read_manifest(kit)
    if name == "torch":
        return TorchRuntime(manifest, threads=threads)
    return Litert(threads) if name == "litert" else OnnxRuntime(threads)
