"""What is believed of a device before it is measured: a Gaussian over the weights of its relative costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float

FLOOR: Final = 0.1  # of the typical cost: the noise does not shrink further below it


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LatentPrior:
    """What is believed of the weights of a device before it is measured; e executions, p features, r directions.

    mean: weights of the average device under each execution. execution: probability of each execution.
    directions: rows are deviations of known devices from the mean, scaled. scales: standard deviation of each weight
    beside these.
    """

    mean: Float[Array, "e p"]
    execution: Float[Array, " e"]
    directions: Float[Array, "r p"]
    scales: Float[Array, " p"]

    def relative_cost(self, features: Float[Array, "e n p"]) -> Float[Array, "e n"]:
        """Relative cost of networks on the average device."""
        return np.asarray(np.einsum("enp,ep->en", features, self.mean))

    def covariance(self, features: Float[Array, "n p"]) -> Float[Array, "p n"]:
        """Prior covariance of the weights with the relative costs of n networks."""
        shared = self.directions.T @ (self.directions @ features.T)
        return np.asarray(shared + (features * self.scales**2).T)

    def noise_shape(self, features: Float[Array, "e n p"]) -> Float[Array, "e n"]:
        """v of the model: squared relative cost on the average device, which the variance of the noise follows."""
        return np.asarray(np.maximum(self.relative_cost(features), FLOOR) ** 2)
