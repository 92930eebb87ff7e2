"""A device's kernel model: one regressor for each kind, and what whole networks cost beside their kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, final, runtime_checkable

import numpy as np

from hwnas.arrays import Array, Bool, Float
from hwnas.errors import UsageError
from hwnas.estimates import UNITS, Target
from hwnas.graphs import Kernel
from hwnas.latency.kernels.rows import feature_matrix
from hwnas.predictors.conformal import LEVELS

# Outside of what was measured an interval widens: an error of 10 % is taken for 20 % at twice the largest size.
_WIDER_PER_DOUBLING: Final = 1.0


@runtime_checkable
class Regressor(Protocol):
    """What gives the costs of kernels of one kind: `KernelRegressor`, or what was made elsewhere.

    quantiles: of logarithmic held-out errors at `LEVELS`. rows: how many kernels were measured, 0 where that is not
    known. error_percent: median held-out error, NaN where none is known.
    """

    @property
    def kind(self) -> str: ...
    @property
    def quantiles(self) -> Float[Array, " l"]: ...
    @property
    def rows(self) -> int: ...
    @property
    def error_percent(self) -> float: ...

    def predict(self, features: Float[Array, "n f"]) -> Float[Array, " n"]:
        """Costs by the features of `feature_names(kind)`, positive; NaN for kernels that it cannot tell the cost of."""
        ...

    def outside(self, features: Float[Array, "n f"]) -> Float[Array, " n"]:
        """The factor by which a kernel lies outside of what was measured: 1 inside."""
        ...

    def worst_feature(self, features: Float[Array, "n f"]) -> list[str]:
        """Which feature lies farthest outside."""
        ...


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkCost:
    """Costs of the kernels of one network, in their order, and their total.

    mean, lower, upper: NaN where a kernel has no model. outside: the factor by which a kernel lies outside of what
    was measured, 1 inside. total, total_lower, total_upper: of the kernels that have a model, and the overhead.
    """

    mean: Float[Array, " n"]
    lower: Float[Array, " n"]
    upper: Float[Array, " n"]
    outside: Float[Array, " n"]
    total: float
    total_lower: float
    total_upper: float

    @property
    def covered(self) -> Bool[Array, " n"]:
        """Which kernels have a model."""
        return np.asarray(~np.isnan(self.mean))


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KernelModel:
    """Latency or energy of any network on one device, kernel by kernel.

    runtime: whose fusion rules make kernels of a network. overhead: cost of a network beside its kernels, at least 0.
    network_quantiles: of log true over log predicted totals of held-out networks, at `LEVELS`; None where none were
    measured. facts: plain values: source, licence, what it was fitted to, held-out figures.
    """

    device: str
    runtime: str
    target: Target
    regressors: Mapping[str, Regressor]
    overhead: float = 0.0
    network_quantiles: Float[Array, " l"] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Of every cost: "ms" or "mJ"."""
        return UNITS[self.target]

    @property
    def summary(self) -> str:
        """One line for a person: what the model is and rests on."""
        return str(self.facts.get("summary", f"kernel model of {self.device}"))

    def predict(self, kernels: Sequence[Kernel], *, confidence: float = 0.9) -> NetworkCost:
        """Cost of each kernel and of all. confidence: mass of the intervals. Raises `UsageError` for a wrong one."""
        check_calibrated(confidence)
        count = len(kernels)
        mean, outside = np.full(count, np.nan), np.ones(count)
        ends = np.full((2, count), np.nan)
        kinds: dict[str, list[int]] = {}
        for number, kernel in enumerate(kernels):
            if kernel.known and kernel.kind in self.regressors:
                kinds.setdefault(kernel.kind, []).append(number)
        for kind, chosen in kinds.items():
            features = feature_matrix(kind, [kernels[number] for number in chosen])
            mean[chosen], ends[:, chosen], outside[chosen] = self.kernel_costs(kind, features, confidence=confidence)
        total = self.overhead + float(np.nansum(mean))
        widths = np.array([[np.nansum(ends[side, k] - mean[k]) for k in kinds.values()] for side in (0, 1)])
        factors = self.total_factors(
            np.array([total]),
            widths.reshape(2, len(kinds), 1),
            np.array([float(np.nansum(mean * np.log2(outside)))]),
            confidence=confidence,
        )
        low, high = factors[:, 0].tolist()
        return NetworkCost(
            mean=mean,
            lower=ends[0],
            upper=ends[1],
            outside=outside,
            total=total,
            total_lower=total * low,
            total_upper=total * high,
        )

    def kernel_costs(
        self, kind: str, features: Float[Array, "n f"], *, confidence: float
    ) -> tuple[Float[Array, " n"], Float[Array, "2 n"], Float[Array, " n"]]:
        """Costs of kernels of one kind that has a model, the ends of their intervals, and how far outside they lie."""
        regressor = self.regressors[kind]
        mean, outside = regressor.predict(features), regressor.outside(features)
        errors = quantile_ends(regressor.quantiles, confidence)[:, None] * (1 + _WIDER_PER_DOUBLING * np.log2(outside))
        return mean, mean * np.exp(errors), outside

    def total_factors(
        self,
        totals: Float[Array, " n"],
        widths: Float[Array, "2 k n"],
        beyond: Float[Array, " n"],
        *,
        confidence: float,
    ) -> Float[Array, "2 n"]:
        """Factors from the totals of n networks to the ends of their intervals.

        widths: for each of k kinds, what its kernels add up to at the lower and the upper ends beyond their means.
        beyond: sum over the kernels of the cost times the doublings by which each lies outside.
        Where held-out networks were measured, from their errors, wider by the mean doublings. Else errors of one kind
        are taken for equal and those of different kinds for independent: widths add up within a kind, their squares
        over kinds.
        """
        if self.network_quantiles is not None:
            wider = 1 + _WIDER_PER_DOUBLING * beyond / np.where(totals > 0, totals, np.inf)
            return np.asarray(np.exp(quantile_ends(self.network_quantiles, confidence)[:, None] * wider))
        spread = np.sqrt((widths**2).sum(axis=1)) / np.where(totals > 0, totals, np.inf)
        return np.stack([np.maximum(0.0, 1 - spread[0]), 1 + spread[1]])


def check_calibrated(confidence: float) -> None:
    """Raise `UsageError` for a mass of intervals whose ends lie outside of `LEVELS`."""
    if not 0 < confidence <= 0.98:
        raise UsageError(f"expected a confidence above 0 and up to 0.98, got {confidence}")


def quantile_ends(quantiles: Float[Array, " l"], confidence: float) -> Float[Array, "2"]:
    """Ends of the central interval of a logarithmic error, never on one side of 0 only."""
    low, high = (float(np.interp((1 + sign * confidence) / 2, LEVELS, quantiles)) for sign in (-1, 1))
    return np.array([min(low, 0.0), max(high, 0.0)])
