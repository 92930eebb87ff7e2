"""Measurements of users: what is refused, with which words, and what is merged."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.latency.observations import check_observations
from hwnas.spaces import Space

TEN = np.arange(1.0, 11.0)


def test_good_measurements_pass_unchanged(cells: Space) -> None:
    vectors = cells.sample(10, seed=0)
    observations = check_observations(cells, vectors, TEN, known=(2.0, 30.0))
    np.testing.assert_array_equal(observations.vectors, vectors)
    np.testing.assert_allclose(observations.costs, TEN)
    np.testing.assert_array_equal(observations.rows, np.arange(10))


def test_repeated_networks_become_their_geometric_mean(cells: Space) -> None:
    vectors = cells.sample(4, seed=0)[[2, 0, 2, 1, 3]]
    observations = check_observations(cells, vectors, np.array([4.0, 1.0, 5.0, 2.0, 3.0]))
    np.testing.assert_allclose(observations.costs, [np.sqrt(20), 1, 2, 3])
    np.testing.assert_array_equal(observations.rows, [0, 1, 3, 4])


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ([1.0, 2.0], "at least 3 different networks, got 2"),
        ([1.0, 2.0, np.nan, 3.0], "got nan in row 2"),
        ([1.0, 2.0, np.inf, 3.0], "got inf in row 2"),
        ([1.0, 0.0, 2.0, 3.0], "got 0.0 in row 1; a measurement is never 0"),
        ([1.0, 2.0, -3.0, 3.0], "got -3.0 in row 2"),
        ([4.0, 4.0, 4.0, 4.0], "got 4 for all 4"),
    ],
)
def test_useless_measurements_are_refused(cells: Space, costs: list[float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_observations(cells, cells.sample(len(costs), seed=0), np.array(costs))


def test_contradictory_rows_are_named(cells: Space) -> None:
    vectors = cells.sample(4, seed=0)[[0, 1, 2, 3, 1]]
    with pytest.raises(UsageError, match="got 2 in row 1, 9 in row 4 for "):
        check_observations(cells, vectors, np.array([1.0, 2.0, 3.0, 4.0, 9.0]))


@pytest.mark.parametrize(("factor", "words"), [(1e-3, "Multiply by 1000"), (1e3, "Multiply by 0.001")])
def test_another_unit_is_asked_about(cells: Space, factor: float, words: str) -> None:
    vectors = cells.sample(10, seed=0)
    with pytest.raises(UsageError, match=words):
        check_observations(cells, vectors, factor * TEN, known=(4.0, 8.0))
    assert len(check_observations(cells, vectors, factor * TEN)) == 10


@pytest.mark.parametrize("vectors", [np.full((3, 6), 5), np.zeros((3, 5), dtype=int)])
def test_unknown_architectures_are_refused(cells: Space, vectors: np.ndarray) -> None:
    with pytest.raises(UsageError, match="nasbench201"):
        check_observations(cells, vectors, TEN[:3])


def test_one_cost_for_each_architecture(cells: Space) -> None:
    with pytest.raises(UsageError, match="got 9 for 10"):
        check_observations(cells, cells.sample(10, seed=0), TEN[:9])
