"""Intervals that hold: split conformal prediction on validation residuals (Papadopoulos 2002; Lei 2018)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import UsageError

LEVELS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)


def log_residual_quantiles(residuals: Float[Array, " n"], levels: Float[Array, " l"]) -> Float[Array, " l"]:
    """Half-widths that cover each level: the ceil((n + 1) level)-th smallest absolute residual of n.

    residuals: log predicted minus log true, on nets that neither fitted nor chose the model; NaN is refused.
    Covers a new net with at least the level's probability while nets are exchangeable. A level that n residuals cannot
    support gets the largest one. Raises `UsageError` for fewer than ten residuals.
    """
    if len(residuals) < 10 or not np.isfinite(residuals).all():
        raise UsageError(f"expected at least 10 finite residuals to calibrate intervals, got {len(residuals)}")
    ordered = np.sort(np.abs(residuals))
    ranks = [min(math.ceil((len(ordered) + 1) * level), len(ordered)) - 1 for level in levels]
    return ordered[ranks]
