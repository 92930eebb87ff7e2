"""Which networks to measure: greedily those that leave the least uncertainty about all the others.

A belief over the weights (of a prior, or of a device that was measured already) is a mixture over executions. Its first
two moments make one Gaussian over relative costs, in which a network that tells the executions apart is informative by
the same measure as one that fixes a weight. Each step takes the network whose measurement lowers the mean relative
variance over the population most (A-optimal Bayesian design: Chaloner & Verdinelli 1995; as active learning for
Gaussian processes: Seo 2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Int
from hwnas.errors import UsageError
from hwnas.predictors.latent import Posterior
from hwnas.predictors.latent_prior import LatentPrior

_TYPICAL_NOISE: Final = 0.1
_UNKNOWN_SCALE: Final = 1.0  # standard deviation of the typical cost before anything is measured, relative to itself


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Belief:
    """Moments of the weights under each execution, in units of the typical cost, and the noise of a measurement."""

    execution: Float[Array, " e"]
    mean: Float[Array, "e p"]
    covariance: Float[Array, "e p p"]
    noise: Float[Array, " e"]


def before_measuring(prior: LatentPrior) -> Belief:
    """What is believed of a device of which nothing is known, not even its typical cost."""
    covariance = prior.directions.T @ prior.directions + np.diag(prior.scales**2)
    scale = _UNKNOWN_SCALE**2 * prior.mean[:, :, None] * prior.mean[:, None, :]
    return Belief(
        execution=prior.execution,
        mean=prior.mean,
        covariance=covariance + scale,
        noise=np.full(len(prior.execution), _TYPICAL_NOISE**2),
    )


def after_measuring(posterior: Posterior) -> Belief:
    """What is believed of a device that was measured."""
    return Belief(
        execution=posterior.execution,
        mean=posterior.mean / posterior.typical,
        covariance=posterior.covariance / posterior.typical**2,
        noise=posterior.noise / posterior.typical**2,
    )


def most_informative(
    prior: LatentPrior,
    belief: Belief,
    candidates: Float[Array, "e c p"],
    population: Float[Array, "e m p"],
    *,
    count: int,
) -> Int[Array, " k"]:
    """Numbers of the `count` candidates to measure, the most informative first.

    population: networks whose costs are wanted. No candidate is taken twice. Raises `UsageError` where there are fewer
    candidates than asked for.
    """
    if not 0 < count <= candidates.shape[1]:
        raise UsageError(f"expected to choose 1 to {candidates.shape[1]} of the candidates, got {count}")
    rows, noise = _factors(prior, belief, candidates)
    wanted, _ = _factors(prior, belief, population)
    weight = wanted.T @ wanted / len(wanted)
    covariance = np.eye(rows.shape[1])
    chosen: list[int] = []
    for _ in range(count):
        along = rows @ covariance
        gain = np.einsum("cq,cq->c", along @ weight, along) / (noise + np.einsum("cq,cq->c", along, rows))
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        chosen.append(best)
        step = along[best]
        covariance -= np.outer(step, step) / (noise[best] + step @ rows[best])
    return np.array(chosen, dtype=np.int64)


def _factors(
    prior: LatentPrior, belief: Belief, features: Float[Array, "e n p"]
) -> tuple[Float[Array, "n q"], Float[Array, " n"]]:
    """B with B B' the covariance of relative costs, and the variance of the noise, both relative to each cost."""
    shape = prior.noise_shape(features)
    size = np.sqrt(belief.execution @ shape)[:, None]
    parts = [
        np.sqrt(share) * (rows @ _square_root(covariance))
        for share, rows, covariance in zip(belief.execution, features, belief.covariance, strict=True)
    ]
    means = np.einsum("enp,ep->en", features, belief.mean)
    apart = (np.sqrt(belief.execution)[:, None] * (means - belief.execution @ means)).T
    noise = (belief.execution * belief.noise) @ shape / size[:, 0] ** 2
    return np.concatenate([*parts, apart], axis=1) / size, noise


def _square_root(covariance: Float[Array, "p p"]) -> Float[Array, "p p"]:
    """R with R R' the covariance; directions without variance are left in as zeros."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
