"""`hwnas.verify`: what a front says of its nets beside measurements of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.api.adapt import AdaptSettings, adapt
from hwnas.api.front_files import read_front, spaced
from hwnas.api.measure import MeasureSettings
from hwnas.api.pareto import pareto
from hwnas.api.verify import VerifySettings, verify
from hwnas.devices import get_device
from hwnas.devices.agent.files import read_manifest
from hwnas.devices.agent.host import host_facts
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.latency import latency_model
from hwnas.outputs import save
from hwnas.spaces import get_space

Board = Callable[..., np.ndarray]
SPACE = get_space("nasbench201")
QUICK = MeasureSettings(rounds=1, threads=1, warmup_s=0.0, window_s=0.0, min_runs=3, idle_s=0.0, meter="none")


@pytest.fixture
def front(taught: Path, board: Board, tmp_path: Path) -> Path:
    """A front for a board that was adapted from ten nets with 1 % of noise, with energies of 2 W."""
    vectors = SPACE.sample(10, seed=3)
    latency = board(SPACE, vectors) * np.random.default_rng(0).lognormal(0, 0.01, 10)
    rows = [f"{arch},{ms},{2 * ms}" for arch, ms in zip(SPACE.strings(vectors), latency.tolist(), strict=True)]
    path = tmp_path / "ten.csv"
    path.write_text("\n".join(["architecture,latency_ms,energy_mj", *rows]) + "\n")
    adapt(path, name="my-board", settings=AdaptSettings(batch_size=1))
    save(pareto("my-board", budget_ms=4.0, proxies=["zen"]), tmp_path / "front.json")
    return tmp_path / "front.json"


Results = Callable[..., Path]


@pytest.fixture
def results(kit_results: Callable[..., dict[str, Any]], tmp_path: Path) -> Results:
    """`results(archs, latency, power_w=None, **changed)`: a file of an agent that measured these."""

    def write(archs: list[str], latency: np.ndarray, **changed: Any) -> Path:
        path = tmp_path / "results.json"
        path.write_text(json.dumps(kit_results(SPACE.parse(archs), latency, role="check", **changed)))
        return path

    return write


def true_latency(board: Board, archs: list[str]) -> np.ndarray:
    return board(SPACE, SPACE.parse(archs))


def test_measurements_beside_predictions(results: Results, front: Path, board: Board, tmp_path: Path) -> None:
    archs = [net.arch for net in spaced(read_front(front), 6)]
    truth = true_latency(board, archs)
    truth[2] *= 10  # far outside, and above the budget
    answer = verify(front, VerifySettings(results=results(archs, truth, power_w=2.0)))
    assert [net.arch for net in answer.nets] == archs and answer.kit is None and answer.adapted is None
    saved = {net["arch"]: net["costs"] for net in json.loads(front.read_text())["fronts"][0]["nets"]}
    for net, ms in zip(answer.nets, truth.tolist(), strict=True):
        for name, value in (("latency_ms", ms), ("energy_mj", 2 * ms)):
            said, found = saved[net.arch][name], net.costs[name]
            assert (found.predicted, found.lower, found.upper) == (said["mean"], said["lower"], said["upper"])
            assert found.measured == pytest.approx(value)
            assert found.error_percent == pytest.approx(100 * (said["mean"] - value) / value)
            assert found.inside == (said["lower"] <= value <= said["upper"])
        assert net.costs["latency_ms"].within_budget == (ms <= 4.0)
        assert net.costs["energy_mj"].within_budget is None
        assert net.repeat_error_percent == pytest.approx(100 * (0.02 + 0.02) / 3)
    latency = {cost.id: cost for cost in answer.costs}["latency_ms"]
    assert (latency.bound, latency.nets, latency.with_interval) == (4.0, 6, 6)
    inside = [net.costs["latency_ms"].inside for net in answer.nets]
    assert latency.inside == sum(map(bool, inside)) and inside[2] is False and latency.inside >= 4
    assert latency.within_budget == sum(truth <= 4.0) < 6
    errors = [abs(net.costs["latency_ms"].error_percent or 0.0) for net in answer.nets]
    assert latency.median_error_percent == pytest.approx(np.median(errors))
    assert answer.measured_on == "a made-up processor, onnxruntime 1.0, threads 2"
    assert "does not say that it is the machine that was measured" in answer.notes[0]
    assert json.loads(json.dumps(answer.to_dict(), allow_nan=False))["front"] == "zen"


def test_feeding_back_narrows_the_intervals(results: Results, front: Path, board: Board, tmp_path: Path) -> None:
    archs = [net.arch for net in spaced(read_front(front), 6)]
    where = {"space": "nasbench201", "dataset": "cifar10"}
    before = latency_model("my-board", **where).predict(SPACE.parse(archs))
    path = results(archs, true_latency(board, archs), power_w=2.0)
    answer = verify(front, VerifySettings(results=path, feed_back=True))
    assert answer.adapted is not None and answer.adapted.nets == 16 and answer.adapted.replaced
    after = latency_model("my-board", **where).predict(SPACE.parse(archs))
    truth = true_latency(board, archs)
    assert np.abs(np.log(after.mean / truth)).mean() < np.abs(np.log(before.mean / truth)).mean()
    assert np.mean(after.upper / after.lower) < np.mean(before.upper / before.lower)  # type: ignore[operator]
    assert get_device("my-board").variant.adapted[0].nets == 16


def test_feeding_back_keeps_what_was_measured_to_judge(
    results: Results, front: Path, board: Board, kit_results: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    vectors = SPACE.sample(8, seed=11)
    path = tmp_path / "checks.json"
    path.write_text(json.dumps(kit_results(vectors, board(SPACE, vectors), role="check")))
    added = adapt(path, name="my-board", settings=AdaptSettings(add=True))
    assert added.nets == 10 and added.checked is not None and added.checked.nets == 8
    archs = [net.arch for net in spaced(read_front(front), 6)]
    fed = verify(front, VerifySettings(results=results(archs, true_latency(board, archs)), feed_back=True)).adapted
    assert fed is not None and fed.nets == 16 and fed.checked is not None and fed.checked.nets == 8


def test_a_kit_for_another_machine(front: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    answer = verify(front, VerifySettings(kit=tmp_path / "kit", nets=4))
    manifest = read_manifest(tmp_path / "kit")
    assert answer.results is None and answer.costs == () and answer.kit == str(tmp_path / "kit")
    assert [net["arch"] for net in manifest["nets"]] == [net.arch for net in answer.nets]
    assert {net["role"] for net in manifest["nets"]} == {"check"} and manifest["method"] == "front"
    assert all(net.costs["latency_ms"].measured is None and net.costs["latency_ms"].predicted for net in answer.nets)
    listed = [net["arch"] for net in json.loads(front.read_text())["fronts"][0]["nets"]]
    assert (answer.nets[0].arch, answer.nets[-1].arch) == (listed[0], listed[-1])


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_this_machine_is_measured_and_an_interruption_goes_on(front: Path, runtime: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip(runtime)
    settings = VerifySettings(runtime=runtime, nets=3, measure=QUICK)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(front, settings, progress=stop)
    steps: list[int] = []
    answer = verify(front, settings, progress=lambda done, total: steps.append(done))
    assert steps == [2, 3] and answer.kit == str(front.with_name("front-kit"))
    assert len(answer.nets) == 3 and all((net.costs["latency_ms"].measured or 0) > 0 for net in answer.nets)
    assert answer.costs[0].nets == 3 and [cost.id for cost in answer.costs] == ["latency_ms"]
    assert answer.measured_on is not None and runtime in answer.measured_on


@pytest.fixture
def front_here(taught: Path, board: Board, kit_results: Callable[..., dict[str, Any]], tmp_path: Path) -> Path:
    """A front for a board that by its card is this machine, measured by onnxruntime with one thread."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    runtime = {"name": "onnxruntime", "version": onnxruntime.__version__, "provider": "CPUExecutionProvider"}
    runtime |= {"threads": 1, "precision": "fp32"}
    vectors, path = SPACE.sample(10, seed=3), tmp_path / "ten.json"
    path.write_text(json.dumps(kit_results(vectors, board(SPACE, vectors), runtime=runtime, device=host_facts())))
    adapt(path, name="my-board")
    save(pareto("my-board", budget_ms=4.0, proxies=["zen"]), tmp_path / "front.json")
    return tmp_path / "front.json"


