"""A new device from about ten measurements: hierarchical Bayesian regression, closed form, numpy only.

The model of n measured costs y of a new device, with features F of the networks (one row each):

    u y = F w + e,    w ~ N(mean, D'D + diag(scales^2)),    e_i ~ N(0, s^2 v_i),    v_i = max(F mean, FLOOR)_i^2

u is one over the device's typical cost, so that F w is a relative cost. The rows of D are the directions in which the
known devices differ from their mean, and `scales` say how far a new device may leave their span, feature by feature
(fewshot_prior.py learns all of them). The noise is relative: a few percent on servers, tens of percent on phones.

What is discrete is averaged by its evidence (hypotheses.py): how the runtime executes networks, the noise s, and which
measurements are outliers. Given these, w is Gaussian, and u has one most probable value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.predictors.hypotheses import probable_hypotheses
from hwnas.predictors.latent_prior import LatentPrior

LEAST: Final = 0.01  # of the typical cost: no prediction is smaller; a linear model may fall below 0


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """Weights of a measured device, in the unit of its costs.

    execution: probability of each execution. mean, covariance: of the weights under each of them.
    noise: variance of one network beside the weights, as a multiple of `LatentPrior.noise_shape`.
    typical: cost of a network of average relative cost. outlier: probability of each measurement that it is one.
    """

    execution: Float[Array, " e"]
    mean: Float[Array, "e p"]
    covariance: Float[Array, "e p p"]
    noise: Float[Array, " e"]
    typical: float
    outlier: Float[Array, " n"]


def adapt(prior: LatentPrior, features: Float[Array, "e n p"], costs: Float[Array, " n"]) -> Posterior:
    """Posterior after measuring n networks, with their features under each execution and costs in any unit.

    Scaling all costs by a factor scales the posterior by the same factor. Raises `ValueError` where a cost is not
    finite and positive; callers check what users give.
    """
    if not len(costs) or not (np.isfinite(costs) & (costs > 0)).all():
        raise ValueError(f"expected costs that are finite and positive, got {costs}")
    executions, _, columns = features.shape
    share, noise = np.zeros(executions), np.zeros(executions)
    mean, square = np.zeros((executions, columns)), np.zeros((executions, columns, columns))
    typical, outlier = 0.0, np.zeros(len(costs))
    for probability, hypothesis in probable_hypotheses(prior, features, costs):
        e, u = hypothesis.execution, hypothesis.u
        weights, covariance = _weights(prior, features[e], prior.mean[e], u * costs, hypothesis.variances)
        share[e] += probability
        mean[e] += probability * weights / u
        square[e] += probability * (covariance + np.outer(weights, weights)) / u**2
        noise[e] += probability * (hypothesis.noise / u) ** 2
        typical += probability / u
        outlier += probability * hypothesis.outliers
    held = np.maximum(share, 1e-300)  # an execution without a probable hypothesis counts for nothing
    mean /= held[:, None]
    covariances = square / held[:, None, None] - mean[:, :, None] * mean[:, None, :]
    return Posterior(
        execution=share, mean=mean, covariance=covariances, noise=noise / held, typical=typical, outlier=outlier
    )


def predict(
    prior: LatentPrior, posterior: Posterior, features: Float[Array, "e m p"]
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Mean cost of m networks, and the standard deviation of one measurement of each: weights, noise and execution."""
    means = np.einsum("emp,ep->em", features, posterior.mean)
    spread = np.einsum("emp,emp->em", features @ posterior.covariance, features)
    spread += posterior.noise[:, None] * prior.noise_shape(features)
    mean = posterior.execution @ means
    variance = posterior.execution @ (spread + (means - mean) ** 2)
    return np.maximum(mean, LEAST * posterior.typical), np.sqrt(np.maximum(variance, 0.0))


def _weights(
    prior: LatentPrior,
    features: Float[Array, "n p"],
    mean: Float[Array, " p"],
    relative: Float[Array, " n"],
    variances: Float[Array, " n"],
) -> tuple[Float[Array, " p"], Float[Array, "p p"]]:
    """Mean and covariance of the weights of relative costs (Rasmussen & Williams 2006, eq. 2.23 to 2.24).

    The covariance includes what u leaves open: with curvature n + y'C^-1 y u^2 in log u, to first order.
    """
    cross = prior.covariance(features)
    inverse = np.linalg.inv(features @ cross + np.diag(variances))
    gain = inverse @ cross.T
    weights = mean + (relative - features @ mean) @ gain
    covariance = prior.directions.T @ prior.directions + np.diag(prior.scales**2) - cross @ gain
    by_scale = mean - (features @ mean) @ gain  # minus the derivative of weights / u by log u, times u
    curvature = len(relative) + relative @ inverse @ relative
    return weights, covariance + np.outer(by_scale, by_scale) / curvature
