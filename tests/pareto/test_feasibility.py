"""Feasibility against the definition, and the rules for NaN, infinity and bounds that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hwnas.errors import UsageError
from hwnas.pareto import closest_to_feasible, feasible, known
from hwnas.pareto.feasibility import axis_order, cheapest_first, first_of_each

COSTS = hnp.arrays(np.float64, st.tuples(st.integers(0, 12), st.just(3)), elements=st.sampled_from([0, 1, 2, np.nan]))
BOUNDS = st.tuples(*[st.sampled_from([None, -1.0, 0.0, 1.0, 2.0])] * 3)


@given(COSTS, BOUNDS)
def test_feasible_is_its_definition(costs, bounds):
    expected = [
        all(c == c and (b is None or c <= b) for c, b in zip(row, bounds, strict=True)) for row in costs.tolist()
    ]
    assert feasible(costs, bounds).tolist() == expected


@given(COSTS, BOUNDS)
def test_the_closest_net_is_feasible_where_one_is(costs, bounds):
    row = closest_to_feasible(costs, bounds)
    if row is None:
        assert all(bound is None for bound in bounds) or not known(costs).any()
    else:
        assert known(costs)[row]
        assert feasible(costs, bounds)[row] == feasible(costs, bounds).any()


def test_the_closest_net_by_hand():
    costs = np.array([[8.0, 1.0], [7.0, 9.0], [np.nan, 0.0], [6.0, 50.0]])
    assert closest_to_feasible(costs[:, :1], (5.0,)) == 3  # one bound: the cheapest
    assert closest_to_feasible(costs, (5.0, None)) == 3
    assert closest_to_feasible(costs, (5.0, 2.0)) == 0  # 60 % too much; the others 350 % and 2400 %
    assert closest_to_feasible(costs, (None, None)) is None


def test_cheaper_is_decided_by_bounded_axes_first():
    assert axis_order((None, 3.0, None, 4.0)) == [1, 3, 0, 2]
    costs = np.array([[1.0, 2.0], [0.0, 2.0], [9.0, 1.0], [0.0, 2.0]])
    rows = np.arange(4)
    assert cheapest_first(costs, (None, 5.0), rows).tolist() == [2, 1, 3, 0]
    assert cheapest_first(costs, (None, 5.0), rows, np.array([0.0, 2.0, 0.0, 1.0])).tolist() == [2, 3, 1, 0]


def test_first_of_each_keeps_the_order_of_the_rows():
    groups = np.array([7, 7, 5, 5, 9])
    assert first_of_each(groups, np.array([3, 1, 4, 2, 0])).tolist() == [3, 1, 4]


@pytest.mark.parametrize(
    ("costs", "bounds", "message"),
    [
        (np.ones((2, 2)), (1.0,), r"shape \(2, 2\) and 1 bounds"),
        (np.ones((2, 0)), (), r"shape \(2, 0\) and 0 bounds"),
        (np.ones((2, 1)), (float("inf"),), "None for no bound; got inf"),
        (np.array([[np.inf], [1.0], [-np.inf]]), (1.0,), "infinity for 2 of 3 nets"),
    ],
)
def test_what_does_not_fit_is_refused(costs, bounds, message):
    with pytest.raises(UsageError, match=message):
        feasible(costs, bounds)
