"""Intervals that hold: split conformal prediction on validation residuals (Papadopoulos 2002; Lei 2018)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hwnas.arrays import Array, Float
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
