"""Regressions of known devices: closed forms, intervals that hold, files that come back, and what is shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwnas import metrics
from hwnas.api.train import train
from hwnas.data import open_table, pull
from hwnas.devices import get_device
from hwnas.errors import DataError, UsageError
from hwnas.latency import latency_model
from hwnas.latency.regressions import (
    RegressionCosts,
    fit_regression,
    open_regressions,
    regressions_path,
    save_regressions,
)
from hwnas.predictors.ridge import fit_ridge, predict_ridge
from hwnas.predictors.shipped import SHIPPED_FOLDER
from hwnas.spaces import FBNet
from hwnas.testing import CostModelContract

SPACE = FBNet()


@pytest.fixture(scope="module")
def help_tables(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with HELP's tables of both spaces."""
    folder = tmp_path_factory.mktemp("help")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWNAS_DATA", str(folder))
        pull(["help-fbnet", "help-ofa"], mirror=mirror)
    return folder


def _additive(vectors: np.ndarray, *, noise: float, seed: int = 0) -> np.ndarray:
    """A cost that adds up over layers, with errors of a known size."""
    rng = np.random.default_rng(seed)
    table = rng.uniform(0.1, 1, size=(22, 9))
    exact = 2 + table[np.arange(22), vectors].sum(axis=1)
    return exact * np.exp(noise * rng.standard_normal(len(vectors)))


def test_ridge_is_least_squares_of_relative_errors_without_noise() -> None:
    rng = np.random.default_rng(0)
    inputs, weights = rng.normal(size=(200, 5)), np.array([0.3, -0.2, 0.1, 0.0, 0.5, 5.0])
    costs = inputs @ weights[:-1] + weights[-1]
    np.testing.assert_allclose(fit_ridge(inputs, costs), weights, atol=1e-3)
    np.testing.assert_allclose(predict_ridge(inputs, weights), costs)


def test_ridge_weighs_errors_relative_to_the_cost() -> None:
    """Of two values at one input, the fit is not their mean: (1 - p/a)^2 + (1 - p/b)^2 is least at this p."""
    a, b = 1.0, 3.0
    costs = np.tile([a, b], 50)
    expected = (1 / a + 1 / b) / (1 / a**2 + 1 / b**2)
    assert fit_ridge(np.zeros((100, 1)), costs)[-1] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("costs", [np.ones(5), np.append(np.ones(20), 0.0), np.append(np.ones(20), np.nan)])
def test_ridge_refuses_few_nets_and_costs_that_are_none(costs: np.ndarray) -> None:
    with pytest.raises(UsageError, match="at least 10 nets of positive costs"):
        fit_ridge(np.zeros((len(costs), 1)), costs)


def test_intervals_hold_on_nets_that_nobody_saw() -> None:
    vectors = SPACE.sample(3000, seed=0)
    features = SPACE.features(vectors).astype(np.float64)
    costs = _additive(vectors, noise=0.05)
    found = fit_regression(features[:2000], costs[:2000], seed=0)
    mean = found.mean(features[2000:])
    low, high = found.factors(0.9)
    assert 86 < metrics.coverage(costs[2000:], low * mean, high * mean) < 95  # 3.2 deviations of 1,000 draws, and 200
    assert metrics.median_ape(costs[2000:], mean) == pytest.approx(0.6745 * 5, abs=0.6)  # of a Gaussian of 5 %
    assert found.figures["median_ape"] == pytest.approx(0.6745 * 5, abs=1)
    assert found.trained_on == 1600 and found.figures["nets"] == 200


class TestRegressionCosts(CostModelContract):
    space = SPACE
    model = RegressionCosts(
        space=SPACE,
        device="made-up",
        target="latency",
        regression=fit_regression(
            SPACE.features(SPACE.sample(800, seed=1)).astype(np.float64),
            _additive(SPACE.sample(800, seed=1), noise=0.02),
            seed=0,
        ),
        batch="",
    )


def test_files_come_back(tmp_path: Path) -> None:
    found = {"made-up/cifar100/latency": TestRegressionCosts.model._regression}
    save_regressions(tmp_path, "fbnet", found)
    again = open_regressions(tmp_path, "fbnet")["made-up/cifar100/latency"]
    features = SPACE.features(SPACE.sample(5, seed=0)).astype(np.float64)
    assert np.array_equal(again.mean(features), found["made-up/cifar100/latency"].mean(features))
    assert again.factors(0.8) == found["made-up/cifar100/latency"].factors(0.8)
    assert open_regressions(tmp_path, "ofa") == {}
    path = regressions_path(tmp_path, "fbnet")
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(DataError, match="expected regressions of fbnet"):
        open_regressions(tmp_path, "fbnet")


def test_predictions_have_a_floor() -> None:
    regression = replace(TestRegressionCosts.model._regression, floor=1e9)
    assert (regression.mean(np.zeros((3, 203))) == 1e9).all()


@pytest.mark.parametrize("reference", ["pixel3", "titan-rtx", "gtx-1080-ti@32"])
def test_shipped_devices_answer_without_tables(reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    estimate = latency_model(reference, space="fbnet", dataset="cifar100").predict(SPACE.sample(50, seed=0))
    assert estimate.provenance.kind == "predicted" and estimate.upper is not None
    assert (estimate.lower <= estimate.mean).all() and (estimate.mean <= estimate.upper).all()


@pytest.mark.data
@pytest.mark.parametrize("space", ["fbnet", "ofa"])
def test_shipped_files_are_what_training_makes(space: str, help_tables: Path, tmp_path: Path, monkeypatch) -> None:
    """And the tables of which every device has one agree with what is predicted without them."""
    monkeypatch.setenv("HWNAS_DATA", str(help_tables))
    result = train(space=space, out=tmp_path)
    shipped = open_regressions(SHIPPED_FOLDER, space)
    again = open_regressions(tmp_path, space)
    assert set(shipped) == set(again) == set(result.figures)
    for name in shipped:
        np.testing.assert_allclose(again[name].figures["median_ape"], shipped[name].figures["median_ape"], rtol=0.05)
        assert again[name].figures["coverage"] > 80


@pytest.mark.data
def test_measured_costs_of_fbnet_are_predicted(help_tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(help_tables))
    table = open_table("help-fbnet")
    assert table is not None
    vectors = SPACE.from_table_rows(table["architectures"])
    predicted = latency_model("pixel3", space="fbnet", dataset="cifar100", source="predicted").predict(vectors)
    column = get_device("pixel3").column(space="fbnet", dataset="cifar100", target="latency")
    assert column is not None
    assert metrics.median_ape(table[column.column].astype(np.float64), predicted.mean) < 0.1
