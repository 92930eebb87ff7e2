"""The comparison by hand, in closed form, and its invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwnas.errors import UsageError
from hwnas.pareto import compare, compare_random, compare_scores, ground_truth, reference_point, shortlist, twin_means

# Median accuracy 60. Within 10: the front is (2, 62), (6, 66), (10, 70); (8, 61) and (3, 50) are dominated.
COSTS = np.array([2, 6, 10, 8, 3, 20, 30, 40, 50], dtype=np.float64)[:, None]
ACCURACY = np.array([62, 66, 70, 61, 50, 60, 10, 55, 57], dtype=np.float64)


@pytest.fixture
def truth():
    return ground_truth(COSTS, ACCURACY, bounds=(10.0,))


def test_the_truth_by_hand(truth):
    assert truth.front.indices.tolist() == [0, 1, 2]
    assert truth.reference_point.tolist() == [10, -60]
    assert truth.ideal_point.tolist() == [2, -70]
    # Box 8 x 10; staircase in raw units: (6 - 2) * 2 + (10 - 6) * 6 = 32.
    assert truth.front_hypervolume == pytest.approx(32 / 80)
    assert truth.reason_if_null is None


def test_a_comparison_by_hand(truth):
    result = compare(np.array([1, 4]), truth, k=5)
    assert result.relative_hypervolume == pytest.approx(24 / 32)
    # To (2, 62): cost 4 of 8 worse. To (6, 66): 0. To (10, 70): accuracy 4 of 10 worse.
    assert result.igd_plus == pytest.approx((0.5 + 0 + 0.4) / 3)
    assert result.accuracy_lost_points == pytest.approx(4.0)
    assert (result.k, result.draws, result.reason_if_null) == (5, 1, None)


def test_equal_nets_of_the_front_weigh_as_one():
    costs, accuracy = np.vstack([COSTS, [[2.0], [60.0]]]), np.append(ACCURACY, [62.0, 0.0])  # the median stays 60
    result = compare(np.array([1, 4]), ground_truth(costs, accuracy, bounds=(10.0,)))
    assert result.igd_plus == pytest.approx((0.5 + 0 + 0.4) / 3)


def test_the_true_front_is_a_perfect_list(truth):
    result = compare(truth.front.indices, truth, k=3)
    assert (result.relative_hypervolume, result.igd_plus, result.accuracy_lost_points) == (1.0, 0.0, 0.0)


def test_nets_that_break_the_budget_or_are_unknown_find_nothing():
    accuracy = np.where(np.arange(9) == 3, np.nan, ACCURACY)
    truth = ground_truth(COSTS, accuracy, bounds=(10.0,))
    result = compare(np.array([1, 3, 5]), truth)
    assert (result.infeasible, result.unknown) == (1.0, 1.0)
    assert result.accuracy_lost_points == 4.0
    beyond = compare(np.array([5]), truth)
    assert beyond.relative_hypervolume == 0.0  # a list of nets that break the budget has found nothing
    assert (beyond.igd_plus, beyond.accuracy_lost_points) == (None, None)
    assert "no listed net" in beyond.reason_if_null
    assert compare(np.array([3]), truth).relative_hypervolume is None  # nothing is known of it
    assert compare(np.zeros(0, dtype=np.int64), truth).relative_hypervolume is None


@pytest.mark.parametrize(
    ("bound", "accuracy", "reason"),
    [
        (1.0, ACCURACY, "no net .* meets the bounds"),
        (2.5, np.where(COSTS[:, 0] == 2, 60.0, ACCURACY), "median accuracy of the space, 60.00; .* has 60.00"),
        (2.0, ACCURACY, "no feasible cost on axis 0 is below its reference point, 2"),
        (6.0, np.where(COSTS[:, 0] == 2, 5.0, np.maximum(ACCURACY, 6)), "has a cost at its reference point"),
    ],
)
def test_where_shares_mean_nothing_they_are_null_with_a_reason(bound, accuracy, reason):
    truth = ground_truth(COSTS, accuracy, bounds=(bound,))
    result = compare_scores(accuracy, truth)
    assert (result.relative_hypervolume, result.igd_plus) == (None, None)
    assert result.reason_if_null is not None
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(result.reason_if_null)
    assert (result.accuracy_lost_points is None) == (bound == 1.0)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("bound", [None, 327_680.0])
def test_a_cost_that_all_nets_share_leaves_the_shares_as_they_are(place, bound):
    bounds, wider = (10.0,), [10.0]
    wider.insert(place, bound)
    shared = ground_truth(np.insert(COSTS, place, 327_680.0, axis=1), ACCURACY, bounds=tuple(wider))
    assert shared.flat.tolist() == [axis == place for axis in range(3)] and shared.reason_if_null is None
    found, expected = (
        compare(np.array([1, 3]), truth) for truth in (shared, ground_truth(COSTS, ACCURACY, bounds=bounds))
    )
    assert 0 < found.relative_hypervolume == pytest.approx(expected.relative_hypervolume)
    assert found.igd_plus == pytest.approx(expected.igd_plus)


def test_reference_point_takes_bounds_worst_costs_and_the_median():
    costs = np.array([[1, 7], [2, np.nan], [5, 9], [3, 1]])
    accuracy = np.array([10, 90, np.nan, 30], dtype=np.float64)
    assert reference_point(costs, accuracy, bounds=(4.0, None)).tolist() == [4, 9, -30]
    with pytest.raises(UsageError, match="none on axis 1"):
        reference_point(costs[:, :1], np.full(4, np.nan), bounds=(4.0,))


def test_twins_share_their_mean_accuracy_and_their_cheapest_form():
    groups = np.array([4, 4, 4, 1, 2])
    accuracy = np.array([70, 72, np.nan, 60, np.nan])
    np.testing.assert_array_equal(twin_means(accuracy, groups), [71, 71, 71, 60, np.nan])
    costs = np.array([[5.0], [3.0], [1.0], [2.0], [0.5]])
    truth = ground_truth(costs, accuracy, bounds=(4.0,), groups=groups)
    assert truth.front.indices.tolist() == [2]  # cost 1 with accuracy 71, though its own was never published
    assert truth.front.costs.tolist() == [[1, -71]]
    assert truth.reference_point[-1] == -70  # the median of what was published, not of the means


@st.composite
def spaces(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, m = draw(st.integers(1, 40)), draw(st.integers(1, 2))
    costs = rng.integers(1, 12, size=(n, m)) * 1.0
    groups = rng.integers(0, n, size=n) if draw(st.booleans()) else None
    bounds = (draw(st.sampled_from([3.0, 6.0, 9.0])), *[None] * (m - 1))
    return costs, rng.random(n), bounds, groups, rng.permutation(n)


@given(spaces())
def test_shares_stay_between_nothing_and_everything(space):
    costs, accuracy, bounds, groups, order = space
    truth = ground_truth(costs, accuracy, bounds=bounds, groups=groups)
    assert (truth.reason_if_null is None) == (truth.front_hypervolume > 0)
    everything = compare_scores(-truth.points[:, -1], truth, k=len(costs))
    result = compare_scores(order.astype(np.float64), truth, k=3)
    for share in (everything, result):
        assert (share.relative_hypervolume is None) == (truth.reason_if_null is not None)
    if truth.reason_if_null is None:
        assert everything.relative_hypervolume == pytest.approx(1.0)
        assert everything.igd_plus == pytest.approx(0.0)
        assert everything.accuracy_lost_points == 0.0
        assert 0 <= result.relative_hypervolume <= 1 + 1e-12
        assert result.igd_plus >= 0
        assert result.accuracy_lost_points >= 0


@given(spaces(), st.floats(0.01, 100), st.floats(0.01, 100))
def test_units_do_not_matter(space, cost_unit, accuracy_unit):
    costs, accuracy, bounds, groups, order = space
    cost_unit, accuracy_unit = 2.0 ** round(math.log2(cost_unit)), 2.0 ** round(math.log2(accuracy_unit))  # exact
    scores = order.astype(np.float64)
    plain = compare_scores(scores, ground_truth(costs, accuracy, bounds=bounds, groups=groups), k=3)
    scaled_bounds = tuple(None if bound is None else bound * cost_unit for bound in bounds)
    truth = ground_truth(costs * cost_unit, accuracy * accuracy_unit, bounds=scaled_bounds, groups=groups)
    scaled = compare_scores(scores, truth, k=3)
    assert scaled.relative_hypervolume == pytest.approx(plain.relative_hypervolume)
    assert scaled.igd_plus == pytest.approx(plain.igd_plus)


def test_draws_are_averaged():
    # Ten nets of equal cost and score, one of them better than the median: five lists of one net, by seeds 0 to 4.
    costs, accuracy = np.ones((10, 1)), np.full(10, 50.0)
    accuracy[7] = 60.0
    truth = ground_truth(costs, accuracy, bounds=(2.0,))
    picks = [compare_scores(np.zeros(10), truth, k=1, draws=d).accuracy_lost_points * d for d in range(1, 41)]
    lost = np.diff([0.0, *picks])
    assert set(np.round(lost, 6)) == {0.0, 10.0}
    assert np.mean(lost == 0) < 0.4
    assert compare_scores(np.zeros(10), truth, k=1).draws == 5


def test_random_draws_new_scores_each_time():
    rng = np.random.default_rng(0)
    costs, accuracy = rng.random((300, 1)), rng.random(300)
    truth = ground_truth(costs, accuracy, bounds=(0.5,))
    one, five = compare_random(truth, k=5, draws=1), compare_random(truth, k=5)
    assert (one.draws, five.draws) == (1, 5)
    assert one.relative_hypervolume != five.relative_hypervolume
    assert five == compare_random(truth, k=5)
    assert five.relative_hypervolume < compare_scores(accuracy, truth, k=5).relative_hypervolume


def test_predicted_costs_choose_and_true_costs_judge():
    truth = ground_truth(COSTS, ACCURACY, bounds=(10.0,))
    optimistic = COSTS / 5  # the whole space seems to meet the budget; four nets do not
    front = compare_scores(ACCURACY, truth, costs=optimistic, k=3)
    assert (front.infeasible, front.relative_hypervolume) == (0.0, 1.0)
    assert compare_scores(ACCURACY, truth, costs=optimistic, k=9).infeasible == 4.0


@pytest.mark.parametrize(("rows", "k"), [([0, 1, 2], 2), ([9], 20), ([-1], 20)])
def test_lists_that_cannot_be_are_refused(truth, rows, k):
    with pytest.raises(UsageError, match=f"at most k = {k} rows from 0 to 8"):
        compare(np.array(rows), truth, k=k)


def test_columns_of_another_length_are_refused(truth):
    # Where shapes are executed (as in this suite), the annotation refuses first.
    with pytest.raises((UsageError, TypeError), match=r"\(9\), got 8|Type-check"):
        reference_point(COSTS, ACCURACY[:8], bounds=(10.0,))
    with pytest.raises((UsageError, TypeError), match=r"\(9\), got 8|Type-check"):
        ground_truth(COSTS, ACCURACY, bounds=(10.0,), groups=np.arange(8))
    with pytest.raises(UsageError, match=r"row of costs for each net \(9\), got 8"):
        compare_scores(ACCURACY[:8], truth, costs=COSTS[:8])


def test_no_draw_is_refused(truth):
    with pytest.raises(UsageError, match="at least 1 draw"):
        compare_scores(ACCURACY, truth, draws=0)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_skipping_draws_that_cannot_differ_changes_nothing(seed: int, ties: bool) -> None:
    """The mean over draws against each draw on its own, with and without ties between and within networks."""
    rng = np.random.default_rng(seed)
    costs = rng.integers(1, 6 if ties else 10**9, size=(60, 1)).astype(float)
    groups = rng.integers(0, 30, size=60)
    scores = rng.integers(0, 4, size=30).astype(float)[groups] if ties else rng.random(30)[groups]
    judged = costs * rng.uniform(0.9, 1.1, size=costs.shape)
    bound = float(np.quantile(judged, 0.8))
    truth = ground_truth(judged, rng.random(60), bounds=(bound,), groups=groups)
    lists = [shortlist(costs, scores, bounds=(bound,), k=5, groups=groups, seed=draw) for draw in range(5)]
    each = [compare(listed.indices, truth, k=5) for listed in lists]
    mean = compare_scores(scores, truth, costs=costs, k=5)
    expected = [one.accuracy_lost_points for one in each]
    if None in expected:
        assert mean.accuracy_lost_points is None
    else:
        assert mean.accuracy_lost_points == pytest.approx(np.mean(expected))
    assert mean.infeasible == pytest.approx(np.mean([one.infeasible for one in each]))
