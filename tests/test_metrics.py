"""Metrics against SciPy, against hand-calculated values, and the rules for NaN, constants and short inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from hwnas.errors import UsageError
from hwnas.metrics import coverage, interval_score, kendall, mape, median_ape, relative_width, spearman, within

TRUTH = np.array([10.0, 20.0, 40.0, 50.0])
PREDICTED = np.array([11.0, 18.0, 40.0, 80.0])  # off by 10, 10, 0, 60 percent
LOWER, UPPER = np.array([8.0, 21.0, 30.0, 50.0]), np.array([12.0, 25.0, 50.0, 60.0])

# Pairs of columns on a coarse grid (many ties), not constant: SciPy warns there.
COLUMNS = hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(2, 60)), elements=st.integers(-4, 4)).filter(
    lambda pair: all(len(set(column)) > 1 for column in pair.tolist())
)


@given(COLUMNS)
def test_correlations_equal_scipy_with_ties(pair):
    x, y = pair.astype(np.float64)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_correlations_equal_scipy_at_the_size_of_a_space(digits):
    rng = np.random.default_rng(0)
    x = rng.normal(size=15_625)
    y = (x + rng.normal(size=x.size)).round(digits)
    x = x.round(digits)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


def test_correlations_by_hand():
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert spearman(x, y) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert kendall(x, y) == pytest.approx((5 - 1) / 6)
    assert spearman(x, -x) == kendall(x, -x) == -1.0
    ties = np.array([1.0, 1.0, 2.0, 3.0])  # 5 of 6 pairs untied in x, none discordant
    assert kendall(ties, x) == pytest.approx(5 / math.sqrt(5 * 6))
    assert spearman(np.array([-np.inf, 0.0, np.inf]), np.array([0.0, 1.0, 2.0])) == 1.0


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_a_constant_orders_nothing(correlation):
    assert math.isnan(correlation(np.ones(5), np.arange(5.0)))
    assert math.isnan(correlation(np.arange(5.0), np.ones(5)))


def test_relative_errors_by_hand():
    assert median_ape(TRUTH, PREDICTED) == pytest.approx(10.0)
    assert mape(TRUTH, PREDICTED) == pytest.approx(20.0)
    assert within(TRUTH, PREDICTED) == 75.0  # exactly 10 % is within 10 %
    assert within(TRUTH, PREDICTED, percent=9.9) == 25.0
    assert mape(-TRUTH, -PREDICTED) == pytest.approx(20.0)


def test_intervals_by_hand():
    assert coverage(TRUTH, LOWER, UPPER) == 75.0  # 50 lies on the edge of its interval, 20 below its own
    assert interval_score(TRUTH, LOWER, UPPER, confidence=0.9) == pytest.approx((4 + 4 + 20 + 10 + 20 * 1) / 4)
    assert interval_score(TRUTH, LOWER, UPPER, confidence=0.5) == pytest.approx((4 + 4 + 20 + 10 + 4 * 1) / 4)
    assert relative_width(TRUTH, LOWER, UPPER) == pytest.approx((20 + 40) / 2)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9])
def test_the_true_quantiles_have_the_best_interval_score(confidence):
    # The interval score is proper: no other interval around normal draws may score better than their quantiles.
    draws = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    edge = stats.norm.ppf(0.5 + confidence / 2)

    def score(lower, upper):
        return interval_score(draws, np.full_like(draws, lower), np.full_like(draws, upper), confidence=confidence)

    best = score(-edge, edge)
    assert all(score(-edge - a, edge + b) > best for a in (-0.2, 0.0, 0.2) for b in (-0.2, 0.2))
    closed_form = 2 * edge + 4 / (1 - confidence) * (stats.norm.pdf(edge) - edge * stats.norm.sf(edge))
    assert best == pytest.approx(closed_form, rel=1e-3)


def test_float32_columns_lose_nothing():
    truth = np.full(2**20, 0.1, dtype=np.float32)
    assert mape(truth, truth * np.float32(2)) == pytest.approx(100.0, abs=1e-9)


@pytest.mark.parametrize("metric", [spearman, kendall, median_ape, mape, within])
def test_nan_is_refused_and_counted(metric):
    x, y = np.array([1.0, np.nan, 3.0, 4.0]), np.array([1.0, 2.0, np.nan, 4.0])
    with pytest.raises(UsageError, match="NaN for 2 of 4"):
        metric(x, y)


@pytest.mark.parametrize("metric", [coverage, interval_score, relative_width])
def test_intervals_refuse_nan_infinity_and_crossed_bounds(metric):
    with pytest.raises(UsageError, match="NaN for 1 of 4"):
        metric(TRUTH, np.where(TRUTH == 10, np.nan, LOWER), UPPER)
    with pytest.raises(UsageError, match="infinity for 1 of 4"):
        metric(TRUTH, LOWER, np.where(TRUTH == 10, np.inf, UPPER))
    with pytest.raises(UsageError, match="the opposite for 4 of 4"):
        metric(TRUTH, UPPER, LOWER)


@pytest.mark.parametrize("metric", [median_ape, mape, within])
def test_relative_errors_refuse_zeros_and_infinity(metric):
    with pytest.raises(UsageError, match="1 of 2 that are 0"):
        metric(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    with pytest.raises(UsageError, match="infinity for 1 of 2"):
        metric(np.array([1.0, 1.0]), np.array([1.0, np.inf]))
    with pytest.raises(UsageError, match=r"at least 1; got lengths \[0, 0\]"):
        metric(np.zeros(0), np.zeros(0))


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_one_value_has_no_correlation(correlation):
    with pytest.raises(UsageError, match="at least 2"):
        correlation(np.ones(1), np.ones(1))


@pytest.mark.parametrize("confidence", [0.0, 1.0, 90.0])
def test_confidence_is_a_probability(confidence):
    with pytest.raises(UsageError, match="between 0 and 1"):
        interval_score(TRUTH, LOWER, UPPER, confidence=confidence)


def test_a_relative_width_needs_true_values_other_than_zero():
    with pytest.raises(UsageError, match="1 of 1 that are 0"):
        relative_width(np.zeros(1), np.zeros(1), np.ones(1))
