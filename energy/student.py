"""Quantiles of Student's t distribution: what a spread that was estimated from a few values leaves open."""

from __future__ import annotations

import math
from typing import Final

_LIKE_NORMAL: Final = 200  # degrees of freedom from which t is within 0.5 % of the normal quantile, at 0.9 and 0.95
_HALVINGS: Final = 60


def student_reach(share: float, degrees: int) -> float:
    """t such that `share` of the distribution lies within (-t, t). Raises `ValueError` outside of its domain."""
    if not (0 < share < 1 and degrees >= 1):
        raise ValueError(f"expected a share between 0 and 1 and a degree of freedom, got {share} and {degrees}")
    degrees = min(degrees, _LIKE_NORMAL)
    low, high = 0.0, math.pi / 2  # of the angle whose tangent is t / sqrt(degrees)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < share else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def _within(angle: float, degrees: int) -> float:
    """Share within (-t, t), t = sqrt(degrees) tan(angle) (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for power in range(2 + odd, degrees - 1, 2):
        term *= cosine**2 * (power - 1) / power
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
