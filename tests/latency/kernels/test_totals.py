"""Costs of kernels are found from totals of networks alone."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.graphs import Kernel
from hwnas.latency.kernels.networks import count_kernels
from hwnas.latency.kernels.totals import TotalsSettings, fit_totals

from .conftest import linear_kernel, random_kernels, true_cost


def _networks(count: int, seed: int) -> list[list[Kernel]]:
    pool, rng = random_kernels(60, seed=4), np.random.default_rng(seed)
    return [[pool[i] for i in rng.integers(len(pool), size=rng.integers(2, 9))] for _ in range(count)]


def test_kernels_are_counted_once() -> None:
    pool = random_kernels(2, seed=0)
    networks = count_kernels([[pool[0], pool[1], pool[0]], [pool[1]]])
    assert networks.kernels == 2
    np.testing.assert_allclose(networks.totals(np.array([10.0, 1.0])), [21, 1])
    np.testing.assert_allclose(networks.take(np.array([1])).totals(np.array([10.0, 1.0])), [1])


def test_totals_of_new_networks_are_found() -> None:
    known, new = _networks(150, seed=0), _networks(60, seed=1)
    totals = [np.array([0.3 + sum(map(true_cost, kernels)) for kernels in part]) for part in (known, new)]
    networks = count_kernels([*known, *new])
    fit = fit_totals(networks.take(np.arange(150)), totals[0], settings=TotalsSettings(rounds=25))
    plain = fit_totals(networks.take(np.arange(150)), totals[0], settings=TotalsSettings(rounds=0))
    part = networks.take(np.arange(150, 210))
    error, plain_error = (np.median(np.abs(f.totals(part) / totals[1] - 1)) for f in (fit, plain))
    assert error < 0.02
    assert error <= plain_error
    kernels = random_kernels(30, seed=4)  # nobody measured one of them
    costs = fit.regressors["conv"].predict(np.array([list(k.features().values()) for k in kernels]))
    assert np.median(np.abs(costs / [true_cost(k) for k in kernels] - 1)) < 0.15


def test_a_layer_that_is_the_same_everywhere_has_one_cost_and_no_law() -> None:
    """What one size costs says nothing about a thousand times as large a one."""
    every = linear_kernel(64, 10)
    known = [[*kernels, every] for kernels in _networks(120, seed=0)]
    totals = np.array([sum(map(true_cost, kernels)) + 2.0 for kernels in known])
    fit = fit_totals(count_kernels(known), totals, settings=TotalsSettings(rounds=3))
    costs = [
        float(fit.regressors["linear"].predict(np.array([list(kernel.features().values())]))[0])
        for kernel in (every, linear_kernel(25088, 4096))
    ]
    assert costs[0] == pytest.approx(costs[1]) and 0 < costs[0] + fit.overhead < 4


def test_too_few_networks_are_refused() -> None:
    networks = count_kernels(_networks(5, seed=0))
    with pytest.raises(UsageError, match="at least 20"):
        fit_totals(networks, np.ones(5))
