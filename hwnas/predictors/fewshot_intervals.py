"""Intervals that hold on devices that were never seen: the posterior's, stretched by what held-out devices needed.

The posterior predicts a log cost with a standard deviation. On each left-out physical device the errors are measured in
these deviations; their quantiles, every physical device counting the same, replace those of the normal distribution.
They are kept for several numbers of measurements, as a posterior of five measurements is wrong in other ways than one
of a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import UsageError
from hwnas.predictors.conformal import LEVELS
from hwnas.predictors.fewshot_spreads import HeldOut

SIZES: Final = (5, 10, 20, 50, 100)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Quantiles of errors in predicted deviations: a row for each number of measurements, a column for each level."""

    sizes: Float[Array, " s"]
    levels: Float[Array, " l"]
    quantiles: Float[Array, "s l"]

    def ends(self, measured: int, confidence: float) -> tuple[float, float]:
        """How many predicted deviations below and above the prediction the central interval ends.

        Between numbers of measurements interpolated in their logarithm, outside of them as at the nearest; the interval
        always holds the prediction. Raises `UsageError` for a confidence beyond what was calibrated.
        """
        most = float(self.levels[-1] - self.levels[0])
        if not 0 < confidence <= most + 1e-9:
            raise UsageError(
                f"expected a confidence above 0 and at most {most:g}, for which intervals are known; got {confidence}"
            )
        rows = [np.interp(np.log(measured), np.log(self.sizes), column) for column in self.quantiles.T]
        low, high = (np.interp((1 + sign * confidence) / 2, self.levels, rows) for sign in (-1, 1))
        return min(float(low), 0.0), max(float(high), 0.0)


def calibrate(results: Sequence[HeldOut]) -> Calibration:
    """Calibration on predictions for left-out devices, a row for each number of measurements that occurs."""
    sizes = sorted({result.measured for result in results})
    rows = []
    for size in sizes:
        errors: dict[str, list[Float[Array, " m"]]] = {}
        for result in results:
            if result.measured == size:
                errors.setdefault(result.physical, []).append(result.residual / result.spread)
        rows.append(_quantiles([np.concatenate(own) for own in errors.values()], np.array(LEVELS)))
    return Calibration(sizes=np.array(sizes, dtype=np.float64), levels=np.array(LEVELS), quantiles=np.stack(rows))


def _quantiles(groups: Sequence[Array], levels: Float[Array, " l"]) -> Float[Array, " l"]:
    """Quantiles of all values, where each group has the same weight however many values it has."""
    values = np.concatenate(groups)
    weights = np.concatenate([np.full(len(group), 1 / len(group)) for group in groups])
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / len(groups)
    first = np.searchsorted(reached, levels - 1e-12)  # sums of weights are off by their rounding
    return np.asarray(values[order][np.minimum(first, len(values) - 1)])
