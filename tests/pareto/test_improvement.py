"""Expected hypervolume improvement against quadrature, moocore and draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from hwnas.errors import UsageError
from hwnas.pareto import hypervolume
from hwnas.pareto.improvement import (
    _normal_cdf,
    _primes,
    expected_hypervolume_improvement,
    expected_improvement,
)


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
    with pytest.raises(UsageError, match="not below the cheapest net"):
        expected_hypervolume_improvement(np.ones((1, 1)), np.ones(1), np.ones(1), reference=np.full(1, 0.5), **known)


def _gains(costs: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Of nets with made-up values, of which the first three are known."""
    rng = np.random.default_rng(0)
    known = {"known_costs": costs[:3], "known_values": rng.random(3), "reference": reference, "least": 0.0}
    return expected_hypervolume_improvement(costs, rng.random(len(costs)), np.full(len(costs), 0.1), **known)


def test_a_cost_that_all_nets_share_changes_nothing() -> None:
    """Wherever it stands among the others; alone it leaves the improvement of the value."""
    costs, reference = np.random.default_rng(1).random((20, 2)), np.full(2, 1.1)
    expected = _gains(costs, reference)
    for place in range(3):
        found = _gains(np.insert(costs, place, 327_680.0, axis=1), np.insert(reference, place, 327_680.0))
        np.testing.assert_array_equal(found, expected)
    assert expected.max() > 0
    alone = expected_hypervolume_improvement(
        np.full((2, 1), 5.0),
        np.array([0.7, 0.6]),
        np.full(2, 0.1),
        known_costs=np.full((1, 1), 5.0),
        known_values=np.array([0.5]),
        reference=np.full(1, 5.0),
        least=0.0,
    )
    best = expected_improvement(np.array([0.7, 0.6]), np.full(2, 0.1), np.array([0.5]))[:, 0]
    np.testing.assert_allclose(alone, best)


@pytest.mark.parametrize("axes", [7, 8, 12])
def test_there_may_be_many_costs(axes: int) -> None:
    gains = _gains(np.random.default_rng(0).random((20, axes)), np.full(axes, 1.5))
    assert (gains >= 0).all() and gains.max() > 0


def test_steps_are_roots_of_primes() -> None:
    assert _primes(10) == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
