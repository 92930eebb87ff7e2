"""From ranks in several columns to one score: nothing but the order within each column enters."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from hwnas.arrays import Array, Float


def relative_ranks(scores: Float[Array, "n p"]) -> Float[Array, "n p"]:
    """Rank of each entry in its column by the number of rows: 1 is the best, 1/n the worst; ties share the mean."""
    return _ranks(scores) / len(scores)


def rank_sum(scores: Float[Array, "n p"]) -> Float[Array, " n"]:
    """Sum over columns of the relative ranks; exact, so that equal sums are equal."""
    return np.asarray(_ranks(scores).sum(axis=1) / len(scores))


def log_rank_sum(scores: Float[Array, "n p"]) -> Float[Array, " n"]:
    """Sum over columns of the logarithm of the relative ranks: one bad rank costs more than a good one brings."""
    return np.asarray(np.log(relative_ranks(scores)).sum(axis=1))


def normal_score_sum(scores: Float[Array, "n p"]) -> Float[Array, " n"]:
    """Sum over columns of the normal scores of the ranks: near either end a place counts more than in the middle.

    Normal scores of ranks: van der Waerden 1952.
    """
    return np.asarray(normal_scores(relative_ranks(scores)).sum(axis=1))


def normal_scores(ranks: Float[Array, "n p"]) -> Float[Array, "n p"]:
    """Relative ranks r / n as quantiles of the standard normal distribution, at (r - 1/2) / n (Hazen's positions)."""
    shares, places = np.unique(ranks - 0.5 / max(len(ranks), 1), return_inverse=True)
    quantiles = np.array([NormalDist().inv_cdf(share) for share in shares])
    return quantiles[places].reshape(ranks.shape)


def _ranks(scores: Float[Array, "n p"]) -> Float[Array, "n p"]:
    """Ranks in each column from 1 for the smallest, equal values with their mean rank: whole numbers and halves."""
    return np.stack([_column_ranks(column) for column in scores.T], axis=1)


def _column_ranks(values: Float[Array, " n"]) -> Float[Array, " n"]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)
