"""Quantiles of Student's t against SciPy and against the distribution with one degree of freedom."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from hwnas.energy.student import student_reach


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9, 10, 50, 199, 200])
def test_against_scipy(share: float, degrees: int) -> None:
    assert student_reach(share, degrees) == pytest.approx(stats.t.ppf((1 + share) / 2, degrees), rel=1e-9)


def test_one_degree_is_cauchy() -> None:
    assert student_reach(0.9, 1) == pytest.approx(math.tan(0.9 * math.pi / 2))


def test_many_degrees_are_nearly_normal() -> None:
    assert student_reach(0.9, 10**6) == pytest.approx(stats.norm.ppf(0.95), rel=5e-3)


@pytest.mark.parametrize(("share", "degrees"), [(0.0, 3), (1.0, 3), (0.9, 0)])
def test_outside_of_the_domain(share: float, degrees: int) -> None:
    with pytest.raises(ValueError, match="degree of freedom"):
        student_reach(share, degrees)