def test_what_is_left_open_is_as_the_device_was_measured(front_here: Path) -> None:
    open_way = replace(QUICK, threads=None)
    answer = verify(front_here, VerifySettings(nets=3, measure=open_way, feed_back=True))
    assert answer.measured_on is not None and answer.measured_on.endswith("threads 1")
    assert answer.adapted is not None and answer.adapted.nets == 13
    written = verify(front_here, VerifySettings(nets=3, kit=front_here.with_name("kit")))
    assert len(written.notes) == 1 and "threads 1: measure these nets in the same way" in written.notes[0]


@pytest.mark.parametrize(
    ("runtime", "threads", "says"),
    [
        (
            None,
            2,
            r"threads 1', as its card says, got .*threads 2'; measure with --runtime onnxruntime --threads 1, or ",
        ),
        ("torch", None, r"got 'torch .*; measure with --runtime onnxruntime --threads 1, or leave out --feed-back"),
    ],
)
def test_what_cannot_be_fed_back_is_refused_before_measuring(
    front_here: Path, monkeypatch: pytest.MonkeyPatch, runtime: str | None, threads: int | None, says: str
) -> None:
    pytest.importorskip(runtime or "onnxruntime")
    monkeypatch.setattr("hwnas.api.verify.measure", lambda *_, **__: pytest.fail("it was measured"))
    how = VerifySettings(nets=3, runtime=runtime, measure=replace(QUICK, threads=threads), feed_back=True)
    with pytest.raises(UsageError, match=says):
        verify(front_here, how)


