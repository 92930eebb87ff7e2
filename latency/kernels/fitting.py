"""From profiles of networks to the kernel model of a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float
from hwnas.graphs import Kernel
from hwnas.latency.kernels.model import KernelModel
from hwnas.latency.kernels.regressor import calibrated, fit_regressor, held_out_logs
from hwnas.latency.kernels.rows import KernelRows, rows_by_kind
from hwnas.predictors.boosting import BoostingSettings
from hwnas.predictors.conformal import LEVELS, residual_quantiles

# Time that the profiler adds to a node, and that a network takes beside its nodes: searched on these grids, in ms.
_PROFILER_MS: Final = np.arange(0.0, 0.0081, 0.0005)
_OVERHEAD_MS: Final = np.array([0.0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.4])
# Of a node's time the profiler is never taken for more than this share.
_MOST_PROFILER: Final = 0.9
FINAL: Final = BoostingSettings(trees=300, leaves=15, min_rows=4, rate=0.06)
QUICK: Final = BoostingSettings(trees=60, leaves=12, min_rows=4, rate=0.15)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredNetwork:
    """A network whose kernels were timed. times_ms: of each kernel, by the profiler. nodes: how many each has."""

    kernels: tuple[Kernel, ...]
    times_ms: Float[Array, " k"]
    nodes: Float[Array, " k"]
    run_ms: float


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A model, the rows that it was fitted to, and its totals of networks when these were held out."""

    model: KernelModel
    rows: Mapping[str, KernelRows]
    run_ms: Float[Array, " n"]
    held_out_ms: Float[Array, " n"]

    @property
    def error_percent(self) -> float:
        """Median error of held-out totals."""
        return metrics.median_ape(self.run_ms, self.held_out_ms)


def profiler_costs(networks: Sequence[MeasuredNetwork]) -> tuple[float, float]:
    """Milliseconds that the profiler adds to a node, and that a network takes beside its nodes.

    Those that make whole runs from sums of nodes with the smallest mean logarithmic error.
    """
    runs = np.log([network.run_ms for network in networks])
    best = (np.inf, 0.0, 0.0)
    for profiler in _PROFILER_MS.tolist():
        sums = np.array([_true_times(network, profiler).sum() for network in networks])
        errors = np.abs(np.log(sums[:, None] + _OVERHEAD_MS) - runs[:, None]).mean(axis=0)
        column = int(errors.argmin())
        best = min(best, (float(errors[column]), profiler, float(_OVERHEAD_MS[column])))
    return best[1], best[2]


def fit_profiles(
    networks: Sequence[MeasuredNetwork],
    *,
    device: str,
    runtime: str,
    facts: Mapping[str, Any],
    settings: BoostingSettings = FINAL,
) -> Fit:
    """A model of latency, its intervals calibrated on networks that were held out in turn."""
    profiler, overhead = profiler_costs(networks)
    kernels = [kernel for network in networks for kernel in network.kernels]
    groups = [number for number, network in enumerate(networks) for _ in network.kernels]
    costs = np.concatenate([_true_times(network, profiler) for network in networks])
    rows = rows_by_kind(kernels, costs, groups)
    totals = np.full(len(networks), overhead)
    regressors = {}
    for kind, measured in rows.items():
        logs = held_out_logs(measured, settings=settings)
        regressor = calibrated(fit_regressor(measured, settings=settings, held_out=False), measured.costs, logs)
        regressors[kind] = regressor
        # Of a kind that one fold alone has seen there is no held-out cost: its measured one stands in.
        known = np.where(np.isfinite(logs), np.exp(logs), measured.costs)
        totals += np.bincount(measured.groups, known, minlength=len(networks))
    runs = np.array([network.run_ms for network in networks])
    errors = np.log(runs) - np.log(totals)
    model = KernelModel(
        device=device,
        runtime=runtime,
        target="latency",
        regressors=regressors,
        overhead=overhead,
        network_quantiles=residual_quantiles(errors, np.array(LEVELS)) if len(errors) >= 10 else None,
        facts={**facts, "networks": len(networks), "kernels": len(kernels), "profiler_ms": profiler,
               "held_out": _figures(runs, totals)},
    )  # fmt: skip
    return Fit(model=model, rows=rows, run_ms=runs, held_out_ms=totals)


def _figures(true: Float[Array, " n"], predicted: Float[Array, " n"]) -> dict[str, float]:
    return {
        "median_ape": round(metrics.median_ape(true, predicted), 2),
        "mape": round(metrics.mape(true, predicted), 2),
        "within_10": round(metrics.within(true, predicted), 1),
    }


def _true_times(network: MeasuredNetwork, profiler: float) -> Float[Array, " k"]:
    """Times of kernels without the profiler's."""
    return np.asarray(network.times_ms - np.minimum(network.nodes * profiler, _MOST_PROFILER * network.times_ms))
