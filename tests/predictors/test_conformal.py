"""Conformal quantiles against their definition and their guarantee."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwnas.errors import UsageError
from hwnas.predictors.conformal import LEVELS, bins_for, cost_intervals, residual_quantiles


def test_quantiles_are_the_order_statistics_of_the_definition() -> None:
    residuals = np.array([9.0, 8, -7, 6, 5, -4, 3, 2, 1, 0, -10])  # n = 11: sorted -10 -7 -4 0 1 2 3 5 6 8 9
    quantiles = residual_quantiles(residuals, np.array([0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]))
    assert quantiles.tolist() == [-10.0, -10.0, -4.0, 2.0, 6.0, 9.0, 9.0]


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_quantiles_grow_with_the_level_and_hold_on_the_calibration_nets(seed: int) -> None:
    residuals = np.random.default_rng(seed).gumbel(size=200)
    levels = np.array(LEVELS)
    quantiles = residual_quantiles(residuals, levels)
    assert (np.diff(quantiles) >= 0).all()
    below = (residuals[:, None] <= quantiles).mean(axis=0)
    assert (np.abs(below - levels) <= 2 / 200 + 1e-9).all()
    assert (below[levels >= 0.5] >= levels[levels >= 0.5] - 1e-9).all()


def test_mirrored_residuals_give_mirrored_quantiles() -> None:
    residuals = np.random.default_rng(0).gumbel(size=101)
    levels = np.array(LEVELS)
    mirrored = -residual_quantiles(-residuals, 1 - levels)
    other = levels != 0.5  # at the median the rule leans to the upper side
    np.testing.assert_allclose(residual_quantiles(residuals, levels)[other], mirrored[other])


def test_new_nets_are_covered_at_the_promised_rate() -> None:
    rng = np.random.default_rng(1)
    upper, central = [], []
    for _ in range(400):
        calibration, new = rng.gumbel(size=99), rng.gumbel(size=50)
        low, nine, high = residual_quantiles(calibration, np.array([0.05, 0.9, 0.95]))
        upper.append((new <= nine).mean())
        central.append(((new >= low) & (new <= high)).mean())
    # Split conformal covers between 0.9 and 0.9 + 2/(n + 1); the mean of 20,000 draws is known to about 0.003.
    assert 0.89 <= np.mean(upper) <= 0.92
    assert 0.89 <= np.mean(central) <= 0.93


@pytest.mark.parametrize("residuals", [np.zeros(9), np.array([np.nan] * 20), np.array([np.inf] + [0.0] * 20)])
def test_too_few_or_undefined_residuals_are_refused(residuals: np.ndarray) -> None:
    with pytest.raises(UsageError, match="at least 10 finite residuals"):
        residual_quantiles(residuals, np.array([0.9]))


def two_kinds(nets: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs, predictions and folds of nets of which the cheap ones are predicted four times worse than the others."""
    rng = np.random.default_rng(seed)
    predicted = np.exp(rng.normal(size=nets))
    spread = np.where(predicted < np.quantile(predicted, 0.2), 0.4, 0.1)
    return predicted * np.exp(rng.normal(size=nets) * spread), predicted, rng.permutation(nets) % 4


def covered(true: np.ndarray, predicted: np.ndarray, factors: np.ndarray) -> np.ndarray:
    low, high = (factors[:, LEVELS.index(level)] for level in (0.05, 0.95))
    return (predicted * low <= true) & (true <= predicted * high)


def test_cheap_nets_are_covered_as_often_as_others_where_they_are_predicted_worse() -> None:
    true, predicted, fold = two_kinds(8000, seed=0)
    cheap = predicted < np.quantile(predicted, 0.2)
    for bins, (least, most) in {1: (0.4, 0.8), 10: (0.88, 0.93)}.items():
        found = cost_intervals(true, predicted, fold, levels=np.array(LEVELS), bins=bins)
        inside = covered(true, predicted, found.factors(predicted, fold))
        assert least < inside[cheap].mean() < most
        assert 0.88 < inside.mean() < 0.93
    assert inside[~cheap].mean() < 0.93


def test_no_cost_of_a_fold_enters_its_own_intervals() -> None:
    true, predicted, fold = two_kinds(800, seed=1)
    before = cost_intervals(true, predicted, fold, levels=np.array(LEVELS), bins=4)
    changed = np.where(fold == 2, true * 50, true)
    after = cost_intervals(changed, predicted, fold, levels=np.array(LEVELS), bins=4)
    assert (before.quantiles[2] == after.quantiles[2]).all() and (before.starts == after.starts).all()
    assert (before.quantiles[0] != after.quantiles[0]).any()


def test_groups_are_equal_parts_of_the_other_folds_and_hold_every_prediction() -> None:
    true, predicted, fold = two_kinds(400, seed=2)
    true[::7] = np.nan
    found = cost_intervals(true, predicted, fold, levels=np.array([0.1, 0.9]), bins=5)
    others = (fold != 1) & ~np.isnan(true)
    sizes = np.bincount(found.group(predicted[others], np.full(others.sum(), 1)), minlength=5)
    assert sizes.max() - sizes.min() <= 1
    ends = found.group(np.array([1e-9, 1e9]), np.array([1, 1]))
    assert ends.tolist() == [0, 4], "cheaper and dearer than any that was measured"
    one = cost_intervals(true, predicted, fold, levels=np.array([0.1, 0.9]), bins=1)
    residuals = np.log(true / predicted)[others]
    np.testing.assert_allclose(np.log(one.quantiles[1, 0]), residual_quantiles(residuals, np.array([0.1, 0.9])))


def test_few_nets_are_not_split() -> None:
    assert [bins_for(np.ones((nets, 2))) for nets in (50, 399, 400, 15625)] == [1, 1, 2, 10]
    assert bins_for(np.stack([np.ones(4000), np.where(np.arange(4000) < 600, 1.0, np.nan)], axis=1)) == 3
