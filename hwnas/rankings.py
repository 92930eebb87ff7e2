"""How well one ranking of nets serves for another: what a search would find with it. Pure numpy.

`scores` and `truth` are one number per net, higher is better in both. Nets that share a score share their places: a
figure is then the mean over all orders of the equal ones, so that no hidden order decides it. Shares are in percent.
NaN raises `UsageError`; infinite scores are scores.
"""

from __future__ import annotations

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.metrics import spearman


def among_first(scores: Float[Array, " n"], k: int) -> Float[Array, " n"]:
    """Probability of each net to be one of the k with the best scores, equal scores in random order."""
    scores = _checked(scores)
    if not 1 <= k <= len(scores):
        raise UsageError(f"expected a number of nets from 1 to {len(scores)}, got {k}")
    last = np.sort(scores)[-k]
    above, equal = scores > last, scores == last
    return np.asarray(above + equal * ((k - above.sum()) / equal.sum()))


def top_overlap(scores: Float[Array, " n"], truth: Float[Array, " n"], *, percent: float = 10.0) -> float:
    """Share of the truly best `percent` of nets that are among as many nets with the best scores; chance: `percent`."""
    k = _count(len(truth), percent)
    return 100.0 * float(among_first(scores, k) @ among_first(truth, k)) / k


def hits(scores: Float[Array, " n"], truth: Float[Array, " n"], *, first: int = 64, percent: float = 5.0) -> float:
    """How many of the `first` nets by score are of the truly best `percent`; chance: first * percent / 100."""
    k = min(first, len(truth))
    return float(among_first(scores, k) @ among_first(truth, _count(len(truth), percent)))


def best(scores: Float[Array, " n"], truth: Float[Array, " n"]) -> float:
    """True value of the net with the best score, the mean over those that share it."""
    scores = _checked(scores)
    return float(truth[scores == scores.max()].mean())


def best_neighbour(
    scores: Float[Array, " n"], truth: Float[Array, " n"], neighbours: Integer[Array, "n k"]
) -> tuple[float, float]:
    """How often the neighbour with the best score is the truly best one, and how often a random one is, in percent.

    neighbours: rows of the k nets one change away from each net; -1 where there is none or nothing is known of it.
    A neighbour that is the same network as another can be neither preferred nor blamed: equal scores share the pick,
    and any neighbour whose true value equals the best counts. Nets without a neighbour are left out.
    """
    known = neighbours >= 0
    asked = known.any(axis=1)
    if not asked.any():
        raise UsageError("expected nets with known neighbours, got none")
    by_score = np.where(known, _checked(scores)[neighbours], -np.inf)[asked]
    by_truth = np.where(known, _checked(truth)[neighbours], -np.inf)[asked]
    known = known[asked]
    picked = (by_score == by_score.max(axis=1, keepdims=True)) & known
    right = (by_truth == by_truth.max(axis=1, keepdims=True)) & known
    hit = (picked & right).sum(axis=1) / picked.sum(axis=1)
    chance = right.sum(axis=1) / known.sum(axis=1)
    return 100.0 * float(hit.mean()), 100.0 * float(chance.mean())


def top(truth: Float[Array, " n"], percent: float) -> Bool[Array, " n"]:
    """The nets at or above the (100 - percent)-th percentile."""
    return np.asarray(truth >= np.percentile(_checked(truth), 100.0 - percent))


def correlations(columns: Float[Array, "n p"]) -> Float[Array, "p p"]:
    """Spearman's rho between every two columns, 1 on the diagonal; NaN beside a constant column."""
    count = columns.shape[1]
    matrix = np.eye(count)
    for i in range(count):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = spearman(columns[:, i], columns[:, j])
    return matrix


def mean_ranks(figures: Float[Array, "t p"]) -> Float[Array, " p"]:
    """Mean over tasks of each proxy's place by a figure of which more is better, 1 being the best, ties shared."""
    better = (figures[:, None, :] > figures[:, :, None]).sum(axis=2)
    equal = (figures[:, None, :] == figures[:, :, None]).sum(axis=2)
    return np.asarray((better + (equal + 1) / 2).mean(axis=0))


def performance_profile(figures: Float[Array, "t p"], losses: Float[Array, " m"]) -> Float[Array, "p m"]:
    """Share of tasks on which a proxy is at most `losses` below the best proxy of the task, in percent.

    Dolan & Moré 2002, with differences in place of ratios, as correlations may be zero or negative.
    """
    below = figures.max(axis=1, keepdims=True) - figures
    # A difference of two equal sums may round to 1e-17.
    return np.asarray(100.0 * (below[:, :, None] <= losses + 1e-12).mean(axis=0))


def _count(n: int, percent: float) -> int:
    return max(1, round(n * percent / 100.0))


def _checked(values: Float[Array, " n"]) -> Float[Array, " n"]:
    if not len(values) or np.isnan(values).any():
        raise UsageError(f"expected at least one value and no NaN, got {np.isnan(values).sum()} NaN of {len(values)}")
    return values.astype(np.float64)
