"""Intervals that hold: conformal prediction on residuals of nets that no model saw (Papadopoulos 2002; Lei 2018).

Cheap nets are predicted worse than others, and a search looks for them, so nets are calibrated with those of similar
predictions (Mondrian conformal prediction: Vovk 2003), across folds (cross-conformal: Vovk 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError

LEVELS: Final = (
    0.01,
    0.025,
    0.05,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.75,
    0.8,
    0.85,
    0.9,
    0.95,
    0.975,
    0.99,
)

BINS: Final = 10  # groups of nets by predicted cost
_FEWEST: Final = 200  # nets in each of them, at least


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class CostIntervals:
    """What a prediction is multiplied by to give quantiles of the cost: by fold, size of the prediction, and level.

    starts: smallest prediction (ms or mJ) of each of b groups, increasing; the first is 0. quantiles: factors, not
    decreasing with the level.
    """

    starts: Float[Array, "f b"]
    quantiles: Float[Array, "f b l"]

    def group(self, predicted: Float[Array, " n"], fold: Integer[Array, " n"]) -> Integer[Array, " n"]:
        """Group of each prediction of the model of a fold."""
        return np.asarray((self.starts[fold] <= predicted[:, None]).sum(axis=1) - 1)

    def factors(self, predicted: Float[Array, " n"], fold: Integer[Array, " n"]) -> Float[Array, "n l"]:
        """Factors at each level, for predictions of the models of these folds."""
        return np.asarray(self.quantiles[fold, self.group(predicted, fold)])


def cost_intervals(
    true: Float[Array, " n"],
    predicted: Float[Array, " n"],
    fold: Integer[Array, " n"],
    *,
    levels: Float[Array, " l"],
    bins: int,
) -> CostIntervals:
    """Intervals for nets of each fold from the residuals of all other folds, in `bins` groups of equal size.

    true: ms or mJ, NaN where not measured; of no net of a fold it enters its own intervals. predicted: of each net by
    the model of its fold, which did not see it. Raises `UsageError` for fewer than ten measured nets in a group.
    """
    starts, quantiles = [], []
    residuals = np.log(true / predicted)
    for number in range(int(fold.max()) + 1):
        rows = np.flatnonzero((fold != number) & ~np.isnan(residuals))
        groups = np.array_split(rows[np.argsort(predicted[rows], kind="stable")], bins)
        starts.append([0.0, *(predicted[group[0]] for group in groups[1:])])
        quantiles.append([np.exp(residual_quantiles(residuals[group], levels)) for group in groups])
    return CostIntervals(starts=np.array(starts), quantiles=np.array(quantiles))


def bins_for(costs: Float[Array, "n h"]) -> int:
    """In how many groups so many measured nets are calibrated: `BINS`, fewer where there would be few in each."""
    return int(np.clip((~np.isnan(costs)).sum(axis=0).min() // _FEWEST, 1, BINS))


def residual_quantiles(residuals: Float[Array, " n"], levels: Float[Array, " l"]) -> Float[Array, " l"]:
    """One-sided conformal quantiles of n signed residuals (log true minus log predicted).

    A level from 0.5 on gives the ceil((n + 1) level)-th smallest residual: a new net lies below it with at least that
    probability while nets are exchangeable. A level below 0.5 gives the floor((n + 1) level)-th smallest: a new net
    lies below it with at most that probability. Both ends apart, because errors are skewed: costs of some devices have
    two branches. A level that n residuals cannot support gets the outermost one.
    Raises `UsageError` for fewer than ten residuals, NaN or infinity.
    """
    n = len(residuals)
    if n < 10 or not np.isfinite(residuals).all():
        raise UsageError(f"expected at least 10 finite residuals to calibrate intervals, got {n}")
    ordered = np.sort(residuals)
    ranks = [
        math.ceil((n + 1) * level - 1e-9) if level >= 0.5 else math.floor((n + 1) * level + 1e-9) for level in levels
    ]
    return np.asarray(ordered[np.clip(ranks, 1, n) - 1])
