"""A new device end to end: contract, figures, intervals, suspects, next networks, plans, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from hwnas import data, metrics
from hwnas.errors import DataError, UsageError
from hwnas.latency import fewshot, known_devices, methods
from hwnas.latency.adapted_files import load_adapted, save_adapted
from hwnas.latency.fewshot import AdaptedModel, adapt, left_out_parts, plan
from hwnas.predictors.fewshot_baselines import BASELINES
from hwnas.predictors.fewshot_files import open_model, save_model
from hwnas.predictors.fewshot_model import FewShotModel, KnownColumn, learn
from hwnas.spaces import Space, get_space
from hwnas.testing import CostModelContract


@pytest.fixture(scope="session")
def ten(cells: Space) -> np.ndarray:
    return cells.sample(10, seed=3)


@pytest.fixture(scope="session")
def adapted(cells: Space, few_shot: FewShotModel, new_device: np.ndarray, ten: np.ndarray) -> AdaptedModel:
    return adapt(cells, ten, new_device[cells.index(ten)], device="my-board", model=few_shot)


class TestContract(CostModelContract):
    @pytest.fixture(autouse=True)
    def _set(self, adapted: AdaptedModel, cells: Space) -> None:
        self.model, self.space = adapted, cells


def test_ten_measurements_are_enough(adapted: AdaptedModel, cells: Space, new_device: np.ndarray) -> None:
    """The noise of 3 % alone leaves a mean error of 2.4 %; the intervals hold; baselines are far behind."""
    estimate = adapted.predict(cells.all_vectors())
    assert metrics.spearman(new_device, estimate.mean) > 0.97
    assert metrics.mape(new_device, estimate.mean) < 4.5
    assert estimate.lower is not None and estimate.upper is not None
    assert 80 < metrics.coverage(new_device, estimate.lower, estimate.upper) < 100
    observed = adapted.observations
    for fit in BASELINES.values():
        by_baseline = fit(cells, observed.vectors, observed.costs, cells.all_vectors())
        assert metrics.mape(new_device, by_baseline) > 1.5 * metrics.mape(new_device, estimate.mean)


def test_leaving_one_out_is_predicting_without_it(
    adapted: AdaptedModel, cells: Space, few_shot: FewShotModel, new_device: np.ndarray, ten: np.ndarray
) -> None:
    others = np.delete(ten, 4, axis=0)
    without = adapt(cells, others, new_device[cells.index(others)], device="x", model=few_shot)
    assert adapted.left_out()[0][4] == pytest.approx(without.predict(ten[4:5]).mean[0], rel=1e-9)
    figures = adapted.leave_one_out()
    assert figures.measured == 10 and figures.mape == pytest.approx(
        metrics.mape(adapted.observations.costs, adapted.left_out()[0])
    )
    assert figures.mape < 15 and figures.spearman > 0.8


def test_a_wrong_measurement_is_suspected(
    cells: Space, few_shot: FewShotModel, new_device: np.ndarray, ten: np.ndarray, adapted: AdaptedModel
) -> None:
    latency_ms = new_device[cells.index(ten)].copy()
    latency_ms[6] *= 2.5
    wrong = adapt(cells, ten, latency_ms, device="x", model=few_shot)
    (suspect,) = wrong.suspect()
    assert suspect.row == 6 and suspect.cost == pytest.approx(latency_ms[6]) and suspect.probability > 0.5
    assert suspect.expected == pytest.approx(latency_ms[6] / 2.5, rel=0.2)
    assert adapted.suspect() == []


def test_next_networks_are_new_and_reduce_the_uncertainty(
    adapted: AdaptedModel, cells: Space, few_shot: FewShotModel, new_device: np.ndarray, ten: np.ndarray
) -> None:
    following = adapted.next_nets(3)
    assert following.shape == (3, 6) and not np.isin(cells.index(following), cells.index(ten)).any()
    np.testing.assert_array_equal(following, adapted.next_nets(3))
    more = np.concatenate([ten, following])
    better = adapt(cells, more, new_device[cells.index(more)], device="x", model=few_shot)
    everything = cells.all_vectors()
    assert metrics.mape(new_device, better.predict(everything).mean) < 4.5


@pytest.mark.parametrize("method", ["informative", "random"])
def test_plans_are_distinct_networks(cells: Space, few_shot: FewShotModel, method: str) -> None:
    vectors = plan(cells, count=10, method=method, model=few_shot)  # type: ignore[arg-type]
    assert len(np.unique(cells.index(vectors))) == 10
    np.testing.assert_array_equal(vectors, plan(cells, count=10, method=method, model=few_shot))  # type: ignore[arg-type]


def test_informative_plans_measure_every_operation(cells: Space, few_shot: FewShotModel) -> None:
    assert set(plan(cells, count=6, model=few_shot).ravel().tolist()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("options", "words"),
    [({"method": "best"}, "(?s).*informative"), ({"count": 2}, "3 to 2000"), ({"count": 2001}, "3 to 2000")],
)
def test_impossible_plans_are_refused(
    cells: Space, few_shot: FewShotModel, options: dict[str, object], words: str
) -> None:
    with pytest.raises((UsageError, TypeCheckError), match=words):
        plan(cells, model=few_shot, **options)  # type: ignore[arg-type]


def test_reference_networks_need_their_table(cells: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "open_table", lambda _: None)
    with pytest.raises(UsageError, match="hwnas data pull help"):
        plan(cells, method="reference")
    with pytest.raises(UsageError, match="fbnet"):
        plan(get_space("fbnet"), method="reference")


def test_seconds_are_noticed(cells: Space, few_shot: FewShotModel, new_device: np.ndarray, ten: np.ndarray) -> None:
    latency_s = new_device[cells.index(ten)] / 1000
    with pytest.raises(UsageError, match="Multiply by 1000"):
        adapt(cells, ten, latency_s, device="x", model=few_shot)
    assert adapt(cells, ten, latency_s, device="x", model=few_shot, unit_is_right=True).predict(ten).mean.max() < 0.1


def test_another_space_is_refused(few_shot: FewShotModel) -> None:
    fbnet = get_space("fbnet")
    with pytest.raises(UsageError, match="expected networks of 'nasbench201'"):
        adapt(fbnet, fbnet.sample(3, seed=0), np.array([4.0, 5.0, 6.0]), device="x", model=few_shot)


def test_a_device_comes_back_from_its_files(adapted: AdaptedModel, cells: Space, tmp_path: Path) -> None:
    save_adapted(tmp_path, "my-board", adapted)
    again, vectors = load_adapted(tmp_path, "my-board"), cells.sample(200, seed=8)
    assert (again.space, again.device, again.target) == ("nasbench201", "my-board", "latency")
    one, other = adapted.predict(vectors), again.predict(vectors)
    for name in ("mean", "lower", "upper"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-4)  # the prior is kept as float32


@pytest.mark.parametrize("damage", ["absent", "json", "npz", "version", "target"])
def test_damaged_files_of_a_device_are_refused(adapted: AdaptedModel, tmp_path: Path, damage: str) -> None:
    save_adapted(tmp_path, "board", adapted)
    text, content = tmp_path / "board.json", tmp_path / "board.npz"
    if damage == "absent":
        content.unlink()
    elif damage == "json":
        text.write_text(text.read_text()[:-20])
    elif damage == "npz":
        content.write_bytes(content.read_bytes()[:-20])
    elif damage == "version":
        text.write_text(text.read_text().replace('"version": 1', '"version": 99'))
    else:
        text.write_text(text.read_text().replace('"latency"', '"speed"'))
    with pytest.raises(DataError, match=r"board\.json: expected"):
        load_adapted(tmp_path, "board")


def test_the_model_of_a_space_comes_back_from_its_file(few_shot: FewShotModel, cells: Space, tmp_path: Path) -> None:
    path = save_model(tmp_path, few_shot)
    assert path.stat().st_size < 50_000 and open_model(tmp_path, "fbnet") is None
    again = open_model(tmp_path, "nasbench201")
    assert again is not None and again.facts == few_shot.facts and again.spreads == few_shot.spreads
    first = path.read_bytes()
    assert save_model(tmp_path, few_shot).read_bytes() == first
    vectors = cells.sample(20, seed=0)
    np.testing.assert_array_equal(again.features(cells, vectors), few_shot.features(cells, vectors))
    np.testing.assert_allclose(again.prior.directions, few_shot.prior.directions, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("content", [b"", b"not a file of numpy", None])
def test_damaged_model_files_are_refused(few_shot: FewShotModel, tmp_path: Path, content: bytes | None) -> None:
    path = save_model(tmp_path, few_shot)
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    with pytest.raises(DataError, match="expected a few-shot model"):
        open_model(tmp_path, "nasbench201")


def test_the_users_own_model_comes_first(
    few_shot: FewShotModel, cells: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(known_devices, "SHIPPED_FOLDER", tmp_path / "shipped")
    with pytest.raises(DataError, match="few-shot model of nasbench201"):
        known_devices.few_shot_model(cells)
    save_model(tmp_path / "shipped", few_shot)
    assert known_devices.few_shot_model(cells).facts == few_shot.facts
    own = learn(cells, cells.sample(60, seed=0), _two_devices(cells), facts={"own": True}, like=few_shot)
    save_model(tmp_path / "cache" / "predictors", own)
    assert known_devices.few_shot_model(cells).facts["own"] is True
    assert len(fewshot.plan(cells, count=3)) == 3


def test_a_damaged_model_is_said_not_passed_over(
    few_shot: FewShotModel, cells: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the shipped model nor the method `alone` stands in for the user's own file without a word."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    path = save_model(tmp_path / "predictors", few_shot)
    assert methods.method_for(cells, "auto")[0] == "latent"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="expected a few-shot model"):
        methods.method_for(cells, "auto")
    path.unlink()
    monkeypatch.setattr(known_devices, "SHIPPED_FOLDER", tmp_path / "shipped")
    assert methods.method_for(cells, "auto")[0] == "alone"


def _two_devices(cells: Space) -> list[KnownColumn]:
    costs = 3.0 + cells.sample(60, seed=0).sum(axis=1)
    return [KnownColumn(name=name, physical=name, costs=costs * size) for name, size in (("a", 1.0), ("b", 2.0))]


def test_one_known_device_teaches_nothing(cells: Space) -> None:
    with pytest.raises(UsageError, match="at least 2 known devices"):
        learn(cells, cells.sample(60, seed=0), _two_devices(cells)[:1], facts={})


def test_devices_with_few_networks_cannot_be_left_out(cells: Space) -> None:
    with pytest.raises(UsageError, match="at least 200 measured networks of each known device, got 60 of 'a'"):
        learn(cells, cells.sample(60, seed=0), _two_devices(cells), facts={})


def test_what_is_left_out_together() -> None:
    assert sorted(len(part) for part in left_out_parts(20)) == [1] * 20
    parts = left_out_parts(45)
    assert len(parts) == 20 and sorted(np.concatenate(parts).tolist()) == list(range(45))
