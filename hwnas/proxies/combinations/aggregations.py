"""From ranks in several columns to one score: nothing but the order within each column enters."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from hwnas.arrays import Array, Float


def relative_ranks(scores: Float[Array, "n p"]) -> Float[Array, "n p"]:
    """Rank of each entry in its column by the number of rows: 1 is the best, 1/n the worst; ties share the mean."""
    return np.stack([_ranks(column) for column in scores.T], axis=1) / len(scores)


def rank_sum(scores: Float[Array, "n p"]) -> Float[Array, " n"]:
    """Sum over columns of the relative ranks."""
    return np.asarray(relative_ranks(scores).sum(axis=1))


def log_rank_sum(scores: Float[Array, "n p"]) -> Float[Array, " n"]:
    """Sum over columns of the logarithm of the relative ranks: one bad rank costs more than a good one brings."""
    return np.asarray(np.log(relative_ranks(scores)).sum(axis=1))


def normal_score_sum(scores: Float[Array, "n p"]) -> Float[Array, " n"]:
    """Sum over columns of the normal scores of the ranks: near either end a place counts more than in the middle."""
    return np.asarray(normal_scores(relative_ranks(scores)).sum(axis=1))


def normal_scores(ranks: Float[Array, "n p"]) -> Float[Array, "n p"]:
    """Relative ranks r / n as quantiles of the normal distribution, at (r - 1/2) / n (rankits, Ipsen & Jerne 1944)."""
    shares, places = np.unique(ranks - 0.5 / len(ranks), return_inverse=True)
    quantiles = np.array([NormalDist().inv_cdf(share) for share in shares])
    return quantiles[places].reshape(ranks.shape)


def _ranks(values: Float[Array, " n"]) -> Float[Array, " n"]:
    """Ranks from 1 for the smallest, equal values with their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)
