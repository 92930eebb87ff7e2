"""Which net would add most to a front if its uncertain value were known: expected hypervolume improvement.

Costs are known, the value (an accuracy, more is better) is a Gaussian. The hypervolume of a front is the integral, over
all points u of the box of costs, of the best value at cost u at most; a net of cost c and value a adds the part of it
where u >= c and a is above that best. Its expectation is an integral over the box of expected improvements (Emmerich et
al. 2011 split it in the same way); the box is replaced by points that fill it evenly.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import UsageError

_POINTS: Final = 512


def expected_improvement(
    mean: Float[Array, " n"], deviation: Float[Array, " n"], best: Float[Array, " l"]
) -> Float[Array, "n l"]:
    """E[max(value - best, 0)] of Gaussian values over each of l bests (Jones et al. 1998, eq. 15)."""
    gap = mean[:, None] - best[None]
    z = gap / deviation[:, None]
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return np.asarray(gap * _normal_cdf(z) + deviation[:, None] * density)


def expected_hypervolume_improvement(  # noqa: PLR0913 - three columns of nets, two of known ones, one corner
    costs: Float[Array, "n m"],
    mean: Float[Array, " n"],
    deviation: Float[Array, " n"],
    *,
    known_costs: Float[Array, "k m"],
    known_values: Float[Array, " k"],
    reference: Float[Array, " m"],
    least: float,
) -> Float[Array, " n"]:
    """Expected gain of each net, as a mean over the box between the cheapest of all nets and `reference`.

    least: value below which nothing counts. Nets beyond the reference gain nothing. A cost of which no net has less
    than the reference has no part in the box. Raises `UsageError` where a deviation is not positive, or all nets are
    beyond the reference.
    """
    if not (deviation > 0).all():
        raise UsageError("expected positive standard deviations, got others; give every net an uncertainty")
    lowest = np.minimum(costs.min(axis=0), known_costs.min(axis=0, initial=np.inf))
    if not (reference >= lowest).all():
        raise UsageError(f"expected a reference point not below the cheapest net {lowest}, got {reference}")
    wide = reference > lowest
    points = np.tile(lowest.astype(np.float64), (_POINTS, 1))
    points[:, wide] += (reference - lowest)[wide] * _filling(_POINTS, int(wide.sum()))
    reached = (known_costs[None] <= points[:, None]).all(axis=2)
    best = np.maximum(np.where(reached, known_values[None], -np.inf).max(axis=1, initial=-np.inf), least)
    levels, of_point = np.unique(best, return_inverse=True)
    within = (costs[:, None] <= points[None]).all(axis=2).astype(np.float64)
    share = within @ np.eye(len(levels))[of_point] / len(points)
    return np.asarray((share * expected_improvement(mean, deviation, levels)).sum(axis=1))


def _filling(count: int, dimensions: int) -> Float[Array, "c m"]:
    """Points that fill the unit box evenly: midpoints in one dimension, else multiples of irrational steps (Weyl)."""
    first = (np.arange(count) + 0.5) / count
    others = [np.mod(np.arange(1, count + 1) * math.sqrt(prime), 1.0) for prime in _primes(dimensions - 1)]
    return np.stack([first, *others], axis=1)[:, :dimensions]


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _normal_cdf(z: Float[Array, "n l"]) -> Float[Array, "n l"]:
    """Standard normal distribution function, to 1e-7 relative to 1 (Abramowitz & Stegun 1964, 7.1.26)."""
    x = np.abs(z) / math.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * x)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    upper = 0.5 * series * np.exp(-x * x)
    return np.asarray(np.where(z >= 0, 1.0 - upper, upper))
