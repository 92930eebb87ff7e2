"""Conformal half-widths against their definition and their guarantee."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwnas.errors import UsageError
from hwnas.predictors.conformal import LEVELS, log_residual_quantiles


def test_the_half_width_is_the_order_statistic_of_the_definition() -> None:
    residuals = np.array([-10.0, 9, 8, -7, 6, 5, -4, 3, 2, 1, 0])  # n = 11: ceil(12 * level)-th smallest
    widths = log_residual_quantiles(residuals, np.array([0.5, 0.75, 0.9, 0.99]))
    assert widths.tolist() == [5.0, 8.0, 10.0, 10.0]


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_widths_grow_with_the_level_and_cover_the_calibration_nets(seed: int) -> None:
    residuals = np.random.default_rng(seed).standard_t(3, size=200)
    widths = log_residual_quantiles(residuals, np.array(LEVELS))
    assert (np.diff(widths) >= 0).all()
    covered = (np.abs(residuals)[:, None] <= widths).mean(axis=0)
    assert (covered >= np.array(LEVELS)).all()
    assert (covered <= np.array(LEVELS) + 2 / 200 + 1e-9).all()


def test_new_nets_are_covered_at_the_promised_rate() -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(400):
        calibration, new = rng.standard_t(3, size=99), rng.standard_t(3, size=50)
        width = log_residual_quantiles(calibration, np.array([0.9]))[0]
        shares.append((np.abs(new) <= width).mean())
    # Split conformal covers between 0.9 and 0.9 + 1/(n + 1); the mean of 20,000 draws is known to about 0.002.
    assert 0.893 <= np.mean(shares) <= 0.917


@pytest.mark.parametrize("residuals", [np.zeros(9), np.array([np.nan] * 20), np.array([np.inf] + [0.0] * 20)])
def test_too_few_or_undefined_residuals_are_refused(residuals: np.ndarray) -> None:
    with pytest.raises(UsageError, match="at least 10 finite residuals"):
        log_residual_quantiles(residuals, np.array([0.9]))
