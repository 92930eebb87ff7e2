"""Predictors in the form of nn-Meter: forests of scikit-learn, pickled, one file for each kernel."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.api.nn_meter import import_nn_meter
from hwnas.errors import DataError, UsageError
from hwnas.graphs import Graph, GraphBuilder, kernels_of
from hwnas.latency.kernels import load_kernel_model
from hwnas.latency.kernels.networks import count_kernels
from hwnas.latency.kernels.sources.nn_meter import read_forest, read_predictors
from hwnas.latency.kernels.space_costs import network_totals

ensemble = pytest.importorskip("sklearn.ensemble")
SIZES = {
    "conv-bn-relu": 7,
    "dwconv-bn-relu": 7,
    "fc": 4,
    "maxpool": 5,
    "global-avgpool": 2,
    "add": 3,
    "addrelu": 3,
    "relu": 2,
}


def forest(columns: int, *, seed: int, cost: Callable[[Any], Any] = lambda rows: rows.sum(axis=1)) -> Any:
    rng = np.random.default_rng(seed)
    rows = rng.uniform(0, 120, (400, columns))
    return ensemble.RandomForestRegressor(n_estimators=7, random_state=seed).fit(rows, 1 + cost(rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "cortexA76cpu_tflite21"
    where.mkdir()
    for seed, (name, columns) in enumerate(SIZES.items()):
        (where / f"{name}.pkl").write_bytes(pickle.dumps(forest(columns, seed=seed)))
    (where / "concat.pkl").write_bytes(pickle.dumps(forest(6, seed=9)))
    (where / "fusion_rules.json").write_text("{}")
    return where


def network(*, side: int = 32) -> Graph:
    builder = GraphBuilder()
    stem = builder.same("stem_relu", "relu", builder.conv("stem", builder.image(side), 16, kernel=3, stride=2))
    deep = builder.conv("deep", stem, 16, kernel=3, depthwise=True)
    builder.sum("sum", [stem, deep])
    builder.same("sum_relu", "relu", "sum")
    builder.classifier("head", "sum_relu", 10, pooling="pool")
    return builder.graph()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_forest_gives_the_costs_that_scikit_learn_gives(tmp_path: Path, protocol: int) -> None:
    made, rows = forest(5, seed=3), np.random.default_rng(1).uniform(-10, 150, (200, 5)).astype(np.float32)
    path = tmp_path / "maxpool.pkl"
    path.write_bytes(pickle.dumps(made, protocol))
    np.testing.assert_allclose(read_forest(path).predict(rows.astype(float)), made.predict(rows), rtol=1e-12)


def test_the_total_is_what_the_forests_say_of_nn_meters_features(folder: Path) -> None:
    """The features are worked out here as nn-Meter's extract_feature.py does, with the height that it trains with."""

    def said(name: str, *row: float) -> float:
        return float(pickle.loads((folder / f"{name}.pkl").read_bytes()).predict(np.array([row]))[0])

    model = read_predictors(folder, device="mine")
    assert model.summary.endswith(": concat")
    kernels = kernels_of(network(), model.runtime)
    answer = model.predict(kernels)
    expected = {
        "stem": said("conv-bn-relu", 32, 3, 16, 3, 2, 2 * 16 * 16 * 16 * (27 + 1) / 2e6, 16 * 28 / 1e6),
        "deep": said("dwconv-bn-relu", 16, 16, 16, 3, 1, 2 * 16 * 16 * 16 * (9 + 1) / 2e6, 16 * 10 / 1e6),
        "sum": said("addrelu", 16, 16, 16),
        "pool.pooled": said("global-avgpool", 16, 16),
        "head": said("fc", 16, 10, 33 * 10 / 2e6, 33 * 10 / 1e6),
    }
    found = {kernel.name: cost for kernel, cost in zip(kernels, answer.mean.tolist(), strict=True)}
    assert found == pytest.approx(expected, rel=1e-6)
    assert answer.total == pytest.approx(np.nansum(answer.mean))


def test_no_kernel_is_dropped_in_silence(folder: Path) -> None:
    """Grouped convolutions, maps that are not square, batches, and kinds without a predictor have no cost, not 0."""
    builder = GraphBuilder()
    plain = builder.conv("plain", builder.image(16), 6, kernel=3)
    builder.add("in_groups", "conv", [plain], (1, 6, 16, 16), kernel=3, stride=1, padding=1, groups=2, in_channels=6)
    builder.same("other", "gelu", "in_groups")
    model = read_predictors(folder, device="mine")
    answer = model.predict(kernels_of(builder.graph(), model.runtime))
    assert answer.covered.tolist() == [True, False, False]
    assert np.isfinite([answer.total, answer.total_lower, answer.total_upper]).all()


def test_it_is_kept_without_pickles(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    result = import_nn_meter(folder)
    assert result.device == "cortexa76cpu-tflite21" and "nn-Meter" in result.summary
    kept, read = load_kernel_model(Path(result.path)), read_predictors(folder, device="mine")
    kernels = kernels_of(network(side=48), "tflite")
    np.testing.assert_allclose(kept.predict(kernels).mean, read.predict(kernels).mean, rtol=1e-5)


def test_a_kernel_outside_of_the_thresholds_says_so(folder: Path) -> None:
    model = read_predictors(folder, device="mine")
    kernels = kernels_of(network(side=1024), model.runtime)
    answer = model.predict(kernels)
    assert answer.outside[0] > 4
    features = np.array([list(kernels[0].features().values())])
    assert model.regressors["conv"].worst_feature(features) == ["height"]


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("evil"),)


def test_nothing_of_a_pickle_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "fc.pkl"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match=r"names pathlib.* scikit-learn, such as 0\.23\.1"):
        read_forest(path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"no pickle", "cannot be read"),
        (pickle.dumps({"a": 1}), "got dict"),
        (pickle.dumps(ensemble.RandomForestRegressor()), "expected a random forest"),  # never fitted
        (pickle.dumps(ensemble.GradientBoostingRegressor()), "GradientBoostingRegressor"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "relu.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_forest(path)


def test_an_empty_folder_and_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="conv-bn-relu"):
        read_predictors(tmp_path, device="mine")
    with pytest.raises(UsageError, match="unpack"):
        import_nn_meter(tmp_path / "none")


def test_over_a_space_what_a_forest_was_not_made_for_is_named(folder: Path) -> None:
    """Of the convolutions of one kind some may have a cost and others none."""
    model = read_predictors(folder, device="mine")
    builder = GraphBuilder()
    builder.add("input", "input", [], (1, 3, 16, 12))
    oblong = builder.conv("oblong", "input", 8, kernel=3)
    square = builder.add(
        "square", "conv", [oblong], (1, 8, 12, 12), kernel=3, stride=1, padding=1, groups=1, in_channels=8
    )
    builder.conv("last", square, 8, kernel=3)
    kernels = kernels_of(builder.graph(), model.runtime)
    alone, totals = model.predict(kernels), network_totals(model, count_kernels([kernels]), confidence=0.9)
    assert alone.covered.tolist() == [False, False, True]
    assert totals.mean[0] == pytest.approx(alone.total)
    assert (totals.lower[0], totals.upper[0]) == pytest.approx((alone.total_lower, alone.total_upper))
    share = 100 * sum(kernel.macs for kernel in kernels[:2]) / sum(kernel.macs for kernel in kernels)
    assert totals.uncovered["conv"][0] == pytest.approx(share)
