"""Dominance against its definition, hypervolume against closed forms, IGD+ against its formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hwnas.errors import UsageError
from hwnas.pareto import hypervolume, igd_plus, non_dominated, non_dominated_ranks

ONE_TO_FIVE = st.integers(1, 5)


def matrices(max_side=25, axes=ONE_TO_FIVE, high=6):
    """Points on a coarse grid, so that ties and duplicates are common."""
    shape = st.tuples(st.integers(0, max_side), axes)
    return shape.flatmap(lambda s: hnp.arrays(np.int64, s, elements=st.integers(0, high))).map(lambda a: a / 4)


def dominates(a, b):
    return bool((a <= b).all() and (a < b).any())


def brute_force_mask(points):
    return [not any(dominates(a, b) for a in points) for b in points]


@given(matrices())
def test_non_dominated_is_its_definition(points):
    assert non_dominated(points).tolist() == brute_force_mask(points)


@given(matrices())
def test_without_duplicates_only_the_first_of_equal_points_stays(points):
    rows = [tuple(row) for row in points]
    expected = [
        keep and row not in rows[:i] for i, (row, keep) in enumerate(zip(rows, brute_force_mask(points), strict=True))
    ]
    assert non_dominated(points, keep_duplicates=False).tolist() == expected


@given(matrices())
def test_ranks_are_the_peeled_fronts(points):
    expected, rest, rank = np.full(len(points), -1), np.arange(len(points)), 0
    while len(rest):
        mask = np.array(brute_force_mask(points[rest]))
        expected[rest[mask]] = rank
        rest, rank = rest[~mask], rank + 1
    assert non_dominated_ranks(points).tolist() == expected.tolist()


def test_all_equal_points_are_all_kept():
    assert non_dominated(np.ones((4, 3))).tolist() == [True] * 4
    assert non_dominated(np.ones((4, 3)), keep_duplicates=False).tolist() == [True, False, False, False]


def test_infinite_values_order():
    points = np.array([[np.inf, 0.0], [1.0, 1.0], [2.0, np.inf], [1.0, -np.inf]])
    assert non_dominated(points).tolist() == [False, False, False, True]


@given(matrices(max_side=8).map(lambda a: np.where(a == 0, -np.inf, np.where(a > 1, np.inf, a))))
def test_infinite_values_order_on_every_axis(points):
    """moocore alone ends the process by minus infinity on three axes."""
    expected, rest, rank = np.full(len(points), -1), np.arange(len(points)), 0
    while len(rest):
        mask = np.array(brute_force_mask(points[rest]))
        expected[rest[mask]] = rank
        rest, rank = rest[~mask], rank + 1
    assert non_dominated_ranks(points).tolist() == expected.tolist()
    assert non_dominated(points).tolist() == (expected == 0).tolist()


def staircase(points, reference):
    """Area below a reference point, closed form: sorted by x, each step adds a rectangle."""
    area, ceiling = 0.0, reference[1]
    for x, y in sorted(map(tuple, points)):
        if x < reference[0] and y < ceiling:
            area += (reference[0] - x) * (ceiling - y)
            ceiling = y
    return area


@given(matrices(axes=st.just(2), high=8))
def test_hypervolume_of_two_axes_is_the_staircase(points):
    reference = np.array([1.5, 1.25])  # inside the grid: some points lie beyond it
    assert hypervolume(points, reference) == pytest.approx(staircase(points, reference))


@given(matrices(max_side=7, axes=st.sampled_from([1, 3, 4])))
def test_hypervolume_by_inclusion_and_exclusion(points):
    reference = np.full(points.shape[1], 1.25)
    total = 0.0
    for size in range(1, len(points) + 1):
        for chosen in itertools.combinations(points, size):
            corner = np.max(chosen, axis=0)
            total -= (-1) ** size * np.prod(np.maximum(reference - corner, 0))
    assert hypervolume(points, reference) == pytest.approx(total)


def test_hypervolume_of_a_simplex_has_the_closed_form():
    # n points (i, n-1-i) below (n, n) cover the triangle of n (n+1) / 2 unit squares.
    n = 50
    points = np.array([[i, n - 1 - i] for i in range(n)], dtype=np.float64)
    assert hypervolume(points, np.array([n, n], dtype=np.float64)) == n * (n + 1) / 2


@given(matrices(axes=st.just(3)), matrices(axes=st.just(3)))
def test_igd_plus_is_its_definition(points, front):
    if not len(points) or not len(front):
        with pytest.raises(UsageError, match="at least one point"):
            igd_plus(points, front)
        return
    worse = np.maximum(points[None] - front[:, None], 0)  # front, points, axes
    expected = np.sqrt((worse**2).sum(axis=2)).min(axis=1).mean()
    assert igd_plus(points, front) == pytest.approx(expected)


def test_igd_plus_of_a_published_example():
    # Ishibuchi et al. 2015, example 4: A is better than B in every sense, and plain IGD says the opposite.
    front = np.array([[10, 0], [6, 1], [2, 2], [1, 6], [0, 10]], dtype=np.float64)
    a, b = (np.array(rows, dtype=np.float64) for rows in ([[4, 2], [3, 3], [2, 4]], [[8, 2], [4, 4], [2, 8]]))
    assert igd_plus(a, front) < igd_plus(b, front)


@pytest.mark.parametrize("function", [non_dominated, non_dominated_ranks, lambda p: hypervolume(p, np.ones(2))])
def test_nan_is_refused_and_counted(function):
    points = np.array([[1.0, np.nan], [0.0, 0.0], [np.nan, np.nan]])
    with pytest.raises(UsageError, match="NaN in 2 of 3"):
        function(points)


def test_a_volume_has_an_end():
    one = np.ones(2)
    with pytest.raises(UsageError, match="above minus infinity for a volume, got it in 1 of 2"):
        hypervolume(np.array([[0.0, -np.inf], [0.0, 0.0]]), one)
    with pytest.raises(UsageError, match="a finite reference point"):
        hypervolume(np.zeros((1, 2)), np.array([1.0, np.inf]))
    assert hypervolume(np.array([[0.0, np.inf], [0.0, 0.5]]), one) == 0.5  # beyond the reference
