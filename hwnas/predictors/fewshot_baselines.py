"""What a few-shot model must beat with the same measurements and nothing else: no known device is used here."""

from __future__ import annotations

from typing import Final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.spaces import Space

_RIDGES: Final = np.logspace(-3, 3, 13)


def by_flops(
    space: Space, measured: Integer[Array, "n v"], costs: Float[Array, " n"], wanted: Integer[Array, "m v"]
) -> Float[Array, " m"]:
    """A straight line in the FLOPs, fitted by least squares; never below the cheapest measurement's tenth."""
    flops = [space.counts(rows, dataset=space.datasets[0])["flops"] / 1e9 for rows in (measured, wanted)]
    slope, start = np.polyfit(flops[0], costs, 1) if np.ptp(flops[0]) else (0.0, float(costs.mean()))
    return np.asarray(np.maximum(start + slope * flops[1], 0.1 * costs.min()))


def by_lookup(
    space: Space, measured: Integer[Array, "n v"], costs: Float[Array, " n"], wanted: Integer[Array, "m v"]
) -> Float[Array, " m"]:
    """Layer-wise lookup: a cost for each choice at each position, added up; the ridge by leave-one-out error."""
    one_hot = [
        np.concatenate([np.eye(choice)[rows[:, i]] for i, choice in enumerate(space.choices)], axis=1)
        for rows in (measured, wanted)
    ]
    return _ridge(one_hot[0], costs, one_hot[1])


def by_ridge(
    space: Space, measured: Integer[Array, "n v"], costs: Float[Array, " n"], wanted: Integer[Array, "m v"]
) -> Float[Array, " m"]:
    """Ridge regression on all features of the space, standardised; the ridge by leave-one-out error."""
    features = [space.features(rows).astype(np.float64) for rows in (measured, wanted)]
    spread = features[0].std(axis=0)
    varies = spread > 0
    return _ridge(features[0][:, varies] / spread[varies], costs, features[1][:, varies] / spread[varies])


def _ridge(rows: Float[Array, "n p"], costs: Float[Array, " n"], wanted: Float[Array, "m p"]) -> Float[Array, " m"]:
    """Ridge regression with an intercept; leave-one-out errors from the hat matrix (Golub 1979)."""
    centre, level = rows.mean(axis=0), costs.mean()
    values, vectors = np.linalg.eigh((rows - centre) @ (rows - centre).T)
    values = np.maximum(values, 0.0)
    along = vectors.T @ (costs - level)
    errors = []
    for ridge in _RIDGES:
        shrink = values / (values + ridge)
        leverage = np.minimum(1 / len(costs) + vectors**2 @ shrink, 1 - 1e-6)
        errors.append(np.mean(((costs - level - vectors @ (shrink * along)) / (1 - leverage)) ** 2))
    ridge = _RIDGES[int(np.argmin(errors))]
    weights = (rows - centre).T @ (vectors @ (along / (values + ridge)))
    return np.asarray(np.maximum(level + (wanted - centre) @ weights, 0.1 * costs.min()))


BASELINES: Final = {"flops": by_flops, "lookup": by_lookup, "ridge": by_ridge}
