"""Figures of rankings, against orders drawn at random, brute force and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from hwnas import rankings
from hwnas.errors import UsageError

SMALL = st.lists(st.integers(0, 5), min_size=4, max_size=12).map(lambda v: np.array(v, dtype=np.float64))


def _orders(scores: np.ndarray, draws: int = 4000) -> np.ndarray:
    """Nets by falling score, equal ones in random order, `draws` times."""
    rng = np.random.default_rng(0)
    return np.stack([np.lexsort((rng.random(len(scores)), -scores)) for _ in range(draws)])


@given(SMALL, st.integers(1, 4))
def test_places_of_equal_nets_are_shared(scores: np.ndarray, k: int) -> None:
    weights = rankings.among_first(scores, k)
    assert weights.sum() == pytest.approx(k)
    assert ((weights >= 0) & (weights <= 1)).all()
    order = np.argsort(scores)
    assert (np.diff(weights[order]) >= -1e-12).all()
    assert all(len(set(weights[scores == value])) == 1 for value in set(scores))


def test_overlap_and_hits_are_means_over_random_orders() -> None:
    scores = np.array([3.0, 3, 3, 2, 1, 0, 0, 5, 3, 1])
    truth = np.arange(10.0)
    found = [len(set(order[:3]) & {7, 8, 9}) for order in _orders(scores)]
    assert rankings.top_overlap(scores, truth, percent=30.0) == pytest.approx(100 * np.mean(found) / 3, abs=1.0)
    found = [len(set(order[:4]) & {8, 9}) for order in _orders(scores)]
    assert rankings.hits(scores, truth, first=4, percent=20.0) == pytest.approx(np.mean(found), abs=0.03)
    assert rankings.top_overlap(truth, truth) == 100
    assert rankings.hits(np.zeros(100), np.arange(100.0)) == pytest.approx(64 * 0.05)


def test_best_is_the_mean_of_those_that_share_the_highest_score() -> None:
    assert rankings.best(np.array([1.0, 2, 2, np.inf, np.inf]), np.array([1.0, 2, 3, 4, 6])) == 5


@given(st.integers(0, 1000))
def test_best_neighbour_by_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, truth = rng.integers(0, 4, 8).astype(float), rng.integers(0, 9, 8).astype(float)
    neighbours = rng.integers(-1, 8, (8, 3))
    expected, chance = [], []
    for row in neighbours:
        near = row[row >= 0]
        if not len(near):
            continue
        picked = near[scores[near] == scores[near].max()]
        right = truth[near].max()
        expected.append(np.mean(truth[picked] == right))
        chance.append(np.mean(truth[near] == right))
    if expected:
        found = rankings.best_neighbour(scores, truth, neighbours)
        assert found == (pytest.approx(100 * np.mean(expected)), pytest.approx(100 * np.mean(chance)))


def test_correlations_are_those_of_scipy() -> None:
    columns = np.random.default_rng(0).normal(size=(50, 4))
    np.testing.assert_allclose(rankings.correlations(columns), spearmanr(columns)[0])


def test_mean_ranks_are_those_of_scipy() -> None:
    figures = np.random.default_rng(1).integers(0, 4, (6, 5)).astype(float)
    np.testing.assert_allclose(rankings.mean_ranks(figures), rankdata(-figures, axis=1).mean(axis=0))


def test_a_profile_by_hand() -> None:
    figures = np.array([[0.9, 0.8, 0.1], [0.5, 0.5, 0.6]])
    profile = rankings.performance_profile(figures, np.array([0.0, 0.1, 1.0]))
    np.testing.assert_array_equal(profile, [[50, 100, 100], [0, 100, 100], [50, 50, 100]])


def test_nan_and_nothing_are_refused() -> None:
    bad = np.array([1.0, np.nan])
    for call in (
        lambda: rankings.top_overlap(bad, np.ones(2)),
        lambda: rankings.best(bad, np.ones(2)),
        lambda: rankings.among_first(np.ones(3), 4),
        lambda: rankings.best_neighbour(np.ones(2), np.ones(2), np.full((2, 1), -1)),
    ):
        with pytest.raises(UsageError):
            call()
