"""`hwnas.adapt` with everything that users give instead of measurements, killed half-way, and after it: removal."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.api.adapt import AdaptSettings, adapt
from hwnas.devices import get_device, load_devices
from hwnas.devices.user_devices import models_folder, remove_device
from hwnas.energy import energy_model
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.latency import latency_model
from hwnas.spaces import get_space

Board = Callable[..., np.ndarray]
Write = Callable[..., Path]
Results = Callable[..., dict[str, Any]]
CELLS = get_space("nasbench201")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["1,2,", "2,3,"], "at least 3 measured nets, got 2"),
        (["1,2,", "2,2,", "3,2,"], "all 3 latencies are 2 ms"),
        (["1,2,", "2,-3,", "3,4,"], "row 3: expected a latency above 0, got -3"),
        (["1,2,", "2,,", "3,4,"], "row 3: expected a number, got nothing"),
        (["1,2,", "2,3,", "3,4,", "2,9,"], "row 3 and row 5 are the same architecture, 3 and 9"),
        (["1,2,", "resnet,3,", "3,4,"], "row 3: 'resnet' is not an architecture of nasbench201"),
        (["1,0.002,", "2,0.003,", "3,0.004,"], "is the unit s? name the column latency_s"),
        (["1,2000,", "2,3000,", "3,4000,"], "is the unit us?"),
    ],
)
def test_bad_measurements_change_nothing(ten: Path, tmp_path: Path, rows: list[str], says: str) -> None:
    adapt(ten, name="b")
    before = {path: path.read_bytes() for path in models_folder().parent.rglob("*") if path.is_file()}
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join(["architecture,latency_ms,energy_mj", *rows]) + "\n")
    with pytest.raises(UsageError) as refused:
        adapt(bad, name="b", settings=AdaptSettings(replace=True))
    assert says in str(refused.value)
    assert {path: path.read_bytes() for path in models_folder().parent.rglob("*") if path.is_file()} == before


def test_a_unit_that_is_said_is_believed(write: Write, taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(10, seed=3)
    seconds = write(tmp_path, vectors, board(CELLS, vectors) / 1000)
    with pytest.raises(UsageError, match="expected --unit ms, as the column latency_ms says, got s; leave out --unit"):
        adapt(seconds, name="b", settings=AdaptSettings(unit="s"))
    named = write(tmp_path, vectors, board(CELLS, vectors) / 1000, name="named", columns=("latency_s", "energy_mj"))
    adapt(named, name="b", settings=AdaptSettings(unit="s"))
    predicted = latency_model("b", space="nasbench201", dataset="cifar10").predict(vectors).mean
    assert np.allclose(predicted, board(CELLS, vectors), rtol=0.2)
    adapt(seconds, name="c", settings=AdaptSettings(unit="ms"))
    assert latency_model("c", space="nasbench201", dataset="cifar10").predict(vectors).mean.max() < 0.1


def test_kits_that_do_not_fit(kit_results: Results, taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(6, seed=3)
    latency = board(CELLS, vectors)
    path, other = tmp_path / "results.json", tmp_path / "other.json"
    path.write_text(json.dumps(kit_results(vectors, latency)))
    with pytest.raises(UsageError, match="expected measurements of space 'fbnet', got 'nasbench201'"):
        adapt(path, name="b", space="fbnet")
    with pytest.raises(UsageError, match="batches of 4, got 1 in the kit"):
        adapt(path, name="b", settings=AdaptSettings(batch_size=4))
    other.write_text(json.dumps(kit_results(vectors, latency, schema_version=9)))
    with pytest.raises(UsageError, match="expected results of schema 1, got 9"):
        adapt(other, name="b")
    other.write_text(json.dumps(kit_results(vectors, latency, runtime={"name": "trtexec", "version": "10"})))
    with pytest.raises(UsageError, match=r"one board in one way, got runtime 'onnxruntime 1\.0, threads 2'"):
        adapt([path, other], name="b")
    adapt(path, name="b")
    with pytest.raises(UsageError, match=r"runtime 'onnxruntime 1\.0, threads 2', as its card says, got 'trtexec 10'"):
        adapt(other, name="b", settings=AdaptSettings(add=True))
    other.write_text(json.dumps(kit_results(vectors, latency, device={"cpu": "another processor"})))
    with pytest.raises(UsageError, match="with cpu 'a made-up processor', as its card says, got 'another processor'"):
        adapt(other, name="b", settings=AdaptSettings(add=True))
    other.write_text(json.dumps(kit_results(vectors, 3 * latency)))
    with pytest.raises(UsageError, match=r"expected about the same latency of .* remove the wrong one"):
        adapt([path, other], name="c")
    with pytest.raises(DataError, match="expected a few-shot model of pit, found none"):
        adapt(write_pit(tmp_path), name="c", space="pit", settings=AdaptSettings(method="latent"))


def test_replacing_starts_again_unless_other_models_rest_on_the_card(
    kit_results: Results, ten: Path, board: Board, tmp_path: Path
) -> None:
    vectors = CELLS.sample(6, seed=3)
    path, other = tmp_path / "results.json", tmp_path / "other.json"
    path.write_text(json.dumps(kit_results(vectors, board(CELLS, vectors))))
    one = {"name": "onnxruntime", "version": "1.0", "threads": 1, "precision": "fp32"}
    changed = {"runtime": one, "device": {"cpu": "another processor"}}
    other.write_text(json.dumps(kit_results(vectors, board(CELLS, vectors), **changed)))
    adapt(path, name="b")
    assert adapt(other, name="b", settings=AdaptSettings(replace=True)).replaced
    card = get_device("b").card
    assert card.measurement.runtime.value == "onnxruntime 1.0, threads 1" and card.title == "another processor"
    adapt(ten, name="b", dataset="cifar100", settings=AdaptSettings(batch_size=1))
    with pytest.raises(
        UsageError, match=r"threads 1', as its card says, .* another --name.*`hwnas devices b --remove`"
    ):
        adapt(path, name="b", settings=AdaptSettings(replace=True))


def write_pit(folder: Path) -> Path:
    """Three nets of a space of which nothing was learned."""
    space = get_space("pit")
    path = folder / "pit.csv"
    with path.open("w", newline="") as file:
        rows = zip(space.strings(space.sample(3, seed=0)), [2.0, 3.0, 4.0], strict=True)
        csv.writer(file).writerows([("architecture", "latency_ms"), *rows])
    return path


def test_half_a_run_is_used_and_says_so(kit_results: Results, taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(6, seed=3)
    document = kit_results(vectors, board(CELLS, vectors))
    document["nets"][0]["latency_ms"]["rounds"] = document["nets"][0]["latency_ms"]["rounds"][:1]
    document["nets"][1] |= {"latency_ms": None, "latency_reason": "not measured yet"}
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document))
    answer = adapt(path, name="b")
    assert answer.nets == 5 and answer.notes[0] == "not measured: 001: not measured yet"
    assert "1 of 5 nets have fewer than 3 rounds" in answer.notes[1]


@pytest.mark.parametrize("name", ["raspi4", "edgegpu", "My Board", "../evil", "", "x" * 300])
def test_names_that_cannot_be(ten: Path, name: str) -> None:
    with pytest.raises(UsageError, match="expected a name"):
        adapt(ten, name=name)
    assert not (models_folder().parent).exists()


def test_settings_that_cannot_be(ten: Path) -> None:
    for wrong, says in (
        ({"add": True, "replace": True}, "got both"),
        ({"batch_size": 0}, "at least 1, got 0"),
        ({"method": "latnet"}, "did you mean 'latent'"),
        ({"kind": "toaster"}, "kind of device 'toaster'"),
    ):
        with pytest.raises(UsageError, match=says):
            AdaptSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a unit of ms, s, us"):
        adapt(ten, name="b", settings=AdaptSettings(unit="h"))


@pytest.mark.parametrize("step", ["keep_card", "write_models"])
def test_a_run_that_is_killed_leaves_the_board_as_it_was(ten: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    adapt(ten, name="b")
    vectors = CELLS.sample(20, seed=0)
    model = latency_model("b", space="nasbench201", dataset="cifar10")
    before = model.predict(vectors).mean

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        where = "hwnas.api.adapt.keep_card" if step == "keep_card" else "hwnas.api.board_fits.save_energy"
        patch.setattr(where, killed)
        with pytest.raises(KeyboardInterrupt):
            adapt(ten, name="b", settings=AdaptSettings(replace=True, power_w=3.0))
    again = latency_model("b", space="nasbench201", dataset="cifar10").predict(vectors).mean
    assert (again == before).all() and not list(models_folder().glob(".*"))
    assert adapt(ten, name="b", settings=AdaptSettings(replace=True, power_w=3.0)).energy.source == "given power"


def test_removal(ten: Path) -> None:
    adapt(ten, name="b")
    adapt(ten, name="c")
    path = remove_device("B")
    assert not path.exists() and "b" not in load_devices() and len(list(models_folder().iterdir())) == 1
    assert latency_model("c", space="nasbench201", dataset="cifar10").predict(CELLS.sample(1, seed=0)).mean > 0
    with pytest.raises(UsageError, match="'jetson-tx2', which comes with hwnas"):
        remove_device("tx2")
    with pytest.raises(UnknownNameError):
        remove_device("b")


def test_damaged_models_say_what_to_do(ten: Path) -> None:
    adapt(ten, name="b", settings=AdaptSettings(power_w=3.0))
    where = {"space": "nasbench201", "dataset": "cifar10"}
    (folder,) = models_folder().iterdir()
    energy = folder / "energy.json"
    energy.write_text(energy.read_text().replace('"power_w": 3.0', '"power_w": -3.0'))
    with pytest.raises(DataError, match=r"expected an energy model, .*adapt the device again"):
        energy_model("b", **where)
    (folder / "latency.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="adapt the device again from its measurements"):
        latency_model("b", **where)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(DataError, match="got nothing; adapt the device again"):
        latency_model("b", **where)
