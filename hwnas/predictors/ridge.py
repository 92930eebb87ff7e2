"""Ridge regression in closed form that minimises relative errors, with its strength chosen by leave-one-out."""

from __future__ import annotations

from typing import Final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import UsageError

_RIDGES: Final = tuple(10.0**power for power in range(-6, 3))  # per net that was fitted


def fit_ridge(inputs: Float[Array, "n f"], costs: Float[Array, " n"]) -> Float[Array, " f+1"]:
    """Weights (f inputs, then the intercept) that minimise sum (1 - prediction / cost)^2 + ridge |weights|^2.

    costs: positive, in any unit. The ridge, out of nine, has the smallest leave-one-out error, in closed form (Allen
    1974); the intercept is hardly penalised. Raises `UsageError` for costs that are not positive, or under ten nets.
    """
    if len(costs) < 10 or not (np.isfinite(costs) & (costs > 0)).all():
        raise UsageError(f"expected at least 10 nets of positive costs to fit, got {len(costs)}, or some that are not")
    constant = np.ones((len(inputs), 1))
    design = np.concatenate([inputs.astype(np.float64), constant], axis=1) / costs[:, None]
    # An intercept without a penalty is an input a thousand times as large, whose weight is that much smaller.
    stretch = np.append(np.ones(inputs.shape[1]), 1e3)
    left, values, right = np.linalg.svd(design * stretch, full_matrices=False)
    projected = left.T @ np.ones(len(costs))
    best, weights = np.inf, np.zeros(len(stretch))
    for ridge in _RIDGES:
        shrunk = values**2 / (values**2 + ridge * len(costs))
        leverage = (left**2) @ shrunk
        residuals = (1 - left @ (shrunk * projected)) / np.maximum(1 - leverage, 1e-9)
        error = float(residuals @ residuals)
        if error < best:
            best = error
            weights = right.T @ (shrunk / np.maximum(values, 1e-300) * projected) * stretch
    return np.asarray(weights)


def predict_ridge(inputs: Float[Array, "n f"], weights: Float[Array, " w"]) -> Float[Array, " n"]:
    """Costs by the weights of `fit_ridge`, in the unit that it was given."""
    return np.asarray(inputs.astype(np.float64) @ weights[:-1] + weights[-1])
