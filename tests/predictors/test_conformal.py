"""Conformal quantiles against their definition and their guarantee."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwnas.errors import UsageError
from hwnas.predictors.conformal import LEVELS, residual_quantiles


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
