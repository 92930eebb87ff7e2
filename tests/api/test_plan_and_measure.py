"""A kit from Python: which nets, what is in the folder, and measuring it here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.api.choosing import CHOOSERS, choose_nets
from hwnas.api.export import initial_module
from hwnas.api.measure import MeasureSettings, measure
from hwnas.api.plan import PlanSettings, plan
from hwnas.devices.agent.files import read_manifest
from hwnas.errors import DataError, MissingExtraError, UnknownNameError, UsageError
from hwnas.latency.measurements import read_measurements
from hwnas.spaces import get_space

QUICK = MeasureSettings(rounds=2, threads=1, warmup_s=0.0, window_s=0.0, min_runs=3, idle_s=0.0, meter="none")


@pytest.mark.usefixtures("taught")
@pytest.mark.parametrize("method", sorted({*CHOOSERS} - {"reference"}))  # which is one list, not a draw
@pytest.mark.parametrize("name", ["nasbench201", "fbnet"])
def test_chosen_nets_are_different_and_repeatable(method: str, name: str) -> None:
    space = get_space(name)
    chosen = choose_nets(space, 10, method=method, seed=3)
    space.check(chosen)
    assert len(np.unique(chosen, axis=0)) == 10
    assert (chosen == choose_nets(space, 10, method=method, seed=3)).all()
    assert (chosen != choose_nets(space, 10, method=method, seed=4)).any()


def test_spread_takes_the_farthest_each_time() -> None:
    """By brute force: no other net has a larger distance to the nearest of those before."""
    space = get_space("nasbench201")
    features = space.features(space.all_vectors()).astype(np.float64)
    chosen = space.features(choose_nets(space, 5, method="spread", seed=0)).astype(np.float64)
    for number in range(1, 5):
        before = chosen[:number]
        nearest = ((features[:, None] - before) ** 2).sum(axis=2).min(axis=1)
        assert ((chosen[number] - before) ** 2).sum(axis=1).min() == pytest.approx(nearest.max())


@pytest.mark.parametrize("name", ["autoformer", "nas-bench-macro"])
def test_nets_without_an_onnx_form_of_their_own_are_written_from_their_modules(name: str, tmp_path: Path) -> None:
    """Attention over tokens has none; the file gives what the module gives either way."""
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    made = plan(tmp_path, space=name, nets=3, settings=PlanSettings(method="random", seed=4))
    (net, *_) = sorted(made.nets, key=lambda net: (tmp_path / net.file).stat().st_size)
    session = runtime.InferenceSession(str(tmp_path / net.file), providers=["CPUExecutionProvider"])
    assert tuple(session.get_inputs()[0].shape) == net.input_shape
    if name == "autoformer":
        module = initial_module(get_space(name), net.arch, dataset=made.facts.dataset, seed=4)
        images = torch.randn(net.input_shape, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            expected = module(images).numpy()
        (found,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
        assert found == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))


def test_choosing_refuses_what_it_cannot_do() -> None:
    space = get_space("nasbench201")
    with pytest.raises(UnknownNameError, match="did you mean 'spread'"):
        choose_nets(space, 3, method="spred", seed=0)
    with pytest.raises(UsageError, match="15625 architectures, 15626 were asked for"):
        choose_nets(space, 15_626, method="random", seed=0)


def test_a_kit_is_whole_and_can_be_written_again(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    done: list[tuple[int, int]] = []
    settings = PlanSettings(method="random", check=2, batch_size=2, seed=1)
    made = plan(tmp_path / "kit", nets=3, settings=settings, progress=lambda *step: done.append(step))
    assert (
        done == [(n, 5) for n in range(1, 6)] and [net.role for net in made.nets] == ["calibrate"] * 3 + ["check"] * 2
    )
    manifest = read_manifest(tmp_path / "kit")
    assert manifest["space"] == "nasbench201" and manifest["method"] == "random" and manifest["seed"] == 1
    assert manifest["chosen"] == "Drawn uniformly from the space."
    assert manifest["nets"][0]["input_shape"] == [2, 3, 32, 32] and len({net["arch"] for net in manifest["nets"]}) == 5
    space = get_space("nasbench201")
    assert space.index(space.parse([net["arch"] for net in manifest["nets"]])).tolist() == [n.index for n in made.nets]
    readme = (tmp_path / "kit" / "README.md").read_text()
    assert (
        "5 nets of nasbench201 (cifar10)" in " ".join(readme.split()).replace("Nets", "5 nets")
        and "2x3x32x32" in readme
    )
    assert "{" not in readme.replace("{model}", "").replace("{n}", "")
    before = (tmp_path / "kit" / "manifest.json").read_bytes()
    plan(tmp_path / "kit", nets=3, settings=settings)
    assert (tmp_path / "kit" / "manifest.json").read_bytes() == before, "the same question gives the same kit"
    with pytest.raises(UsageError, match="holds another one"):
        plan(tmp_path / "kit", nets=4, settings=settings)


def test_a_space_that_nothing_is_known_of_is_named_before_measuring(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    notes = plan(tmp_path / "sizes", space="nats-size", nets=3).notes
    assert len(notes) == 1 and "nothing is known of devices in nats-size" in notes[0]
    assert plan(tmp_path / "cells", nets=3).notes == ()


def test_wrong_plans(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 3 nets to measure, got 2"):
        plan(tmp_path / "kit", nets=2)
    with pytest.raises(UsageError, match="batch_size of at least 1, got 0"):
        PlanSettings(batch_size=0)
    with pytest.raises(UnknownNameError, match="method of choosing nets"):
        PlanSettings(method="best")
    with pytest.raises(UsageError, match="expected different architectures, got 2 of which some are the same"):
        plan(tmp_path / "kit", settings=PlanSettings(given=("12", "12")))
    assert not (tmp_path / "kit").exists()


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nets, the first two of which differ much in size."""
    pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("measured") / "kit"
    plan(folder, nets=3, settings=PlanSettings(seed=2))
    return folder


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_this_machine_is_measured(kit: Path, tmp_path: Path, runtime: str) -> None:
    pytest.importorskip(runtime)
    steps: list[tuple[int, int]] = []
    out = tmp_path / "results.json"
    found = measure(kit, runtime=runtime, settings=QUICK, out=out, progress=lambda *step: steps.append(step))
    assert steps == [(n, 6) for n in range(7)] and found.results["complete"]
    assert found.to_dict()["runtime"]["name"] == runtime and found.results["runtime"]["threads"] == 1
    measured = read_measurements(out, space="nasbench201")
    assert (measured.latency_ms > 0).all() and measured.rounds_ms.shape == (3, 2)
    assert measured.energy_reasons == ("no meter was wanted",) * 3 and np.isfinite(measured.spread).all()
    before = out.read_bytes()
    measure(kit, runtime=runtime, settings=QUICK, out=out)
    assert out.read_bytes() == before
    with pytest.raises(UsageError, match="was begun with runtime"):
        measure(kit, runtime="torch" if runtime == "onnxruntime" else "onnxruntime", settings=QUICK, out=out)


