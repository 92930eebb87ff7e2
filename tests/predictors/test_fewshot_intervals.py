"""Calibrated intervals: quantiles that are known, groups of equal weight, and coverage of new errors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm, t

from hwnas.errors import UsageError
from hwnas.predictors.fewshot_intervals import calibrate
from hwnas.predictors.fewshot_spreads import HeldOut


def result(physical: str, residual: np.ndarray, measured: int = 10) -> HeldOut:
    return HeldOut(physical=physical, measured=measured, residual=residual, spread=np.full(len(residual), 0.5))


def test_normal_errors_give_normal_quantiles() -> None:
    rng = np.random.default_rng(0)
    calibration = calibrate([result(name, 0.5 * rng.normal(size=20_000)) for name in "abc"])
    for confidence in (0.5, 0.8, 0.9):
        low, high = calibration.ends(10, confidence)
        assert (low, high) == pytest.approx((-norm.ppf(0.5 + confidence / 2), norm.ppf(0.5 + confidence / 2)), abs=0.04)


def test_new_errors_are_covered_where_the_posterior_was_too_sure() -> None:
    rng = np.random.default_rng(1)
    errors = [2.0 * t(4).rvs(size=3000, random_state=rng) + 0.4 for _ in range(6)]
    low, high = calibrate([result(str(i), own) for i, own in enumerate(errors[:5])]).ends(10, 0.9)
    z = errors[5] / 0.5
    assert np.mean((low <= z) & (z <= high)) == pytest.approx(0.9, abs=0.02)


def test_physical_devices_weigh_the_same() -> None:
    """A device with ten columns has no more say than one with a single column."""
    rng = np.random.default_rng(2)
    wide, narrow = 5 * rng.normal(size=1000), 0.1 * rng.normal(size=1000)
    few = calibrate([result("a", wide), result("b", narrow)])
    many = calibrate([result("a", wide)] + [result("b", narrow)] * 10)
    np.testing.assert_allclose(few.quantiles, many.quantiles, rtol=0.05)


def test_between_sizes_ends_lie_between_theirs() -> None:
    rng = np.random.default_rng(3)
    calibration = calibrate([result("a", rng.normal(size=2000)), result("a", 3 * rng.normal(size=2000), measured=50)])
    ends = [calibration.ends(measured, 0.9)[1] for measured in (3, 10, 20, 50, 500)]
    assert ends[0] == ends[1] < ends[2] < ends[3] == ends[4]


def test_more_confidence_is_never_narrower_and_holds_the_prediction() -> None:
    calibration = calibrate([result("a", 1 + np.random.default_rng(4).random(500))])  # all errors to one side
    ends = [calibration.ends(10, confidence) for confidence in (0.02, 0.3, 0.5, 0.9, 0.98)]
    assert all(low <= 0 <= high for low, high in ends)
    assert all(a[0] >= b[0] and a[1] <= b[1] for a, b in pairwise(ends))


@pytest.mark.parametrize("confidence", [0.0, -0.1, 0.99, 1.0, float("nan")])
def test_other_confidences_are_refused(confidence: float) -> None:
    calibration = calibrate([result("a", np.random.default_rng(5).normal(size=100))])
    with pytest.raises(UsageError, match="confidence"):
        calibration.ends(10, confidence)
