"""Energy of a new device: constant power unless a model of its own is clearly better."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas import metrics
from hwnas.energy.fewshot import ConstantPower, adapt_energy, given_power
from hwnas.errors import UsageError
from hwnas.latency.fewshot import AdaptedModel, adapt
from hwnas.predictors.fewshot_model import FewShotModel
from hwnas.spaces import Space
from hwnas.testing import CostModelContract


@pytest.fixture(scope="session")
def nets(cells: Space) -> np.ndarray:
    return cells.sample(20, seed=5)


@pytest.fixture(scope="session")
def latency_ms(cells: Space, nets: np.ndarray, new_device: np.ndarray) -> np.ndarray:
    return new_device[cells.index(nets)]


@pytest.fixture(scope="session")
def adapted(cells: Space, nets: np.ndarray, latency_ms: np.ndarray, few_shot: FewShotModel) -> AdaptedModel:
    return adapt(cells, nets, latency_ms, device="my-board", model=few_shot)


class TestContract(CostModelContract):
    @pytest.fixture(autouse=True)
    def _set(self, adapted: AdaptedModel, cells: Space) -> None:
        self.model, self.space = given_power(adapted, power_w=5.0, relative_error=0.04), cells


def test_proportional_energy_is_constant_power(
    adapted: AdaptedModel, cells: Space, nets: np.ndarray, latency_ms: np.ndarray, new_device: np.ndarray
) -> None:
    power_w = 4.5 * np.exp(0.04 * np.random.default_rng(0).normal(size=cells.size))
    energy_mj = power_w * new_device
    model = adapt_energy(adapted, nets, latency_ms=latency_ms, energy_mj=energy_mj[cells.index(nets)])
    assert isinstance(model, ConstantPower) and model.power_w == pytest.approx(4.5, rel=0.03)
    assert model.power_spread == pytest.approx(0.04, abs=0.02)
    estimate = model.predict(cells.all_vectors())
    assert estimate.unit == "mJ" and "4.5" in estimate.provenance.summary
    assert metrics.mape(energy_mj, estimate.mean) < 6
    assert estimate.lower is not None and estimate.upper is not None
    assert 80 < metrics.coverage(energy_mj, estimate.lower, estimate.upper) <= 100


def test_energy_of_another_kind_gets_a_model_of_its_own(
    adapted: AdaptedModel, cells: Space, nets: np.ndarray, latency_ms: np.ndarray
) -> None:
    """Convolutions of 3x3 take twenty times the power of the rest."""
    energy_mj = 3.0 + np.array([0.0, 0.1, 0.5, 40.0, 0.5])[cells.all_vectors()].sum(axis=1)
    model = adapt_energy(adapted, nets, latency_ms=latency_ms, energy_mj=energy_mj[cells.index(nets)])
    assert isinstance(model, AdaptedModel) and model.target == "energy" and model.unit == "mJ"
    assert metrics.spearman(energy_mj, model.predict(cells.all_vectors()).mean) > 0.9


def test_the_interval_adds_both_errors(adapted: AdaptedModel, nets: np.ndarray) -> None:
    """Exact power keeps the relative interval of the latency; an unsure one widens it."""
    latency = adapted.predict(nets)
    exact, unsure = (given_power(adapted, power_w=7.0, relative_error=error).predict(nets) for error in (0.0, 0.3))
    assert latency.upper is not None and exact.upper is not None and unsure.upper is not None
    np.testing.assert_allclose(exact.mean, 7.0 * latency.mean)
    np.testing.assert_allclose(exact.upper, 7.0 * latency.upper)
    assert (unsure.upper > exact.upper).all()


def test_a_given_error_is_taken_as_it_is(adapted: AdaptedModel, nets: np.ndarray) -> None:
    """Nothing was measured, so nothing widens the error that was stated: 1.645 standard deviations at 90 %."""
    latency, energy = adapted.predict(nets), given_power(adapted, power_w=7.0, relative_error=0.3).predict(nets)
    assert latency.upper is not None and energy.upper is not None
    of_latency, of_energy = np.log(latency.upper / latency.mean), np.log(energy.upper / energy.mean)
    np.testing.assert_allclose(np.sqrt(of_energy**2 - of_latency**2), 1.6449 * np.log(1.3), rtol=1e-3)
    assert "were given" in energy.provenance.summary and energy.provenance.trained_on is None


@pytest.mark.parametrize("measured", [3, 5, 10])
def test_power_intervals_from_few_nets_cover(adapted: AdaptedModel, measured: int) -> None:
    """The power of another net lies in the 90 % interval of log-normal powers nine times in ten, from three on."""
    rng, inside = np.random.default_rng(0), 0
    for _ in range(2000):
        powers = 0.1 * rng.normal(size=measured + 1)
        spread = float(powers[:-1].std(ddof=1))
        model = ConstantPower(adapted, power_w=1.0, power_spread=spread, measured=measured)
        inside += abs(powers[-1] - np.median(powers[:-1])) <= model._power_reach(0.9)
    assert 0.88 < inside / 2000 < 0.94


@pytest.mark.parametrize(("power_w", "error"), [(0.0, 0.1), (-1.0, 0.1), (np.nan, 0.1), (5.0, 1.0), (5.0, -0.1)])
def test_impossible_powers_are_refused(adapted: AdaptedModel, power_w: float, error: float) -> None:
    with pytest.raises(UsageError, match="power"):
        given_power(adapted, power_w=power_w, relative_error=error)


def test_missing_energy_is_named(adapted: AdaptedModel, nets: np.ndarray, latency_ms: np.ndarray) -> None:
    with pytest.raises(UsageError, match="energy_mj for each row, got nan in row 1"):
        adapt_energy(adapted, nets, latency_ms=latency_ms, energy_mj=np.where(np.arange(20) == 1, np.nan, 5.0))
