"""Feasibility against the definition, and the rules for NaN, infinity and bounds that do not fit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hwnas.errors import UsageError
from hwnas.pareto import closest_to_feasible, feasible, known
from hwnas.pareto.feasibility import axis_order, cheapest_first, check_bounds, check_column, first_of_each

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


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (None, r"a bound for each cost, None for none, got None; give e.g. \(20.0, None\)"),
        ("1", "a bound for each cost, None for none, got '1'"),
        (("1",), "None for no bound; got '1'"),
        ((None, np.nan), "None for no bound; got nan"),
    ],
)
def test_bounds_are_finite_numbers_or_none(bounds, message):
    with pytest.raises(UsageError, match=message):
        check_bounds(bounds)
    check_bounds([1, None, np.float32(2)])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["a", "b"], "one score for each net as numbers, got a list"),
        (np.array([object(), 1.0]), "one score for each net as numbers, got an array of object"),
        ([[1.0], [2.0]], r"one score for each net, shape \(2,\), got shape \(2, 1\)"),
        ([1.0], r"one score for each net \(2\), got 1"),
        (1.0, r"one score for each net \(2\), got"),
    ],
)
def test_a_column_has_a_number_for_each_net(column, message):
    with pytest.raises(UsageError, match=message):
        check_column("one score", column, 2)
    np.testing.assert_array_equal(check_column("one score", [1, 2], 2), [1.0, 2.0])


SCRIPT = """
import numpy as np
from hwnas.errors import UsageError
from hwnas.pareto import compare, compare_random, compare_scores, ground_truth, hypervolume, shortlist

costs, scores = [[1], [2], [3]], [1, 3, 2]
assert shortlist(costs, scores, bounds=[None], k=2).indices.tolist() == [0, 1]
truth = ground_truth(costs, scores, bounds=(None,), groups=[0, 1, 2])
assert compare([0, 1], truth).relative_hypervolume == 1.0
for call in (
    lambda: shortlist(costs, scores, bounds=None),
    lambda: shortlist(costs, scores, bounds=(None,), k=5.0),
    lambda: shortlist(costs, np.array([None, "a", 1.0]), bounds=(None,)),
    lambda: shortlist(costs, scores, bounds=(None,), groups=[0, 1]),
    lambda: shortlist(costs, scores, bounds=(None,), groups=[0.0, 1.0, 2.0]),
    lambda: shortlist([1.0, 2.0], scores, bounds=(None,)),
    lambda: compare([0.0, 1.0], truth),
    lambda: compare(np.array([True, False, False]), truth),
    lambda: compare(2, truth),
    lambda: compare_scores(scores, truth, draws=2.0),
    lambda: compare_random(truth, draws=2.0),
    lambda: ground_truth(costs, ["high", "low", "low"], bounds=(None,)),
):
    try:
        call()
    except UsageError as error:
        print(error)
    else:
        print("taken")
"""


def test_a_script_without_type_checks_is_told_the_same():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    expected = [
        "a bound for each cost, None for none, got None",
        "k, the length of a shortlist, to be a whole number, got 5.0",
        "one score for each net as numbers, got an array of object",
        "one network id for each net (3), got 2",
        "network ids as whole numbers, got float64 of shape (3,)",
        "costs of shape (n, m) and m bounds",
        "rows of nets as whole numbers, one after the other, got [0.0, 1.0]",
        "rows of nets as whole numbers, one after the other, got array([ True",
        "rows of nets as whole numbers, one after the other, got 2",
        "the number of draws to be a whole number, got 2.0",
        "the number of draws to be a whole number, got 2.0",
        "one accuracy for each net as numbers, got a list",
    ]
    told = run.stdout.splitlines()
    assert len(told) == len(expected)
    for line, words in zip(told, expected, strict=True):
        assert words in line
