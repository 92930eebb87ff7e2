"""A regression of a few log costs on more features than there are costs, averaged over how far each group may reach.

Log costs are a level of which nothing is known, a linear part for each group of features, and noise. How large each
part is beside the noise is not known either, nor which of several views of the networks gives the features: the answers
of all views and of a grid of such shares are averaged by their marginal likelihood (Bayesian model averaging; Hoeting
et al. 1999), the variance of the noise being integrated out, which makes the predictive distribution Student's t. Where
the views disagree it is wide. A measurement that the others contradict gets a wider noise of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float

Groups = Sequence[Float[Array, "n _p"]]  # features of the same n networks; a row of a group has a mean square of 1
Views = Sequence[Groups]  # the same networks and groups in each, of which one is right

_DEGREES: Final = 4.0  # what is known of the noise before a measurement, as if of so many degrees of freedom:
_NOISE: Final = 0.05  # its standard deviation, which is that of a log cost beside a good regression
_NEGLIGIBLE: Final = 1e-3  # shares of the grid below this are dropped: together they move no prediction by a percent
_ROUNDS: Final = 2  # of looking for outliers; a third changes Spearman by less than 0.002
_OUTLIERS: Final = 0.02  # share of measurements that are wrong, before any is looked at
_ANGLES: Final = 20_001  # at which Student's distribution is summed up
_WIDER: Final = 10.0  # standard deviations of a wrong one, in those of a right one


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """The regression on one view at one point of the grid, in units of the variance of the noise.

    view: its number. share: weight of this point. inverse: of the covariance of the measurements. level, variance: of
    a right measurement. coefficients: of the covariances with the measurements.
    """

    view: int
    share: float
    scales: tuple[float, ...]
    inverse: Float[Array, "n n"]
    level: float
    coefficients: Float[Array, " n"]
    variance: float


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LeftOut:
    """What the other log costs predict of each: mean, standard deviation; probability that it is an outlier."""

    mean: Float[Array, " n"]
    deviation: Float[Array, " n"]
    outlier: Float[Array, " n"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """A fit. noise: variances of the measurements, 1 for a right one. degrees: of freedom of its predictions."""

    parts: tuple[Part, ...]
    views: Views
    noise: Float[Array, " n"]
    degrees: float
    left_out: LeftOut


def fit(views: Views, log_costs: Float[Array, " n"], grid: Sequence[Sequence[float]]) -> Regression:
    """Regression of n >= 3 log costs.

    views: features of the measured networks. grid: for each of its axes, a group, how large the variance of its part
    may be beside that of the noise.
    """
    noise = np.ones(len(log_costs))
    for _ in range(_ROUNDS):
        _, left_out, _ = _average(views, log_costs, grid, noise)
        noise = 1 + left_out.outlier * (_WIDER**2 - 1)
    parts, left_out, degrees = _average(views, log_costs, grid, noise)
    return Regression(parts=parts, views=views, noise=noise, degrees=degrees, left_out=left_out)


def predict(regression: Regression, views: Views) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Mean of the log cost of other networks, and its standard deviation, that of a new measurement.

    The noise of a new measurement is the geometric mean of that of the measured: it may be an outlier as they may.
    """
    products = [
        [wanted @ known.T for wanted, known in zip(groups, measured, strict=True)]
        for groups, measured in zip(views, regression.views, strict=True)
    ]
    squares = [[np.sum(wanted**2, axis=1) for wanted in groups] for groups in views]
    new = float(np.exp(np.log(regression.noise).mean()))
    means, variances = [], []
    for part in regression.parts:
        covariance = _sum(part.scales, products[part.view])
        reach = covariance @ part.inverse
        lever = (1 - reach.sum(axis=1)) ** 2 / part.inverse.sum()
        own = _sum(part.scales, squares[part.view]) - np.sum(reach * covariance, axis=1) + lever
        means.append(part.level + covariance @ part.coefficients)
        variances.append(part.variance * (np.maximum(own, 0.0) + new))
    return _mixture(np.array([part.share for part in regression.parts])[:, None], np.array(means), np.array(variances))


def most_telling(regression: Regression, views: Views, *, count: int) -> list[int]:
    """Rows of the networks whose measurement would lower the mean variance of all of them most, greedily."""
    part = max(regression.parts, key=lambda one: one.share)
    groups, measured = views[part.view], regression.views[part.view]
    known = _sum(part.scales, [wanted @ those.T for wanted, those in zip(groups, measured, strict=True)])
    reach = known @ part.inverse
    level = 1 - reach.sum(axis=1)
    covariance = _sum(part.scales, [wanted @ wanted.T for wanted in groups]) - reach @ known.T
    covariance += np.outer(level, level) / part.inverse.sum()
    chosen: list[int] = []
    for _ in range(min(count, len(covariance))):
        gain = np.sum(covariance**2, axis=0) / (np.diag(covariance) + 1)
        gain[chosen] = -1.0
        best = int(gain.argmax())
        chosen.append(best)
        covariance = covariance - np.outer(covariance[:, best], covariance[best]) / (covariance[best, best] + 1)
    return chosen


