"""Which energy model is taken is what predicts held-out networks better."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.energy.kernels import choose_energy, times_power
from hwnas.latency.kernels import KernelRows, fit_regressor

LATENCY = np.array([1.0, 2.0, 4.0, 8.0])


def test_power_times_latency_where_power_is_constant() -> None:
    choice = choose_energy(5 * LATENCY, by_sum=5.5 * LATENCY, latency_ms=LATENCY, predicted_latency_ms=1.02 * LATENCY)
    assert choice.method == "power times latency"
    assert choice.power_w == 5
    assert (choice.sum_error, choice.power_error) == (pytest.approx(10), pytest.approx(2))
    assert "5 W" in choice.text and "10.0 %" in choice.text


def test_the_sum_where_it_is_better_and_networks_without_a_prediction_do_not_count() -> None:
    energy = np.array([5.0, 8.0, 24.0, 20.0])
    by_sum = np.array([5.0, 8.0, 24.0, np.nan])
    choice = choose_energy(energy, by_sum=by_sum, latency_ms=LATENCY, predicted_latency_ms=LATENCY)
    assert choice.method == "sum of kernel energies"
    assert choice.sum_error == 0


def test_latency_times_power_is_energy() -> None:
    rng = np.random.default_rng(0)
    features = rng.uniform(1, 100, size=(6, 14))
    rows = KernelRows(kind="relu", features=features, costs=rng.uniform(1, 2, 6), groups=np.arange(6))
    regressor = fit_regressor(rows)
    np.testing.assert_allclose(times_power(regressor, 7.0).predict(features), 7 * regressor.predict(features))
