"""Whether a runtime executes two operators as one, measured on this machine and compared with the rules."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.devices.agent.onnx_runtime import OnnxRuntime
from hwnas.devices.agent.runs import Plan
from hwnas.errors import UnknownNameError, UsageError
from hwnas.graphs import kernels_of, read_onnx
from hwnas.graphs.fusion.pairs import pair_files
from hwnas.graphs.graph import Shape
from hwnas.results import SCHEMA_VERSION
from hwnas.version import __version__

ALPHA: Final = 0.5  # of the cheaper operator's time that a fusion must save (Zhang 2021, section 4.1)
MEASURED: Final = ("onnxruntime",)
REPEATS: Final = 4  # of every operator in a row, so that a cheap one takes longer than the noise
_DRAWS: Final = 2000
_PLAN: Final = Plan(warmup_s=0.05, window_s=0.1, min_runs=5)


@final
@dataclass(frozen=True, kw_only=True)
class FusionResult:
    """What two operators take alone and together, in ms, without the cost of a run as such.

    saved: (first + second - both) / min(first, second), medians over the rounds; lower, upper: its 90 % interval.
    verdict: "fused" where the interval lies above `ALPHA`, "separate" where it lies below, else "undecided"; where the
    cheaper one cannot be told from noise there is no share.
    by_rules: how many kernels the rules of the runtime make of both. rounds: in which each file had its turn.
    """

    first: str
    second: str
    runtime: str
    shape: Shape
    first_ms: float
    second_ms: float
    both_ms: float
    saved: float | None
    lower: float | None
    upper: float | None
    verdict: str
    by_rules: int
    rounds: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, **vars(self), "shape": list(self.shape)}


def measure_fusion(
    first: str,
    second: str,
    *,
    runtime: str = "onnxruntime",
    shape: Shape = (1, 8, 112, 112),
    rounds: int = 9,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> FusionResult:
    """Time `first`, `second`, both in a row and an empty network, on one thread, each once in every round.

    Raises `UnknownNameError`, `UsageError`, `MissingExtraError` without onnx, `AgentError` without the runtime.
    """
    if runtime not in MEASURED:
        raise UnknownNameError("runtime that can be measured here", runtime, MEASURED)
    if rounds < 3:
        raise UsageError(f"expected at least 3 rounds, got {rounds}")
    files = pair_files(first, second, shape=shape, repeats=REPEATS)
    agent = OnnxRuntime(threads=1)
    times = np.zeros((rounds, len(files)))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.onnx" for name in files]
        for path, content in zip(paths, files.values(), strict=True):
            path.write_bytes(content)
        for turn in range(rounds):
            for number, path in enumerate(paths):
                times[turn, number] = agent.measure(path, _PLAN).latency_ms["median"]
                progress(turn * len(paths) + number + 1, times.size)
    single = pair_files(first, second, shape=shape)["both"]
    kernels = [k for k in kernels_of(read_onnx(single), runtime) if k.kind not in ("reorder", "reshape")]
    return FusionResult(
        first=first,
        second=second,
        runtime=runtime,
        shape=shape,
        by_rules=len(kernels),
        rounds=rounds,
        **judged(times / REPEATS),
    )


def judged(times: Float[Array, "r 4"]) -> dict[str, Any]:
    """The verdict on times (ms) of the first, the second, both and the empty network in each of r rounds.

    The interval is a percentile bootstrap over rounds, seeded.
    """
    costs = times[:, :3] - times[:, 3:]
    least = np.minimum(costs[:, 0], costs[:, 1])
    gains = costs[:, 0] + costs[:, 1] - costs[:, 2]
    draws = np.random.default_rng(0).integers(len(times), size=(_DRAWS, len(times)))
    bases = np.median(least[draws], axis=1)
    first_ms, second_ms, both_ms = np.median(costs, axis=0).tolist()
    found: dict[str, Any] = {"first_ms": first_ms, "second_ms": second_ms, "both_ms": both_ms}
    if np.quantile(bases, 0.05) <= 0:
        return {**found, "saved": None, "lower": None, "upper": None, "verdict": "undecided"}
    shares = np.median(gains[draws], axis=1)[bases > 0] / bases[bases > 0]
    lower, upper = np.quantile(shares, [0.05, 0.95]).tolist()
    verdict = "fused" if lower > ALPHA else "separate" if upper < ALPHA else "undecided"
    saved = float(np.median(gains) / np.median(least))
    return {**found, "saved": saved, "lower": lower, "upper": upper, "verdict": verdict}