def student_reach(share: float, degrees: float) -> float:
    """t such that `share` of Student's distribution of any degrees of freedom lies within (-t, t); to 1e-5 of it.

    With t = sqrt(degrees) tan(angle) the density of the angle is a power of its cosine, which is summed up here.
    """
    angles = np.linspace(0, np.pi / 2, _ANGLES)
    density = np.cos(angles) ** (degrees - 1)
    within = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return float(np.sqrt(degrees) * np.tan(np.interp(share, within / within[-1], angles)))


def _average(
    views: Views, log_costs: Float[Array, " n"], grid: Sequence[Sequence[float]], noise: Float[Array, " n"]
) -> tuple[tuple[Part, ...], LeftOut, float]:
    """Parts that matter, left-out predictions, and degrees of freedom, for a given noise of each measurement."""
    kernels = [[group @ group.T for group in groups] for groups in views]
    degrees = float(np.sum(1 / noise)) - 1 + _DEGREES
    found = [
        _part(_sum(scales, kernels[view]), log_costs, noise, degrees, (view, scales))
        for view, scales in itertools.product(range(len(views)), list(itertools.product(*grid)))
    ]
    evidence = np.array([one for _, one, _ in found])
    shares = _normalised(evidence[:, None])[:, 0]
    without = np.stack([left[2] for _, _, left in found])  # the evidence of a point without each measurement
    mean, deviation = _mixture(
        _normalised(evidence[:, None] - without),
        np.stack([left[0] for _, _, left in found]),
        np.stack([left[1] for _, _, left in found]),
    )
    outlier = _outlier((log_costs - mean) / deviation, degrees - 1)
    kept = np.flatnonzero(shares > _NEGLIGIBLE)
    total = float(shares[kept].sum())
    parts = tuple(
        Part(**{**vars(found[i][0]), "share": float(shares[i]) / total})  # shares add up to 1 again
        for i in kept
    )
    return parts, LeftOut(mean=mean, deviation=deviation, outlier=outlier), degrees


def _part(
    kernel: Float[Array, "n n"],
    log_costs: Float[Array, " n"],
    noise: Float[Array, " n"],
    degrees: float,
    where: tuple[int, tuple[float, ...]],
) -> tuple[Part, float, tuple[Array, Array, Array]]:
    """A view at a point of the grid: the fit, its log evidence, and mean, variance, log density of each left-out cost.

    The level is integrated out with a flat prior (Rasmussen & Williams 2006, eq. 2.45, B to infinity); leaving one out
    needs no other fit (their eq. 5.12). The density of a left-out cost is its part of the evidence.
    """
    covariance = kernel + np.diag(noise)
    inverse = np.linalg.inv(covariance)
    sums = inverse.sum(axis=1)
    precision = float(sums.sum())
    level = float(sums @ log_costs) / precision
    without_level = inverse - np.outer(sums, sums) / precision
    coefficients = without_level @ log_costs
    squares = float(coefficients @ log_costs) + _DEGREES * _NOISE**2
    evidence = -0.5 * (np.linalg.slogdet(covariance)[1] + np.log(precision) + degrees * np.log(squares))
    diagonal = np.diag(without_level)
    error = coefficients / diagonal
    variance = np.maximum(squares - error**2 * diagonal, _DEGREES * _NOISE**2) / (degrees - 1)
    spread = variance / diagonal
    density = -0.5 * (np.log(spread) + degrees * np.log1p(error**2 / ((degrees - 1) * spread)))
    right = variance * (np.maximum(1 / diagonal - noise, 0.0) + 1)  # as if its noise were that of a right one
    part = Part(
        view=where[0],
        share=1.0,
        scales=where[1],
        inverse=inverse,
        level=level,
        coefficients=coefficients,
        variance=squares / degrees,
    )
    return part, float(evidence), (log_costs - error, right, density)


def _outlier(error: Float[Array, " n"], degrees: float) -> Float[Array, " n"]:
    """Probability of an outlier by an error in deviations: Student's t against one that is wider."""
    right, wrong = (np.log1p((error / width) ** 2 / degrees) for width in (1.0, _WIDER))
    # Of the logarithm: far outliers would overflow.
    log_odds = np.log(_OUTLIERS / (1 - _OUTLIERS) / _WIDER) + (degrees + 1) / 2 * (right - wrong)
    return np.asarray(np.exp(-np.logaddexp(0, -log_odds)))


def _sum(scales: Sequence[float], terms: Sequence[Array]) -> Array:
    return np.asarray(np.sum([scale * term for scale, term in zip(scales, terms, strict=True)], axis=0))


def _normalised(evidence: Float[Array, "g n"]) -> Float[Array, "g n"]:
    """Weights of the points of the grid, a column for each case."""
    weights = np.exp(evidence - evidence.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))


def _mixture(
    shares: Float[Array, "g n"], means: Float[Array, "g m"], variances: Float[Array, "g m"]
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Mean and standard deviation of an average of distributions."""
    mean = np.sum(shares * means, axis=0)
    variance = np.sum(shares * (variances + (means - mean) ** 2), axis=0)
    return mean, np.sqrt(variance)
