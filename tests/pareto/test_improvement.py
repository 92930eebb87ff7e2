"""Expected hypervolume improvement against quadrature, moocore and draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from hwnas.errors import UsageError
from hwnas.pareto import hypervolume
from hwnas.pareto.improvement import _normal_cdf, expected_hypervolume_improvement, expected_improvement


def test_the_distribution_function_is_scipys() -> None:
    z = np.linspace(-6, 6, 4001)[:, None]
    np.testing.assert_allclose(_normal_cdf(z), norm.cdf(z), atol=1e-7)


@pytest.mark.parametrize(("mean", "deviation", "best"), [(0.0, 1.0, 0.5), (2.0, 0.3, -1.0), (-1.0, 0.5, 0.4)])
def test_improvement_is_its_integral(mean: float, deviation: float, best: float) -> None:
    expected, _ = quad(lambda t: (t - best) * norm.pdf(t, mean, deviation), best, mean + 12 * deviation)
    found = expected_improvement(np.array([mean]), np.array([deviation]), np.array([best]))
    assert found[0, 0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("axes", "tolerance"), [(1, 0.04), (2, 0.06), (3, 0.12)])
def test_it_is_the_mean_gain_of_hypervolume_over_draws(axes: int, tolerance: float) -> None:
    """moocore's hypervolume before and after each of 300 drawn values, in the box of costs."""
    rng = np.random.default_rng(axes)
    costs, reference, least = rng.random((6, axes)), np.full(axes, 1.1), 0.2
    known_costs, known_values = rng.random((4, axes)), rng.random(4)
    mean, deviation = rng.random(6) + 0.3, rng.uniform(0.1, 0.4, 6)
    found = expected_hypervolume_improvement(
        costs,
        mean,
        deviation,
        known_costs=known_costs,
        known_values=known_values,
        reference=reference,
        least=least,
    )
    lowest = np.minimum(costs.min(axis=0), known_costs.min(axis=0))
    box = np.prod(reference - lowest)
    corner = np.append(reference, -least)
    known = np.column_stack([known_costs, -known_values])
    before = hypervolume(known, corner)
    for row in range(len(costs)):
        draws = rng.normal(mean[row], deviation[row], 300)
        gains = [hypervolume(np.vstack([known, [*costs[row], -value]]), corner) - before for value in draws]
        assert found[row] * box == pytest.approx(np.mean(gains), abs=tolerance * box)


def test_what_is_known_already_adds_nothing() -> None:
    costs = np.array([[0.5], [0.9]])
    found = expected_hypervolume_improvement(
        costs,
        np.array([0.6, 0.6]),
        np.array([1e-6, 1e-6]),
        known_costs=np.array([[0.4]]),
        known_values=np.array([0.7]),
        reference=np.array([1.0]),
        least=0.0,
    )
    assert found == pytest.approx([0.0, 0.0], abs=1e-9)


def test_a_net_beyond_the_reference_adds_nothing() -> None:
    found = expected_hypervolume_improvement(
        np.array([[0.1], [2.0]]),
        np.ones(2),
        np.ones(2),
        known_costs=np.zeros((0, 1)),
        known_values=np.zeros(0),
        reference=np.array([1.0]),
        least=0.0,
    )
    assert found[0] > 0.9 and found[1] == 0.0


def test_what_cannot_be_is_refused() -> None:
    known = {"known_costs": np.zeros((0, 1)), "known_values": np.zeros(0), "least": 0.0}
    with pytest.raises(UsageError, match="positive standard deviations"):
        expected_hypervolume_improvement(np.ones((1, 1)), np.ones(1), np.zeros(1), reference=np.full(1, 2.0), **known)
    with pytest.raises(UsageError, match="above the cheapest net"):
        expected_hypervolume_improvement(np.ones((1, 1)), np.ones(1), np.ones(1), reference=np.ones(1), **known)
