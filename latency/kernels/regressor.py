"""The cost of one kind of kernel: a physical cost, corrected in the logarithm by boosted trees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Int
from hwnas.errors import UsageError
from hwnas.graphs import feature_names
from hwnas.latency.kernels.features import beyond, physical_terms, tree_features
from hwnas.latency.kernels.rows import KernelRows
from hwnas.predictors.boosting import BoostingSettings, fit_trees, positive_least_squares
from hwnas.predictors.conformal import LEVELS, residual_quantiles
from hwnas.predictors.trees import Trees, stack_trees

FOLDS: Final = 4
# With fewer rows trees would learn the noise: the physical cost stands alone.
MIN_TREE_ROWS: Final = 24
# Where too few rows are known to calibrate an interval, a factor of two on both sides holds its outermost level.
_UNKNOWN_SPREAD: Final = np.log(2.0)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KernelRegressor:
    """Costs of kernels of one kind.

    coefficients: of `physical_terms`. trees: of the logarithm of cost over physical cost. low, high: the box of the
    features that were measured. quantiles: of that logarithm's held-out errors at `LEVELS`. rows: how many were
    measured. error_percent: median held-out error.
    """

    kind: str
    coefficients: Float[Array, " t"]
    trees: Trees
    low: Float[Array, " f"]
    high: Float[Array, " f"]
    quantiles: Float[Array, " l"]
    rows: int
    error_percent: float

    def predict(self, features: Float[Array, "n f"]) -> Float[Array, " n"]:
        """Best estimates, positive."""
        physical = self.physical(features)
        corrections = self.trees.predict(tree_features(feature_names(self.kind), features, physical))
        return np.asarray(physical * np.exp(corrections))

    def physical(self, features: Float[Array, "n f"]) -> Float[Array, " n"]:
        """The physical cost alone."""
        return np.asarray(np.maximum(physical_terms(feature_names(self.kind), features) @ self.coefficients, 1e-12))

    def outside(self, features: Float[Array, "n f"]) -> Float[Array, " n"]:
        """The factor by which a kernel lies outside of what was measured: 1 inside."""
        return beyond(features, self.low, self.high)[0]

    def worst_feature(self, features: Float[Array, "n f"]) -> list[str]:
        """Which feature lies farthest outside."""
        names = feature_names(self.kind)
        return [names[int(number)] for number in beyond(features, self.low, self.high)[1]]


def fit_regressor(
    rows: KernelRows, *, settings: BoostingSettings | None = None, held_out: bool = True
) -> KernelRegressor:
    """A regressor of measured kernels, calibrated on `held_out_logs` if wanted. Raises `UsageError` without rows."""
    regressor = _fit(rows, settings)
    return calibrated(regressor, rows.costs, held_out_logs(rows, settings=settings)) if held_out else regressor


def calibrated(regressor: KernelRegressor, costs: Float[Array, " n"], held_out: Float[Array, " n"]) -> KernelRegressor:
    """The regressor with intervals from held-out logarithmic predictions; NaN where there is none."""
    errors = (np.log(costs) - held_out)[np.isfinite(held_out)]
    if len(errors) < 10:
        return replace(regressor, quantiles=unknown_quantiles(), error_percent=float("nan"))
    median = float(np.median(np.abs(np.expm1(-errors)))) * 100
    return replace(regressor, quantiles=residual_quantiles(errors, np.array(LEVELS)), error_percent=median)


def unknown_quantiles() -> Float[Array, " l"]:
    """Of logarithmic errors at `LEVELS` where none are known: a factor of two on both sides at the outermost level."""
    return np.asarray(np.interp(LEVELS, [0, 0.5, 1], [-_UNKNOWN_SPREAD, 0, _UNKNOWN_SPREAD]))


def held_out_logs(rows: KernelRows, *, settings: BoostingSettings | None = None) -> Float[Array, " n"]:
    """Logarithm of the cost of each row by a regressor that saw no row of its group; NaN where none can be."""
    fold = fold_of(rows.groups)
    logs = np.full(len(rows), np.nan)
    for number in range(FOLDS):
        inside = fold != number
        if inside.any() and not inside.all():
            regressor = _fit(rows.take(inside), settings)
            logs[~inside] = np.log(regressor.predict(rows.features[~inside]))
    return logs


def fold_of(groups: Int[Array, " n"]) -> Int[Array, " n"]:
    """The fold of each group; what falls on one fold does not depend on which groups there are."""
    scrambled = (groups.astype(np.uint64) * np.uint64(2654435761)) >> np.uint64(7)
    return (scrambled % np.uint64(FOLDS)).astype(np.int64)


def _fit(rows: KernelRows, settings: BoostingSettings | None) -> KernelRegressor:
    if not len(rows):
        raise UsageError(f"expected measured kernels of kind {rows.kind!r}, got none")
    names = feature_names(rows.kind)
    terms = physical_terms(names, rows.features)
    coefficients = positive_least_squares(terms / rows.costs[:, None], np.ones(len(rows)))
    if not coefficients.any():
        coefficients[0] = float(np.median(rows.costs))
    physical = np.maximum(terms @ coefficients, 1e-12)
    trees, offset = stack_trees([], offset=0.0), float(np.median(np.log(rows.costs / physical)))
    if len(rows) >= MIN_TREE_ROWS:
        values = np.log(rows.costs / physical)
        weights = np.ones(len(rows))
        trees = fit_trees(tree_features(names, rows.features, physical), values, weights, settings=settings)
    else:
        trees = replace(trees, offset=offset)
    return KernelRegressor(
        kind=rows.kind,
        coefficients=coefficients,
        trees=trees,
        low=rows.features.min(axis=0),
        high=rows.features.max(axis=0),
        quantiles=np.zeros(len(LEVELS)),
        rows=len(rows),
        error_percent=float("nan"),
    )
