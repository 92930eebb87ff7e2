"""Learning from known devices: weights by ridge regression, summaries by physical device, honest left-out devices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hwnas.predictors import fewshot_prior, fewshot_spreads
from hwnas.predictors.fewshot_features import UNUSED, FeatureScale
from hwnas.predictors.fewshot_prior import KnownDevice, Spreads, fit_device, summarise
from hwnas.predictors.fewshot_spreads import HeldOut, KnownCosts, held_out, learn_spreads, per_physical

SCALE = FeatureScale(
    names=("constant", "counts", UNUSED),
    group=np.array([0, 1, 1, 2]),
    centre=np.zeros(4),
    spread=np.ones(4),
)
SPREADS = Spreads(directions=1.0, groups={"constant": 0.2, "counts": 0.1, UNUSED: 0.05})


def features(count: int, seed: int = 0) -> np.ndarray:
    """Two executions: of the second the first feature is halved and the last one is not zero."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.ones((count, 1)), rng.uniform(-1, 1, size=(count, 2)), np.zeros((count, 1))], axis=1)
    pruned = rows.copy()
    pruned[:, 1] = rows[:, 1] * rng.random(count)
    pruned[:, 3] = rng.random(count)
    return np.stack([rows, pruned])


def known(name: str, physical: str, weights: list[float], execution: int = 0) -> KnownDevice:
    return KnownDevice(name=name, physical=physical, execution=execution, weights=np.array(weights), noise=0.02)


@pytest.mark.parametrize("execution", [0, 1])
def test_weights_and_execution_come_back(execution: int) -> None:
    rows, weights = features(400), np.array([1.0, 0.3, -0.1, 0.2])
    costs = 12.0 * (rows[execution] @ weights + 0.02 * np.random.default_rng(1).normal(size=400))
    costs[::5] = np.nan
    device = fit_device("new", "new", rows, costs)
    assert device.execution == execution and device.noise == pytest.approx(0.02, abs=0.011)
    relative = rows[execution] @ device.weights * np.nanmean(costs) / 12.0
    np.testing.assert_allclose(relative, rows[execution] @ weights, atol=0.01)


def test_evidence_of_the_ridge_is_that_of_the_dense_gaussian() -> None:
    """Up to the constant of 2 pi, at the noise that it chose."""
    rng = np.random.default_rng(3)
    rows, values = rng.normal(size=(30, 4)), rng.normal(size=30)
    evidence, weights, noise = fewshot_prior._best_ridge(rows, values)
    dense = multivariate_normal(np.zeros(30), rows @ rows.T + noise**2 * np.eye(30)).logpdf(values)
    assert evidence == pytest.approx(dense + 15 * np.log(2 * np.pi), rel=1e-9)
    np.testing.assert_allclose(weights, rows.T @ np.linalg.solve(rows @ rows.T + noise**2 * np.eye(30), values))


def test_physical_devices_count_the_same() -> None:
    """Three columns of one device weigh as much as the one column of another."""
    one = [known(f"a@{batch}", "a", [1.0, 0.2, 0.0, 0.0]) for batch in (1, 32, 256)]
    prior = summarise([*one, known("b", "b", [1.0, 0.4, 0.2, 0.0])], SCALE, SPREADS, executions=2)
    np.testing.assert_allclose(prior.mean, np.tile([1.0, 0.3, 0.1, 0.0], (2, 1)))
    covariance = prior.directions.T @ prior.directions  # of two devices, with n - 1 in the denominator
    np.testing.assert_allclose(covariance, np.cov([[1, 0.2, 0, 0], [1, 0.4, 0.2, 0]], rowvar=False), atol=1e-12)
    np.testing.assert_allclose(prior.scales, [0.2, 0.1, 0.1, 0.05])


def test_unused_operators_are_learned_from_pruning_devices_alone() -> None:
    devices = [known("a", "a", [1.0, 0.2, 0.0, 0.0]), known("p", "p", [1.0, 0.2, 0.0, 0.3], execution=1)]
    prior = summarise(devices, SCALE, SPREADS, executions=2)
    assert prior.mean[1, 3] == pytest.approx(0.3) and not prior.directions[:, 3].any()
    np.testing.assert_allclose(prior.execution, [0.5, 0.5])
    never = summarise(devices[:1] * 2, SCALE, SPREADS, executions=2)
    assert 0 < never.execution[1] < 0.5 and never.execution.sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def costs() -> KnownCosts:
    """Five columns of four physical devices, 150 networks, two columns of which share a device."""
    rows, rng = features(150), np.random.default_rng(4)
    names = [("a@1", "a"), ("a@32", "a"), ("b", "b"), ("c", "c"), ("d", "d")]
    weights = [np.array([1.0, 0.3, 0.1, 0.0]) + 0.05 * rng.normal(size=4) for _ in names]
    values = [10 * (rows[0] @ w) * np.exp(0.03 * rng.normal(size=150)) for w in weights]
    devices = [fit_device(n, physical, rows, y) for (n, physical), y in zip(names, values, strict=True)]
    return KnownCosts(scale=SCALE, features=rows, devices=tuple(devices), costs=np.stack(values))


def test_no_column_of_a_left_out_device_is_seen(costs: KnownCosts, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []

    def spy(devices: list[KnownDevice], *arguments: object, **options: object) -> object:
        seen.append({device.physical for device in devices})
        return summarise(devices, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fewshot_spreads, "summarise", spy)
    results = list(held_out(costs, SPREADS, measured=10, draws=2, queries=50))
    assert [result.physical for result in results] == ["a"] * 4 + ["b"] * 2 + ["c"] * 2 + ["d"] * 2
    assert seen == [{"b", "c", "d"}] * 2 + [{"a", "c", "d"}, {"a", "b", "d"}, {"a", "b", "c"}]
    assert all(len(result.residual) == len(result.spread) == 50 for result in results)


def test_learned_spreads_predict_better(costs: KnownCosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fewshot_spreads, "_ROUNDS", 1)
    start = Spreads(directions=5.0, groups={"constant": 2.0, "counts": 2.0, UNUSED: 2.0})
    learned = learn_spreads(costs, start, draws=1)

    def density(spreads: Spreads) -> float:
        return per_physical(list(held_out(costs, spreads, measured=10, draws=1)), fewshot_spreads._log_density)

    assert density(learned) > density(start)
    assert learned == learn_spreads(costs, start, draws=1)


def test_mean_over_physical_devices() -> None:
    def result(physical: str, value: float) -> HeldOut:
        return HeldOut(physical=physical, measured=10, residual=np.array([value]), spread=np.ones(1))

    results = [result("a", 1.0), result("a", 3.0), result("b", 10.0)]
    assert per_physical(results, lambda r: float(r.residual[0])) == 6.0
