"""The few-shot posterior against dense linear algebra, its invariances, and devices whose answer is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal

from hwnas.predictors import hypotheses
from hwnas.predictors.hypotheses import OUTLIER_FACTOR, evidences, probable_hypotheses
from hwnas.predictors.latent import LEAST, adapt, predict
from hwnas.predictors.latent_prior import FLOOR, LatentPrior

COLUMNS = 6


def made_up(seed: int, *, executions: int = 2, scales: float = 0.1) -> tuple[LatentPrior, np.ndarray]:
    """A prior of relative costs near 1, and features of 60 networks under each execution."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(executions, 60, COLUMNS)) * 0.2
    features[:, :, 0] = 1.0
    mean = np.concatenate([[1.0], rng.normal(size=COLUMNS - 1) * 0.3])
    prior = LatentPrior(
        mean=np.tile(mean, (executions, 1)),
        execution=np.full(executions, 1 / executions),
        directions=rng.normal(size=(3, COLUMNS)) * 0.1,
        scales=np.full(COLUMNS, scales),
    )
    return prior, features


@pytest.fixture
def one_noise(monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """A single noise and no outliers: one hypothesis per execution."""
    monkeypatch.setattr(hypotheses, "NOISES", (0.05,))
    monkeypatch.setattr(hypotheses, "OUTLIER_PROBABILITY", 1e-300)
    yield 0.05


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(3, 12))
def test_evidence_is_that_of_the_dense_gaussian(seed: int, count: int) -> None:
    prior, features = made_up(seed, executions=1)
    rng = np.random.default_rng(seed)
    rows, costs = features[0, :count], np.exp(rng.normal(size=count))
    mean, variances = rows @ prior.mean[0], np.full(count, 0.01) * rng.uniform(0.5, 2, count)
    weights = prior.directions.T @ prior.directions + np.diag(prior.scales**2)
    evidence, best = evidences(rows @ weights @ rows.T, mean, costs, variances)
    for more in range(count + 1):
        own = variances.copy()
        own[more : more + 1] *= OUTLIER_FACTOR**2
        dense = multivariate_normal(mean, rows @ weights @ rows.T + np.diag(own))

        def negative(log_u: float, dense: multivariate_normal = dense) -> float:
            return -float(dense.logpdf(np.exp(log_u) * costs) + count * log_u)

        found = minimize_scalar(negative, bracket=(np.log(best[more]) - 0.1, np.log(best[more]) + 0.1))
        assert np.exp(found.x) == pytest.approx(best[more], rel=1e-4)
        step = 1e-3
        curvature = (negative(found.x + step) - 2 * found.fun + negative(found.x - step)) / step**2
        laplace = -found.fun - 0.5 * np.log(curvature) + 0.5 * count * np.log(2 * np.pi)
        assert evidence[more] == pytest.approx(laplace, abs=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_prediction_is_that_of_the_dense_process(seed: int, one_noise: float) -> None:
    """Gaussian process regression, function space, at the most probable scale (Rasmussen & Williams 2006, eq. 2.25)."""
    prior, features = made_up(seed, executions=1)
    rng = np.random.default_rng(seed)
    costs = 7.0 * np.exp(rng.normal(size=8) * 0.2)
    posterior = adapt(prior, features[:, :8], costs)
    mean, deviation = predict(prior, posterior, features[:, 8:])

    rows, wanted = features[0, :8], features[0, 8:]
    weights = prior.directions.T @ prior.directions + np.diag(prior.scales**2)
    sizes = np.maximum(rows @ prior.mean[0], FLOOR), np.maximum(wanted @ prior.mean[0], FLOOR)
    covariance = rows @ weights @ rows.T + np.diag((one_noise * sizes[0]) ** 2)
    inverse, across = np.linalg.inv(covariance), wanted @ weights @ rows.T
    u = 1 / posterior.typical
    expected = wanted @ prior.mean[0] + across @ inverse @ (u * costs - rows @ prior.mean[0])
    np.testing.assert_allclose(mean, np.maximum(expected / u, LEAST / u), rtol=1e-8)
    variance = np.diag(wanted @ weights @ wanted.T - across @ inverse @ across.T) + (one_noise * sizes[1]) ** 2
    slope = wanted @ prior.mean[0] - across @ inverse @ rows @ prior.mean[0]  # what one percent of u changes
    variance += slope**2 / (8 + u**2 * costs @ inverse @ costs)
    np.testing.assert_allclose(deviation, np.sqrt(variance) / u, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(1e-3, 1e3))
def test_unit_and_order_do_not_matter(seed: int, factor: float) -> None:
    prior, features = made_up(seed)
    rng = np.random.default_rng(seed)
    costs, order = np.exp(rng.normal(size=10) * 0.3), rng.permutation(10)
    plain = predict(prior, adapt(prior, features[:, :10], costs), features)
    scaled = predict(prior, adapt(prior, features[:, :10], factor * costs), features)
    mixed = predict(prior, adapt(prior, features[:, order], costs[order]), features)
    for one, other, again in zip(plain, scaled, mixed, strict=True):
        np.testing.assert_allclose(other, factor * one, rtol=1e-6)
        np.testing.assert_allclose(again, one, rtol=1e-6)


def test_probabilities_add_up() -> None:
    prior, features = made_up(1)
    costs = np.exp(np.random.default_rng(1).normal(size=10) * 0.2)
    found = probable_hypotheses(prior, features[:, :10], costs)
    assert sum(probability for probability, _ in found) == pytest.approx(1.0)
    posterior = adapt(prior, features[:, :10], costs)
    assert posterior.execution.sum() == pytest.approx(1.0)
    assert ((posterior.outlier >= 0) & (posterior.outlier <= 1)).all()


def device(prior: LatentPrior, features: np.ndarray, execution: int, seed: int) -> np.ndarray:
    """Costs on a device drawn from the prior, 2 % noise, typical cost 20."""
    rng = np.random.default_rng(seed)
    weights = prior.mean[execution] + rng.normal(size=3) @ prior.directions + rng.normal(size=COLUMNS) * prior.scales
    relative = np.maximum(features[execution] @ weights, 0.2)
    return 20 * relative * np.exp(rng.normal(size=len(relative)) * 0.02)


@pytest.mark.parametrize("execution", [0, 1])
def test_the_right_execution_is_recognised(execution: int) -> None:
    prior, features = made_up(5)
    shares = [
        adapt(prior, features[:, :12], device(prior, features, execution, seed)[:12]).execution[execution]
        for seed in range(10)
    ]
    assert np.mean(shares) > 0.9


def test_outliers_are_found_and_do_little_harm() -> None:
    prior, features = made_up(6, executions=1)
    costs = device(prior, features, 0, 3)
    wrong = costs[:12].copy()
    wrong[[4, 9]] *= [2.0, 0.5]
    posterior = adapt(prior, features[:, :12], wrong)
    assert posterior.outlier[[4, 9]].min() > 0.9 and np.delete(posterior.outlier, [4, 9]).max() < 0.5
    mean, _ = predict(prior, posterior, features[:, 12:])
    assert np.median(np.abs(mean / costs[12:] - 1)) < 0.04


def test_more_measurements_leave_less_doubt() -> None:
    prior, features = made_up(7, executions=1)
    widths = np.zeros(3)
    for seed in range(10):
        costs = device(prior, features, 0, seed)
        for place, count in enumerate((3, 10, 40)):
            posterior = adapt(prior, features[:, :count], costs[:count])
            widths[place] += np.mean(predict(prior, posterior, features)[1])
    assert widths[0] > widths[1] > widths[2]


def test_the_posterior_covers_devices_of_the_prior() -> None:
    """Of networks on devices drawn from the prior about 90 % lie within 1.645 deviations."""
    prior, features = made_up(8)
    inside = []
    for seed in range(40):
        costs = device(prior, features, seed % 2, seed)
        mean, deviation = predict(prior, adapt(prior, features[:, :10], costs[:10]), features[:, 10:])
        inside.append(np.mean(np.abs(costs[10:] - mean) < 1.645 * deviation))
    assert 0.82 < np.mean(inside) < 0.97


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_costs_must_be_positive(wrong: float) -> None:
    prior, features = made_up(9)
    with pytest.raises(ValueError, match="finite and positive"):
        adapt(prior, features[:, :3], np.array([1.0, 2.0, wrong]))
