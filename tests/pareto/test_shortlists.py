"""The shortlist rule: against a plain reading of its definition, by hand, and its invariants."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwnas.errors import UsageError
from hwnas.pareto import non_dominated_ranks, shortlist
from hwnas.pareto.feasibility import check_length
from hwnas.pareto.shortlists import _evenly_spaced


@st.composite
def tasks(draw):
    """Costs on a coarse grid with some NaN, distinct scores with some NaN, groups, bounds, k."""
    n, m = draw(st.integers(0, 30)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    costs = rng.integers(0, 12, size=(n, m)) / 2
    costs[rng.random((n, m)) < 0.05] = np.nan
    scores = rng.permutation(n).astype(np.float64)
    scores[rng.random(n) < 0.1] = np.nan
    groups = rng.integers(0, max(1, n // 2), size=n)
    bounds = tuple(draw(st.sampled_from([None, 2.0, 4.0])) for _ in range(m))
    return costs, scores, groups, bounds, draw(st.integers(1, 12))


def plain_reading(costs, scores, groups, bounds, k):
    """The definition, net by net: one per network, whole ranks, then evenly spaced positions of one rank."""
    axes = sorted(range(len(bounds)), key=lambda a: bounds[a] is None)
    able = [
        i
        for i in range(len(costs))
        if scores[i] == scores[i]
        and all(c == c and (b is None or c <= b) for c, b in zip(costs[i].tolist(), bounds, strict=True))
    ]
    able.sort(key=lambda i: (*costs[i, axes], -scores[i]))
    seen: set[int] = set()
    nets = [i for i in able if not (groups[i] in seen or seen.add(groups[i]))]
    ranks = non_dominated_ranks(np.array([[*costs[i], -scores[i]] for i in nets]).reshape(len(nets), len(bounds) + 1))
    listed: list[int] = []
    for rank in range(len(nets)):
        members = [i for i, r in zip(nets, ranks, strict=True) if r == rank]
        places = k - len(listed)
        if places >= len(members):
            listed += members
        elif places == 1:
            listed.append(max(members, key=lambda i: scores[i]))
        elif places:
            gap = Fraction(len(members) - 1, places - 1)
            listed += [members[math.floor(j * gap + Fraction(1, 2))] for j in range(places)]
    return set(listed)


@given(tasks())
def test_the_shortlist_is_the_plain_reading_of_its_definition(task):
    costs, scores, groups, bounds, k = task
    result = shortlist(costs, scores, bounds=bounds, k=k, groups=groups)
    assert set(result.indices.tolist()) == plain_reading(costs, scores, groups, bounds, k)


@given(tasks())
def test_without_groups_every_net_counts(task):
    costs, scores, _, bounds, k = task
    result = shortlist(costs, scores, bounds=bounds, k=k)
    assert set(result.indices.tolist()) == plain_reading(costs, scores, np.arange(len(costs)), bounds, k)


@given(tasks())
def test_size_order_ranks_and_counts(task):
    costs, scores, groups, bounds, k = task
    result = shortlist(costs, scores, bounds=bounds, k=k, groups=groups)
    able = np.array(
        [all(c == c and (b is None or c <= b) for c, b in zip(row, bounds, strict=True)) for row in costs.tolist()],
        bool,
    )
    networks = set(groups[able & ~np.isnan(scores)].tolist()) if len(costs) else set()
    assert len(result) == min(k, len(networks))  # full wherever there are enough networks, and no network twice
    assert len(set(groups[result.indices].tolist())) == len(result)
    leading = next((axis for axis, bound in enumerate(bounds) if bound is not None), 0)
    assert (np.diff(costs[result.indices, leading]) >= 0).all()
    assert sorted(set(result.ranks.tolist())) == list(range(len(set(result.ranks.tolist()))))
    assert (result.feasible, result.k, result.bounds) == (able.sum(), k, bounds)
    assert result.missing == np.isnan(costs).any(axis=1).sum()
    assert result.unscored == (np.isnan(scores) & able).sum()


@given(tasks(), st.randoms())
def test_the_order_of_the_nets_does_not_matter(task, random):
    costs, scores, groups, bounds, k = task
    order = np.array(random.sample(range(len(costs)), len(costs)), dtype=np.int64)
    plain = shortlist(costs, scores, bounds=bounds, k=k, groups=groups)
    moved = shortlist(costs[order], scores[order], bounds=bounds, k=k, groups=groups[order])
    assert set(order[moved.indices].tolist()) == set(plain.indices.tolist())


def test_by_hand():
    # Rank 0: costs 1, 2, 3, 5 (score rises with cost); rank 1: costs 4, 6, 7, 8.
    costs = np.array([1, 2, 3, 5, 4, 6, 7, 8], dtype=np.float64)[:, None]
    scores = np.array([1, 2, 3, 9, 2.5, 4, 5, 6])
    listed = {k: shortlist(costs, scores, bounds=(None,), k=k) for k in range(1, 10)}
    assert listed[1].indices.tolist() == [3]  # one place: the best score
    assert listed[2].indices.tolist() == [0, 3]  # both ends
    assert listed[3].indices.tolist() == [0, 2, 3]
    assert listed[5].indices.tolist() == [0, 1, 2, 3, 7]
    assert listed[6].indices.tolist() == [0, 1, 2, 4, 3, 7]  # by cost, not by rank
    assert listed[6].ranks.tolist() == [0, 0, 0, 1, 0, 1]
    assert len(listed[9]) == 8


def test_ties_in_score_go_to_the_cheaper_net():
    result = shortlist(np.array([[3.0], [1.0], [2.0]]), np.array([5.0, 5.0, 5.0]), bounds=(None,), k=2)
    assert result.indices.tolist() == [1, 2]
    assert result.ranks.tolist() == [0, 1]


def test_equal_nets_are_drawn_by_seed():
    costs, scores = np.ones((40, 1)), np.ones(40)
    draws = [tuple(shortlist(costs, scores, bounds=(None,), k=3, seed=seed).indices.tolist()) for seed in range(5)]
    assert len(set(draws)) == 5
    again = shortlist(costs, scores, bounds=(None,), k=3, seed=2).indices.tolist()
    assert tuple(again) == draws[2]


def test_infinite_scores_order():
    costs, scores = np.array([[1.0], [2.0], [3.0]]), np.array([-np.inf, 1e32, np.inf])
    assert shortlist(costs, scores, bounds=(None,), k=1).indices.tolist() == [2]
    assert shortlist(costs, scores, bounds=(2.5,), k=1).indices.tolist() == [1]


@given(st.integers(2, 400), st.integers(2, 400))
def test_evenly_spaced_positions(a, b):
    n, places = max(a, b), min(a, b)
    positions = _evenly_spaced(n, places)
    gaps = np.diff(positions)
    assert (positions[0], positions[-1], len(positions)) == (0, n - 1, places)
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_wrong_use_is_refused():
    with pytest.raises(UsageError, match="at least 1 net, got k = 0"):
        shortlist(np.ones((2, 1)), np.ones(2), bounds=(None,), k=0)
    with pytest.raises(UsageError, match=r"shape \(2, 2\) and 1 bounds"):
        shortlist(np.ones((2, 2)), np.ones(2), bounds=(None,))


@pytest.mark.parametrize("columns", [{"scores": np.ones(3)}, {"scores": np.ones(2), "groups": np.arange(3)}])
def test_columns_of_another_length_are_refused(columns):
    # Where shapes are executed (as in this suite), the annotation refuses first.
    with pytest.raises((UsageError, TypeError), match=r"\(2\), got 3|Type-check"):
        shortlist(np.ones((2, 1)), bounds=(None,), **columns)


@pytest.mark.parametrize("length", [0, 2, 4])
def test_the_check_behind_the_annotations(length):
    with pytest.raises(UsageError, match=rf"expected one score for each net \(3\), got {length}"):
        check_length("one score", np.ones(length), 3)
    check_length("one score", np.ones(3), 3)
