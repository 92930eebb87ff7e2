"""What ten measurements say of a device beside its weights: execution, noise and outliers, by their evidence.

The evidence of measurements y (Rasmussen & Williams 2006, eq. 2.30) is N(u y; m, C) u^n with C = F S F' + diag(noise).
Its largest value over u is at the positive root of a u^2 - b u - n = 0, a = y'C^-1 y, b = y'C^-1 m; the width of the
peak in log u (Laplace) completes it. One more outlier i adds d to C_ii, so that by Sherman and Morrison all n such
hypotheses follow from one inverse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float
from hwnas.predictors.latent_prior import LatentPrior

NOISES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
OUTLIER_FACTOR: Final = 10.0  # how much larger the noise of an outlier is
OUTLIER_PROBABILITY: Final = 0.05
MOST_OUTLIERS: Final = 0.2  # share of the measurements
_KEPT: Final = 1e-3  # a hypothesis that is less probable than this, beside the best one, is dropped
_MOST_KEPT: Final = 40


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Hypothesis:
    """Execution, noise s, which measurements are outliers (1 or 0), variance of each measurement, and the best u."""

    execution: int
    noise: float
    outliers: Float[Array, " n"]
    variances: Float[Array, " n"]
    u: float


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    """Log evidence and best u of one set of outliers, for each execution and noise.

    Entry i of the last axis has measurement i as one more outlier, the last entry has none.
    """

    marked: Bool[Array, " n"]
    evidence: Float[Array, "e s k"]
    u: Float[Array, "e s k"]


def probable_hypotheses(
    prior: LatentPrior, features: Float[Array, "e n p"], costs: Float[Array, " n"]
) -> list[tuple[float, Hypothesis]]:
    """The most probable hypotheses with their probabilities, which add up to 1.

    Every execution and noise, without outliers, with any single one, and with one more beside those that are already
    more probable than not.
    """
    tables = list(_tables(prior, features, costs))
    evidence = np.stack([table.evidence for table in tables])
    best = np.argsort(-evidence, axis=None, kind="stable")[:_MOST_KEPT]
    best = best[evidence.flat[best] > evidence.max() + np.log(_KEPT)]
    total = np.logaddexp.reduce(evidence.flat[best])
    shape = prior.noise_shape(features)
    found = []
    for flat in best:
        number, execution, noise, more = np.unravel_index(flat, evidence.shape)
        outliers = np.append(tables[number].marked.astype(np.float64), 0.0)
        outliers[more] = 1.0
        hypothesis = Hypothesis(
            execution=int(execution),
            noise=NOISES[noise],
            outliers=outliers[:-1],
            variances=NOISES[noise] ** 2 * shape[execution] * OUTLIER_FACTOR ** (2 * outliers[:-1]),
            u=float(tables[number].u[execution, noise, more]),
        )
        found.append((float(np.exp(evidence.flat[flat] - total)), hypothesis))
    return found


def _tables(prior: LatentPrior, features: Float[Array, "e n p"], costs: Float[Array, " n"]) -> Iterator[_Table]:
    """Evidence of sets of outliers that grow by the best next one while that is more probable than none."""
    count, shape, means = len(costs), prior.noise_shape(features), prior.relative_cost(features)
    covariances = [rows @ prior.covariance(rows) for rows in features]
    marked = np.zeros(count, dtype=np.bool_)
    while True:
        evidence = np.empty((len(features), len(NOISES), count + 1))
        u = np.empty_like(evidence)
        for execution, share in enumerate(prior.execution):
            for number, noise in enumerate(NOISES):
                variances = noise**2 * shape[execution] * np.where(marked, OUTLIER_FACTOR**2, 1.0)
                own = evidences(covariances[execution], means[execution], costs, variances)
                evidence[execution, number], u[execution, number] = own
            evidence[execution] += np.log(share)
        evidence[:, :, :-1] += _log_odds()
        evidence[:, :, :-1][:, :, marked] = -np.inf
        evidence += marked.sum() * _log_odds()
        sums = np.logaddexp.reduce(evidence.reshape(-1, count + 1), axis=0)
        if marked.any():
            evidence[:, :, -1] = -np.inf  # the set itself stands in the table before
        yield _Table(marked=marked.copy(), evidence=evidence, u=u)
        following = int(np.argmax(sums[:-1]))
        if sums[following] <= sums[-1] or marked.sum() + 1 > MOST_OUTLIERS * count:
            return
        marked[following] = True


def evidences(
    covariance: Float[Array, "n n"],
    mean: Float[Array, " n"],
    costs: Float[Array, " n"],
    variances: Float[Array, " n"],
) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """Log evidence and best u with measurement i as one more outlier (entry i), and without any more (the last entry).

    Up to a constant; the prior probability of outliers is left to the caller. k = n + 1.
    """
    count = len(costs)
    inverse = np.linalg.inv(covariance + np.diag(variances))
    log_determinant = -np.linalg.slogdet(inverse)[1]
    by_cost, by_mean = inverse @ costs, inverse @ mean
    added = np.append(variances * (OUTLIER_FACTOR**2 - 1), 0.0)  # the last entry adds nothing
    stretch = 1 + added * np.append(np.diag(inverse), 0.0)
    share, at_cost, at_mean = added / stretch, np.append(by_cost, 0.0), np.append(by_mean, 0.0)
    a = costs @ by_cost - share * at_cost**2
    b = costs @ by_mean - share * at_cost * at_mean
    c = mean @ by_mean - share * at_mean**2
    u = (b + np.sqrt(b**2 + 4 * a * count)) / (2 * a)
    fit = count * np.log(u) - 0.5 * (a * u**2 - 2 * b * u + c)
    return fit - 0.5 * (log_determinant + np.log(stretch)) - 0.5 * np.log(count + a * u**2), u


def _log_odds() -> float:
    return float(np.log(OUTLIER_PROBABILITY / (1 - OUTLIER_PROBABILITY)))
