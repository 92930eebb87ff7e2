"""A kernel model finds the costs it was not shown, says how sure it is, and what it does not know."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import DataError, UsageError
from hwnas.latency.kernels import KernelModel, KernelRows, fit_regressor, load_kernel_model, save_kernel_model
from hwnas.latency.kernels.features import beyond, physical_terms
from hwnas.latency.kernels.model import quantile_ends
from hwnas.latency.kernels.regressor import FOLDS, fold_of
from hwnas.predictors.conformal import LEVELS

from .conftest import conv_kernel, linear_kernel, random_kernels, true_cost


def test_costs_of_new_kernels_are_found(made_up_model: KernelModel) -> None:
    kernels = random_kernels(100, seed=7)
    true = np.array([true_cost(kernel) for kernel in kernels])
    answer = made_up_model.predict(kernels)
    assert np.median(np.abs(answer.mean / true - 1)) < 0.06
    inside = (answer.lower <= true) & (true <= answer.upper)
    assert 0.8 <= inside.mean() <= 1.0
    assert answer.total == pytest.approx(0.5 + answer.mean.sum())
    assert answer.total_lower < true.sum() + 0.5 < answer.total_upper


def test_beyond_what_was_measured_the_physical_cost_goes_on(made_up_model: KernelModel) -> None:
    """Trees alone would stay at the largest cost that they saw."""
    large = conv_kernel(224, 256, 256)
    answer = made_up_model.predict([large, conv_kernel(20, 32, 32)])
    assert answer.mean[0] == pytest.approx(true_cost(large), rel=0.4)
    assert answer.outside[0] > 3
    assert answer.outside[1] == 1
    width = np.log(answer.upper / answer.lower)
    assert width[0] > 2 * width[1]


def test_the_total_of_what_lies_outside_has_a_wider_interval(made_up_model: KernelModel) -> None:
    model = dataclasses.replace(made_up_model, network_quantiles=np.linspace(-0.2, 0.2, len(LEVELS)))
    inside, outside = model.predict([conv_kernel(20, 32, 32)]), model.predict([conv_kernel(224, 256, 256)])
    widths = [np.log(answer.total_upper / answer.total_lower) for answer in (inside, outside)]
    assert widths[1] > 1.5 * widths[0]


def test_a_kind_without_a_model_is_no_zero(made_up_model: KernelModel) -> None:
    kernels = [conv_kernel(20, 32, 32), linear_kernel(64, 10)]
    answer = made_up_model.predict(kernels)
    assert answer.covered.tolist() == [True, False]
    assert np.isnan(answer.mean[1])
    assert answer.total == pytest.approx(0.5 + answer.mean[0])
    with pytest.raises(UsageError, match="confidence"):
        made_up_model.predict(kernels, confidence=1.0)


def test_intervals_of_totals_come_from_networks_where_there_are_some(made_up_model: KernelModel) -> None:
    quantiles = np.linspace(-0.2, 0.4, len(LEVELS))
    model = KernelModel(
        device="d", runtime="none", target="latency", regressors=made_up_model.regressors, network_quantiles=quantiles
    )
    answer = model.predict(random_kernels(3, seed=1))
    low, high = np.interp([0.05, 0.95], LEVELS, quantiles)
    assert answer.total_lower == pytest.approx(answer.total * np.exp(low))
    assert answer.total_upper == pytest.approx(answer.total * np.exp(high))
    assert quantile_ends(np.full(len(LEVELS), 0.1), 0.9).tolist() == [0, 0.1]


def test_a_file_gives_back_the_model(made_up_model: KernelModel, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save_kernel_model(path, made_up_model)
    back = load_kernel_model(path)
    kernels = random_kernels(20, seed=3)
    np.testing.assert_allclose(back.predict(kernels).mean, made_up_model.predict(kernels).mean, rtol=1e-3)
    assert (back.device, back.target, back.overhead, back.summary) == ("my-board", "latency", 0.5, "made up")
    with np.load(path, allow_pickle=False) as archive:
        assert json.loads(archive["header"].tobytes())["version"] == 1


def test_a_damaged_file_is_refused(made_up_model: KernelModel, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save_kernel_model(path, made_up_model)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DataError, match="expected a kernel model"):
        load_kernel_model(path)
    with pytest.raises(DataError, match="expected a kernel model"):
        load_kernel_model(tmp_path / "absent.npz")


def test_few_rows_give_a_physical_cost_and_a_wide_interval() -> None:
    kernels = random_kernels(6, seed=2)
    rows = KernelRows(
        kind="conv", features=np.array([list(k.features().values()) for k in kernels]),
        costs=np.array([true_cost(k) for k in kernels]), groups=np.arange(6),
    )  # fmt: skip
    regressor = fit_regressor(rows)
    assert not len(regressor.trees)
    assert np.isnan(regressor.error_percent)
    assert quantile_ends(regressor.quantiles, 0.9)[1] > 0.5
    with pytest.raises(UsageError, match="got none"):
        fit_regressor(rows.take(np.zeros(6, dtype=bool)))


def test_groups_keep_their_fold_whatever_else_is_there() -> None:
    folds = fold_of(np.arange(400))
    assert sorted(set(folds.tolist())) == list(range(FOLDS))
    assert (np.bincount(folds) > 60).all()
    assert fold_of(np.array([7, 399])).tolist() == [folds[7], folds[399]]


def test_terms_are_what_the_kernel_does() -> None:
    kernel = conv_kernel(10, 8, 16)
    names, values = zip(*kernel.features().items(), strict=True)
    terms = physical_terms(names, np.array([values], dtype=float))[0]
    assert terms[0] == 1
    assert terms[1] == 10 * 10 * 8 * 16 * 9
    assert terms[3] == 4 * 16 * 10 * 10
    factors, column = beyond(np.array([[1.0, 30.0], [2.0, 5.0]]), np.array([0.0, 4.0]), np.array([3.0, 9.0]))
    np.testing.assert_allclose(factors, [3.1, 1])
    assert column[0] == 1