def test_a_busy_machine_is_said(kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    for load, notes in ((500.0, 1), (0.0, 0)):
        monkeypatch.setattr("os.getloadavg", lambda load=load: (load, load, load))
        monkeypatch.setattr("os.cpu_count", lambda: 8)
        found = measure(kit, settings=QUICK, out=tmp_path / f"{load}.json")
        assert len(found.notes) == notes == len(found.to_dict()["notes"])
        assert all("the machine was BUSY (load 500.0 on 8 cores" in note for note in found.notes)


def test_an_interruption_keeps_what_was_measured(kit: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    out = tmp_path / "results.json"

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(kit, settings=QUICK, out=out, progress=stop)
    kept = json.loads(out.read_text())
    assert sum(len(net["rounds"]) for net in kept["nets"]) == 4 and not kept["complete"]
    steps: list[int] = []
    measure(kit, settings=QUICK, out=out, progress=lambda done, total: steps.append(done))
    assert steps == [4, 5, 6]


def test_a_runtime_that_is_not_installed_names_its_extra(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"hwnas\[onnx\]"):
        measure(kit)
    with pytest.raises(MissingExtraError, match=r"hwnas\[torch\]"):
        measure(kit, runtime="torch")


def test_wrong_measuring(kit: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="got no such file"):
        measure(tmp_path)
    with pytest.raises(UsageError, match=r"run `python3 .*agent\.py --runtime trtexec`"):
        measure(kit, runtime="trtexec")
    with pytest.raises(UnknownNameError, match="did you mean 'torch'"):
        measure(kit, runtime="torc")
    with pytest.raises(DataError, match=r"expected to write .* give another --out"):
        measure(kit, out=tmp_path / "absent" / "results.json")
    with pytest.raises(UsageError, match="at least one thread"):
        measure(kit, settings=MeasureSettings(threads=0))
    with pytest.raises(UsageError, match="got 'wattmeter'"):
        measure(kit, runtime="torch", settings=MeasureSettings(meter="wattmeter"))