def test_another_machine_cannot_be_fed_back(
    results: Results, front_here: Path, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    archs = [net.arch for net in spaced(read_front(front_here), 4)]
    path = results(archs, true_latency(board, archs))
    with pytest.raises(UsageError, match=r"got 'onnxruntime 1.0, threads 2'; measure again for .*results.json, as the"):
        verify(front_here, VerifySettings(results=path, feed_back=True))
    facts = host_facts() | {"cpu": "another processor"}
    monkeypatch.setattr("hwnas.devices.agent.runs.host_facts", lambda: facts)
    with pytest.raises(
        UsageError, match=r"got 'another processor'; measure on the device .*--kit FOLDER, its agent.py"
    ):
        verify(front_here, VerifySettings(nets=3, measure=QUICK, feed_back=True))


def test_a_second_round_is_told_to_take_another_folder(front: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    verify(front, VerifySettings(nets=3, measure=QUICK))
    with pytest.raises(UsageError, match=r"another kit; give another folder by --kit FOLDER --runtime onnxruntime$"):
        verify(front, VerifySettings(nets=4, measure=QUICK))
    with pytest.raises(UsageError, match=r"another kit; give another folder by --kit FOLDER$"):
        verify(front, VerifySettings(nets=4, kit=front.with_name("front-kit")))
    says = (
        r"begun with runtime threads 1, now it is 2; .* or give another folder by --kit FOLDER --runtime onnxruntime$"
    )
    with pytest.raises(UsageError, match=says):
        verify(front, VerifySettings(nets=3, measure=replace(QUICK, threads=2)))


@pytest.mark.data
def test_measured_fronts_have_no_intervals(results: Results, measured: Path, tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    save(pareto("jetson-tx2", budget_mj=20, proxies=["params"]), path)
    saved = read_front(path)
    archs = [net.arch for net in saved.nets[:4]]
    told = np.array([net.costs["latency_ms"].mean for net in saved.nets[:4]], dtype=np.float64)
    answer = verify(path, VerifySettings(results=results(archs, 1.1 * told)))
    (cost,) = answer.costs
    assert (cost.id, cost.with_interval, cost.inside) == ("latency_ms", 0, 0)
    assert cost.median_error_percent == pytest.approx(100 * (1 - 1 / 1.1)) and cost.spearman == pytest.approx(1.0)
    with pytest.raises(UsageError, match="a front for a device of your own to feed measurements back to"):
        verify(path, VerifySettings(results=tmp_path / "results.json", feed_back=True))


def test_measurements_of_something_else(results: Results, front: Path, board: Board, tmp_path: Path) -> None:
    listed = [net.arch for net in read_front(front).nets]
    others = [arch for arch in SPACE.strings(SPACE.sample(40, seed=1)) if arch not in listed]
    with pytest.raises(UsageError, match="nets of the front 'zen', got none of them"):
        verify(front, VerifySettings(results=results(others, true_latency(board, others))))
    some = [*listed[:3], *others[:2]]
    answer = verify(front, VerifySettings(results=results(some, true_latency(board, some))))
    assert len(answer.nets) == 3 and "2 measured nets are not in the front" in answer.notes[-1]
    kit = {"space": "nasbench201", "dataset": "cifar10", "batch_size": 8}
    path = results(some, true_latency(board, some), kit=kit)
    assert "batches of 8 images, the front is for batches of 1" in verify(front, VerifySettings(results=path)).notes[1]
    with pytest.raises(UsageError, match="batches of 1, got 8"):
        verify(front, VerifySettings(results=path, feed_back=True))
    path = results(some, true_latency(board, some), kit={**kit, "dataset": "cifar100"})
    with pytest.raises(UsageError, match="expected measurements on 'cifar10', got 'cifar100'"):
        verify(front, VerifySettings(results=path))


def test_files_that_are_no_front(front: Path, tmp_path: Path) -> None:
    answer = json.loads(front.read_text())
    wrong = tmp_path / "wrong.json"
    with pytest.raises(UsageError, match=r"expected the JSON of `hwnas pareto.*got no such file"):
        read_front(wrong)
    wrong.write_text("{")
    with pytest.raises(DataError, match="expected the JSON of `hwnas pareto"):
        read_front(wrong)
    wrong.write_text('{"nets": []}')
    with pytest.raises(UsageError, match="another kind of file"):
        read_front(wrong)
    wrong.write_text(json.dumps(answer | {"schema_version": 7}))
    with pytest.raises(UsageError, match="schema 1, got 7"):
        read_front(wrong)
    wrong.write_text(json.dumps({key: value for key, value in answer.items() if key != "objectives"}))
    with pytest.raises(DataError, match="without 'objectives'"):
        read_front(wrong)
    wrong.write_text(json.dumps(answer | {"objectives": [], "other_costs": []}))
    with pytest.raises(UsageError, match="got counts alone"):
        read_front(wrong)
    with pytest.raises(UnknownNameError, match="did you mean 'params'"):
        read_front(front, "parms")
    assert read_front(front, "params").name == "params"


def test_settings_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="at least 3 nets"):
        VerifySettings(nets=2)
    with pytest.raises(UsageError, match="got both"):
        VerifySettings(results=Path("a.json"), runtime="torch")
