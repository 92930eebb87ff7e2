"""The exhaustive front against brute force, with bounds, groups and missing values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hwnas.errors import UsageError
from hwnas.pareto import exhaustive_front

VALUES = st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, np.nan])
COSTS = hnp.arrays(np.float64, st.tuples(st.integers(0, 20), st.just(3)), elements=VALUES)
BOUNDS = st.tuples(*[st.sampled_from([None, 1.0, 2.0, 3.0])] * 3)


def meets(row, bounds):
    return all(cost == cost and (bound is None or cost <= bound) for cost, bound in zip(row, bounds, strict=True))


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


@given(COSTS, BOUNDS)
def test_the_front_is_what_brute_force_finds(costs, bounds):
    rows = costs.tolist()
    able = [i for i, row in enumerate(rows) if meets(row, bounds)]
    expected = {i for i in able if not any(dominates(rows[j], rows[i]) for j in able)}
    front = exhaustive_front(costs, bounds=bounds)
    assert set(front.indices.tolist()) == expected
    assert len(front) == len(expected)
    assert front.costs.tolist() == costs[front.indices].tolist()
    assert (front.method, front.evaluations, front.feasible) == ("exhaustive", len(rows), len(able))
    assert front.missing == sum(any(cost != cost for cost in row) for row in rows)


@given(COSTS, BOUNDS, st.randoms())
def test_one_axis_leads_and_groups_are_listed_once(costs, bounds, random):
    groups = np.array([random.randrange(6) for _ in costs], dtype=np.int64)
    front = exhaustive_front(costs, bounds=bounds, groups=groups)
    listed = groups[front.indices]
    assert len(set(listed.tolist())) == len(listed)
    leading = next((axis for axis, bound in enumerate(bounds) if bound is not None), 0)
    assert (np.diff(front.costs[:, leading]) >= 0).all()
    for index, group in zip(front.indices, listed, strict=True):
        twins = [row for row, g in zip(costs.tolist(), groups, strict=True) if g == group and meets(row, bounds)]
        assert costs[index, leading] == min(twin[leading] for twin in twins)


def test_reference_point_is_the_bound_or_the_worst_of_the_space():
    costs = np.array([[1.0, 5.0, np.nan], [2.0, 9.0, np.nan], [99.0, np.nan, np.nan]])
    front = exhaustive_front(costs, bounds=(3.0, None, None))
    np.testing.assert_array_equal(front.reference_point, [3.0, 9.0, np.nan])
    given_one = exhaustive_front(costs[:, :2], bounds=(3.0, None), reference=np.array([3.0, 7.0]))
    assert given_one.reference_point.tolist() == [3.0, 7.0]


def test_provenance_has_a_line_per_axis():
    costs = np.ones((1, 2))
    front = exhaustive_front(costs, bounds=(None, 1.0), provenance=("measured", "computed"))
    assert front.provenance == ("measured", "computed")
    with pytest.raises(UsageError, match=r"one provenance per axis \(2\), got 1"):
        exhaustive_front(costs, bounds=(None, 1.0), provenance=("measured",))
