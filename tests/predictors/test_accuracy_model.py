"""The Gaussian process against scikit-learn's, and what it learns of a made-up accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

from hwnas.errors import UsageError
from hwnas.metrics import spearman
from hwnas.predictors import accuracy_model
from hwnas.predictors.accuracy_model import AccuracyModel, error_scale, fit_accuracy, percent_of


def made_up(n: int, *, seed: int, features: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Features and accuracies (%) that grow with the first feature and bend with the second."""
    x = np.random.default_rng(seed).normal(size=(n, features))
    return x, 95.0 - 20.0 * np.exp(-0.5 * x[:, 0] + 0.3 * np.sin(2 * x[:, 1]) - 0.5).clip(max=4.5)


def test_the_scale_of_errors_and_back() -> None:
    percent = np.array([0.0, 50.0, 90.0, 99.0, 100.0])
    assert (np.diff(error_scale(percent)) > 0).all()
    assert percent_of(error_scale(percent[:-1])) == pytest.approx(percent[:-1])
    assert percent_of(error_scale(percent[-1:])) == pytest.approx(99.9)
    for wrong in (-0.1, 100.1, np.nan):
        with pytest.raises(UsageError, match="accuracies in percent from 0 to 100"):
            error_scale(np.array([50.0, wrong]))


def test_one_kernel_is_scikit_learns_gaussian_process() -> None:
    """Means to rounding; deviations but for the scale, which here has one more unit residual."""
    x, accuracy = made_up(25, seed=0)
    asked, _ = made_up(40, seed=1)
    kernel = accuracy_model._Kernel(linear=0.3, smooth=1.0, length=0.6, noise=0.03)
    values = error_scale(accuracy)
    model = AccuracyModel(features=x, values=values, kernels=(kernel,), weights=np.ones(1))
    f = x.shape[1]
    like = GaussianProcessRegressor(
        ConstantKernel(1.0)
        + ConstantKernel(0.3 / f) * DotProduct(sigma_0=1e-6)
        + RBF(length_scale=np.sqrt(0.6 * f / 2))
        + WhiteKernel(0.03),
        optimizer=None,
        normalize_y=True,
        alpha=0.0,
    ).fit(x, values)
    mean, deviation = model.predict(asked)
    expected, spread = like.predict(asked, return_std=True)
    np.testing.assert_allclose(mean, expected, rtol=1e-8)
    z = (values - values.mean()) / values.std()
    covariance = like.kernel_(x)
    scale = (z @ np.linalg.solve(covariance, z) + 1) / (len(z) + 1)
    latent = np.sqrt(spread**2 / values.std() ** 2 - 0.03) * np.sqrt(scale) * values.std()
    np.testing.assert_allclose(deviation, latent, rtol=1e-6)


def test_evidence_is_the_density_of_a_multivariate_t() -> None:
    """With the scale integrated out over one pseudo-observation the data are Student-t with one degree of freedom."""
    from scipy.stats import multivariate_t

    rng = np.random.default_rng(2)
    differences = []
    for _ in range(3):
        root, z = rng.normal(size=(6, 6)), rng.normal(size=6)
        covariance = root @ root.T + np.eye(6)
        known = multivariate_t(shape=covariance, df=1).logpdf(z)
        differences.append(accuracy_model._evidence(covariance, z) - known)
    assert np.ptp(differences) < 1e-9


def test_it_learns_from_thirty_networks_and_knows_what_it_does_not_know() -> None:
    x, accuracy = made_up(30, seed=3)
    asked, truth = made_up(500, seed=4)
    model = fit_accuracy(x, accuracy)
    mean, deviation = model.predict(asked)
    assert spearman(mean, truth) > 0.9
    inside = np.abs(error_scale(truth) - mean) < 2 * np.sqrt(deviation**2 + 0.1 * error_scale(accuracy).var())
    assert inside.mean() > 0.85
    _, near = model.predict(x)
    _, far = model.predict(x + 5.0)
    assert near.max() < far.min()


def test_kernels_are_weighted_by_evidence() -> None:
    """A linear truth leaves little to kernels without a linear part."""
    x = np.random.default_rng(5).normal(size=(30, 4))
    model = fit_accuracy(x, percent_of(0.5 * x[:, 0] - 2.0))
    assert model.weights.sum() == pytest.approx(1.0) and (np.diff(model.weights) <= 0).all()
    assert sum(w for k, w in zip(model.kernels, model.weights, strict=True) if k.linear == 0.0) < 0.05


def test_a_believed_network_narrows_its_surroundings_and_moves_nothing() -> None:
    x, accuracy = made_up(20, seed=6)
    asked, _ = made_up(5, seed=7)
    model = fit_accuracy(x, accuracy)
    mean, deviation = model.predict(asked)
    after = model.after(asked[:1], mean[:1])
    new_mean, new_deviation = after.predict(asked)
    assert new_deviation[0] < 0.7 * deviation[0]
    assert new_mean[0] == pytest.approx(mean[0], abs=0.1 * np.ptp(model.values))
    assert len(after.values) == 21


@pytest.mark.parametrize("accuracy", [[50.0, 60.0], [50.0, 60.0, 70.0, 80.0]])
def test_what_does_not_fit_is_refused(accuracy: list[float]) -> None:
    with pytest.raises(UsageError, match="at least 3 trained networks"):
        fit_accuracy(np.zeros((3 if len(accuracy) > 3 else 2, 2)), np.array(accuracy))


def test_equal_accuracies_are_no_trouble() -> None:
    x, _ = made_up(5, seed=8)
    mean, deviation = fit_accuracy(x, np.full(5, 70.0)).predict(x)
    assert percent_of(mean) == pytest.approx(np.full(5, 70.0)) and np.isfinite(deviation).all()
