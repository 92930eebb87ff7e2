"""`hwnas.adapt` with tables whose energies are in another unit, and with those that it has had already."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.api.adapt import AdaptSettings, adapt
from hwnas.errors import DataError, UsageError
from hwnas.spaces import get_space

Board = Callable[..., np.ndarray]
Write = Callable[..., Path]
Results = Callable[..., dict[str, Any]]
CELLS = get_space("nasbench201")


def test_energies_in_joules_are_asked_about(write: Write, taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(10, seed=3)
    latency = board(CELLS, vectors)
    assert adapt(write(tmp_path, vectors, latency, latency * 5.0), name="b").energy.power_w == pytest.approx(5.0)
    joules = write(tmp_path, vectors, latency, latency * 0.005)
    with pytest.raises(
        UsageError, match=r"got a power of 0\.005 W; is the unit J\? name the column energy_j, or say by"
    ):
        adapt(joules, name="c")
    named = write(tmp_path, vectors, latency, latency * 0.005, name="named", columns=("latency_ms", "energy_j"))
    for unit, path, power_w in (("J", named, 5.0), ("mJ", joules, 0.005)):
        answer = adapt(path, name=f"p{unit.lower()}", settings=AdaptSettings(energy_unit=unit))
        assert answer.energy.power_w == pytest.approx(power_w)
    more = adapt(joules, name="pmj", settings=AdaptSettings(add=True, energy_unit="mJ"))
    assert more.energy.power_w == pytest.approx(0.005), "what was believed once stays so"
    with pytest.raises(UsageError, match=r"a power of 5e\+03 W; is the unit uJ"):
        adapt(write(tmp_path, vectors, latency, latency * 5000), name="c")
    with pytest.raises(UsageError, match="a unit of energy of mJ, J, uJ, got 'Wh'"):
        adapt(joules, name="c", settings=AdaptSettings(energy_unit="Wh"))


def test_the_same_measurements_again_are_no_repeats(
    kit_results: Results, write: Write, ten: Path, board: Board, tmp_path: Path
) -> None:
    first = adapt(ten, name="b")
    again = adapt(ten, name="b", settings=AdaptSettings(add=True))
    assert (again.nets, again.repeat_error_percent) == (first.nets, None)
    assert "nets with the very same latency as was there already, which count once: 10" in again.notes
    vectors, path = CELLS.sample(6, seed=4), tmp_path / "results.json"
    path.write_text(json.dumps(kit_results(vectors, board(CELLS, vectors))))
    kit = adapt(path, name="k")
    assert adapt(path, name="k", settings=AdaptSettings(add=True)).repeat_error_percent == kit.repeat_error_percent
    other = write(tmp_path, vectors, 1.1 * board(CELLS, vectors), name="other")
    assert not any("count once" in note for note in adapt(other, name="k", settings=AdaptSettings(add=True)).notes)


def test_repeats_that_were_added_once_are_not_added_again(
    kit_results: Results, write: Write, ten: Path, board: Board, tmp_path: Path
) -> None:
    """What the device rests on then has rounds of both, and so another median than either file."""
    vectors = CELLS.sample(10, seed=3)
    other = write(tmp_path, vectors, 1.1 * board(CELLS, vectors), 5.5 * board(CELLS, vectors), name="other")
    adapt(ten, name="b")
    added = adapt(other, name="b", settings=AdaptSettings(add=True))
    again = adapt(other, name="b", settings=AdaptSettings(add=True))
    assert (again.left_out, again.repeat_error_percent) == (added.left_out, added.repeat_error_percent)
    assert again.energy == added.energy
    assert "nets with the very same latency as was there already, which count once: 10" in again.notes
    path, document = tmp_path / "results.json", kit_results(vectors, board(CELLS, vectors))
    path.write_text(json.dumps(document))
    kit = adapt(path, name="k")
    for net in document["nets"]:  # the same results after more rounds
        net["latency_ms"]["rounds"] += [net["latency_ms"]["median"] * factor for factor in (0.98, 0.98)]
        net["latency_ms"]["median"] *= 0.98
    path.write_text(json.dumps(document))
    longer = adapt(path, name="k", settings=AdaptSettings(add=True))
    assert kit.repeat_error_percent != longer.repeat_error_percent == adapt(path, name="n").repeat_error_percent


def test_two_kits_beside_a_table_must_belong_together(
    kit_results: Results, ten: Path, board: Board, tmp_path: Path
) -> None:
    vectors = CELLS.sample(6, seed=4)
    path, other = tmp_path / "results.json", tmp_path / "other.json"
    path.write_text(json.dumps(kit_results(vectors[:3], board(CELLS, vectors[:3]))))
    kit = {"space": "nasbench201", "dataset": "cifar10", "batch_size": 32}
    other.write_text(json.dumps(kit_results(vectors[3:], 9 * board(CELLS, vectors[3:]), kit=kit)))
    with pytest.raises(UsageError, match=r"expected one batch size, got 1 in .*results\.json, 32 in .*other\.json"):
        adapt([ten, path, other], name="b")
    other.write_text(json.dumps(kit_results(vectors[3:], board(CELLS, vectors[3:]), device={"cpu": "another"})))
    with pytest.raises(UsageError, match=r"one board in one way, got cpu 'a made-up processor' in .*results\.json"):
        adapt([ten, path, other], name="b")


def test_measured_energies_take_the_place_of_a_power_that_was_given(
    write: Write, ten: Path, board: Board, tmp_path: Path
) -> None:
    adapt(ten, name="b", settings=AdaptSettings(power_w=5.0))
    vectors = CELLS.sample(4, seed=5)
    path = write(tmp_path, vectors, board(CELLS, vectors), 3 * board(CELLS, vectors), name="energies")
    energy = adapt(path, name="b", settings=AdaptSettings(add=True)).energy
    assert (energy.source, energy.nets, energy.power_w) == ("measured", 4, pytest.approx(3.0))


def test_tflite_files_are_planned_and_measured_again_as_they_were(
    kit_results: Results, taught: Path, board: Board, tmp_path: Path
) -> None:
    vectors, path = CELLS.sample(6, seed=3), tmp_path / "results.json"
    phone = {"name": "tflite", "version": "1", "threads": 4, "cores": "f0", "precision": "float32 files"}
    litert = {"name": "litert", "version": "2", "threads": "default", "precision": "int8 files"}
    coral = {**litert, "delegate": "libedgetpu.so.1"}
    agent = "python3 more-6/agent.py --runtime"
    for name, runtime, system, plans, measures in (
        ("a", phone, "Android 14", " --format tflite", f"{agent} tflite --threads 4 --adb --cores f0"),
        ("b", litert, "Debian", " --format tflite --precision int8", "hwnas measure more-6 --runtime litert"),
        ("c", coral, "Debian", " --precision int8", f"{agent} litert --delegate libedgetpu.so.1"),
    ):
        device = {"cpu": "a made-up processor", "os": system}
        path.write_text(json.dumps(kit_results(vectors, board(CELLS, vectors), runtime=runtime, device=device)))
        plan, measure, _ = adapt(path, name=name).next_commands
        assert f"{plans} --arch " in plan and measure == measures


def test_a_truncated_card_is_replaced(ten: Path) -> None:
    path = Path(adapt(ten, name="b").card)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for settings in (AdaptSettings(), AdaptSettings(add=True)):
        with pytest.raises(DataError, match=r"b\.toml: expected a TOML file.*--replace puts a new card"):
            adapt(ten, name="b", settings=settings)
    adapt(ten, name="b", settings=AdaptSettings(replace=True))
    assert path.read_bytes() == whole
