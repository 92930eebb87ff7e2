"""`hwnas.adapt`: made-up boards, end to end, and everything that users give instead of measurements."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwnas
from hwnas import metrics
from hwnas.api.adapt import AdaptSettings, adapt
from hwnas.api.predict import predict
from hwnas.devices import get_device, load_devices
from hwnas.devices.user_devices import models_folder, remove_device
from hwnas.energy import energy_model
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.latency import latency_model
from hwnas.spaces import get_space

Board = Callable[..., np.ndarray]
CELLS = get_space("nasbench201")


def write(
    folder: Path, vectors: np.ndarray, latency: np.ndarray, energy: np.ndarray | None = None, *, name: str = "mine"
) -> Path:
    """A table of measurements."""
    space = CELLS if vectors.shape[1] == 6 else get_space("fbnet")
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["architecture", "latency_ms", "energy_mj"])
        joules = [""] * len(vectors) if energy is None else energy.tolist()
        writer.writerows(zip(space.strings(vectors), latency.tolist(), joules, strict=True))
    return path


@pytest.fixture
def ten(taught: Path, board: Board, tmp_path: Path) -> Path:
    """Ten nets of a made-up board, measured with 1 % of noise, no energy."""
    vectors = CELLS.sample(10, seed=3)
    noise = np.random.default_rng(0).lognormal(0, 0.01, 10)
    return write(tmp_path, vectors, board(CELLS, vectors) * noise)


def kit_results(vectors: np.ndarray, latency: np.ndarray, **changed: Any) -> dict[str, Any]:
    """Results as an agent writes them, three rounds without noise."""
    nets = [
        {
            "name": f"{i:03d}",
            "arch": arch,
            "role": "calibrate",
            "latency_ms": {"median": ms, "rounds": [ms, 0.98 * ms, 1.02 * ms]},
            "latency_reason": None,
            "energy_mj": None,
            "energy_reason": "no meter",
        }
        for i, (arch, ms) in enumerate(zip(CELLS.strings(vectors), latency.tolist(), strict=True))
    ]
    return {
        "kind": "hwnas-results",
        "schema_version": 1,
        "kit": {"space": "nasbench201", "dataset": "cifar10", "batch_size": 1},
        "device": {"cpu": "a made-up processor", "cores": 2, "governors": ["performance"]},
        "runtime": {"name": "onnxruntime", "version": "1.0", "threads": 2, "precision": "fp32"},
        "protocol": {"rounds": 3, "window_s": 0.5, "warmup_s": 0.5},
        "meter": {"name": None, "reason": "no meter"},
        "idle_power_w": None,
        "started": "2025-01-01T00:00:00Z",
        "round_levels": [1.0, 0.98, 1.02],
        "nets": nets,
        **changed,
    }


@pytest.mark.parametrize("name", ["nasbench201", "fbnet"])
def test_a_board_from_ten_measurements_is_known_afterwards(
    taught: Path, board: Board, tmp_path: Path, name: str
) -> None:
    """The models see ten noisy nets; judged by the board's true latencies of 500 others."""
    space = get_space(name)
    vectors, noise = space.sample(10, seed=4), np.random.default_rng(1).lognormal(0, 0.01, 10)
    path = write(tmp_path, vectors, board(space, vectors) * noise, 4.2 * board(space, vectors))
    answer = adapt(path, name="my-board", space=name, settings=AdaptSettings(batch_size=1))
    assert (answer.nets, answer.method, answer.known_devices, answer.replaced) == (10, "latent", 8, False)
    assert answer.left_out.nets == 10 and answer.left_out.median_error_percent < min(answer.baselines.values())
    assert answer.suspects == () and len(answer.next_nets) == 3
    assert not set(answer.next_nets) & set(space.strings(vectors))
    assert answer.energy.source == "measured" and answer.energy.power_w == pytest.approx(4.2, rel=0.02)
    assert answer.energy.public_devices == ("eyeriss", "fpga", "jetson-tx2")
    others = space.sample(500, seed=5)
    truth = board(space, others)
    where = {"space": name, "dataset": space.datasets[0]}
    latency = latency_model("my-board", **where).predict(others)
    assert metrics.spearman(truth, latency.mean) > 0.95 and metrics.mape(truth, latency.mean) < 8
    assert metrics.coverage(truth, latency.lower, latency.upper) > 75  # type: ignore[arg-type]
    energy = energy_model("my-board", **where).predict(others)
    assert np.allclose(energy.mean / latency.mean, answer.energy.power_w)
    assert latency.provenance.summary.startswith(
        f"predicted by a latent few-shot model, adapted from 10 measurements on {get_device('my-board').variant.adapted[0].date}"
    )
    assert "leave-one-out median error" in latency.provenance.summary and latency.provenance.error is not None
    assert str(answer.card) == str(taught / "devices" / "my-board.toml")


def test_every_command_knows_the_board(ten: Path) -> None:
    answer = hwnas.adapt(ten, name="my-board")
    assert answer.device == "my-board" and "my-board" in load_devices()
    front = hwnas.pareto("my-board", budget_ms=5, proxies=["zen"])
    assert front.device == "my-board" and "adapted from 10 measurements" in front.objectives[0].source
    nets = front.front("zen").nets
    assert nets and all(net.costs["latency_ms"].mean <= 5 for net in nets)  # type: ignore[operator]
    assert not front.objectives[0].measured
    assert set(predict(["7"], device="my-board").sources) == {"latency_ms"}
    with pytest.raises(UsageError, match="energy from latency needs a power"):
        predict(["7"], device="my-board", target="energy")
    with pytest.raises(UsageError, match="predicted from a few measurements; ask for source 'predicted' or 'auto'"):
        predict(["7"], device="my-board", source="measured")
    with pytest.raises(UsageError, match=r"known for my-board on cifar10 \(nasbench201\)"):
        predict(["7"], device="my-board", dataset="cifar100", target="latency")


def test_a_wrong_measurement_is_named(taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(12, seed=6)
    latency = board(CELLS, vectors)
    latency[4] *= 2.5
    (suspect,) = adapt(write(tmp_path, vectors, latency), name="b").suspects
    assert suspect.arch == CELLS.strings(vectors[4:5])[0] and suspect.measured_ms == pytest.approx(latency[4])
    assert suspect.expected_ms == pytest.approx(latency[4] / 2.5, rel=0.2) and 0.5 < suspect.probability <= 1


def test_checks_judge_and_do_not_teach(taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(30, seed=7)
    document = kit_results(vectors, board(CELLS, vectors))
    for net in document["nets"][10:]:
        net["role"] = "check"
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document))
    answer = adapt(path, name="b")
    assert answer.nets == 10 and answer.checked is not None and answer.checked.nets == 20
    predicted = latency_model("b", space="nasbench201", dataset="cifar10").predict(vectors[10:])
    truth = board(CELLS, vectors[10:])
    assert answer.checked.mape_percent == pytest.approx(100 * np.mean(np.abs(predicted.mean / truth - 1)))
    inside = (predicted.lower <= truth) & (truth <= predicted.upper)  # type: ignore[operator]
    assert answer.checked.coverage_percent == pytest.approx(100 * inside.mean())
    assert answer.repeat_error_percent == pytest.approx(100 * (0.02 + 0.02) / 3)
    card = get_device("b").card
    assert card.measurement.runtime.value == "onnxruntime 1.0, threads 2" and card.title == "a made-up processor"
    assert card.measurement.energy.value == "not measured: no meter" and card.kind == "not stated"
    assert {fact.name: fact.value for fact in card.facts}["governors"] == "performance"


def test_more_measurements_are_added(ten: Path, board: Board, tmp_path: Path) -> None:
    first = adapt(ten, name="b")
    more = CELLS.parse(first.next_nets)
    second = write(tmp_path, more, board(CELLS, more), name="more")
    with pytest.raises(UsageError, match="'b', which was adapted from 10 measurements on .*--replace .* --add"):
        adapt(second, name="b")
    again = adapt(second, name="b", settings=AdaptSettings(add=True))
    assert again.nets == 13 and again.replaced and again.width_percent < first.width_percent
    assert adapt([ten, second], name="c").left_out == again.left_out, "the same nets, in one go"
    assert len(list(models_folder().iterdir())) == 2, "what b was before is gone"
    alone = adapt(second, name="b", settings=AdaptSettings(replace=True))
    assert alone.nets == 3
    with pytest.raises(UsageError, match="a model of new on cifar10 .* to add to, got none"):
        adapt(second, name="new", settings=AdaptSettings(add=True))


def test_another_data_set_or_batch_size_is_added_to_the_card(ten: Path) -> None:
    adapt(ten, name="b", settings=AdaptSettings(batch_size=1, kind="edge-gpu", title="My board"))
    assert adapt(ten, name="b", dataset="cifar100").device == "b"
    assert adapt(ten, name="b", settings=AdaptSettings(batch_size=32)).device == "b@32"
    card = get_device("b").card
    assert [(v.name, len(v.adapted)) for v in card.variants] == [("1", 2), ("32", 1)]
    assert (card.kind, card.title) == ("edge-gpu", "My board")
    summary = latency_model("b@32", space="nasbench201", dataset="cifar10").predict(CELLS.sample(1, seed=0)).provenance
    assert summary.summary.endswith("of a batch of 32 images")


def test_energy_from_a_power_that_is_given(ten: Path, board: Board, tmp_path: Path) -> None:
    answer = adapt(ten, name="b", settings=AdaptSettings(power_w=5.0, power_error=0.2))
    assert answer.energy.source == "given power" and answer.energy.power_error_percent == pytest.approx(20)
    prediction = predict(["7"], device="b")
    latency, energy = (prediction.nets[0].costs[name] for name in ("latency_ms", "energy_mj"))
    assert energy.mean == pytest.approx(5 * latency.mean)  # type: ignore[operator]
    assert energy.upper / energy.mean > latency.upper / latency.mean  # type: ignore[operator]
    assert "a power that was given, 5 W (± 20 %) times the latency" in prediction.sources["energy_mj"]
    more = CELLS.parse(answer.next_nets)
    kept = adapt(write(tmp_path, more, board(CELLS, more), name="more"), name="b", settings=AdaptSettings(add=True))
    assert kept.energy.power_w == pytest.approx(5.0), "the power stays when measurements are added"
    energies = write(tmp_path, more, board(CELLS, more), 5 * board(CELLS, more), name="energies")
    with pytest.raises(UsageError, match="measured energies or a power, got both"):
        adapt(energies, name="c", settings=AdaptSettings(power_w=5.0))
    with pytest.raises(UsageError, match="a power above 0 W"):
        adapt(ten, name="c", settings=AdaptSettings(power_w=-1.0))


def test_an_energy_that_is_no_power_times_latency_gets_a_model_of_its_own(
    taught: Path, board: Board, tmp_path: Path
) -> None:
    """Energy of another made-up device, whose prices of operations have nothing to do with those of the latency."""
    vectors = CELLS.sample(20, seed=8)
    path = write(tmp_path, vectors, board(CELLS, vectors), board(CELLS, vectors, seed=321))
    answer = adapt(path, name="b")
    assert answer.energy.model == "a latent few-shot model of the energy" and answer.energy.power_w is None
    others = CELLS.sample(300, seed=9)
    predicted = energy_model("b", space="nasbench201", dataset="cifar10").predict(others)
    assert metrics.spearman(predicted.mean, board(CELLS, others, seed=321)) > 0.95


def test_two_energies_are_too_few(taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(6, seed=3)
    energy = np.array(["", "", "", "", 3.0, 4.0], dtype=object)
    answer = adapt(write(tmp_path, vectors, board(CELLS, vectors), energy), name="b")
    assert answer.energy.source == "not measured" and answer.energy.left_out is None
    assert answer.energy.reason == "energies of 2 nets, of which at least 3 are needed"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["1,2,", "2,3,"], "at least 3 measured nets, got 2"),
        (["1,2,", "2,2,", "3,2,"], "all 3 latencies are 2 ms"),
        (["1,2,", "2,-3,", "3,4,"], "row 3: expected a latency above 0, got -3"),
        (["1,2,", "2,,", "3,4,"], "row 3: expected a number, got nothing"),
        (["1,2,", "2,3,", "3,4,", "2,9,"], "row 3 and row 5 are the same architecture, 3 and 9"),
        (["1,2,", "resnet,3,", "3,4,"], "row 3: 'resnet' is not an architecture of nasbench201"),
        (["1,0.002,", "2,0.003,", "3,0.004,"], "is the unit s? say so by --unit s"),
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


def test_a_unit_that_is_said_is_believed(taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(10, seed=3)
    seconds = write(tmp_path, vectors, board(CELLS, vectors) / 1000)
    adapt(seconds, name="b", settings=AdaptSettings(unit="s"))
    predicted = latency_model("b", space="nasbench201", dataset="cifar10").predict(vectors).mean
    assert np.allclose(predicted, board(CELLS, vectors), rtol=0.2)
    adapt(seconds, name="c", settings=AdaptSettings(unit="ms"))
    assert latency_model("c", space="nasbench201", dataset="cifar10").predict(vectors).mean.max() < 0.1


def test_kits_that_do_not_fit(taught: Path, board: Board, tmp_path: Path) -> None:
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
    with pytest.raises(UsageError, match="one board in one way, got runtime 'onnxruntime 1.0, threads 2'"):
        adapt([path, other], name="b")
    adapt(path, name="b")
    with pytest.raises(UsageError, match=r"by 'onnxruntime 1\.0, threads 2', as its card says, got 'trtexec 10'"):
        adapt(other, name="b", settings=AdaptSettings(replace=True))
    other.write_text(json.dumps(kit_results(vectors, 3 * latency)))
    with pytest.raises(UsageError, match="expected about the same latency of .* remove the wrong one"):
        adapt([path, other], name="c")
    with pytest.raises(DataError, match="expected a few-shot model of pit, found none"):
        adapt(write_pit(tmp_path), name="c", space="pit")


def write_pit(folder: Path) -> Path:
    """Three nets of a space of which nothing was learned."""
    space = get_space("pit")
    path = folder / "pit.csv"
    with path.open("w", newline="") as file:
        rows = zip(space.strings(space.sample(3, seed=0)), [2.0, 3.0, 4.0], strict=True)
        csv.writer(file).writerows([("architecture", "latency_ms"), *rows])
    return path


def test_half_a_run_is_used_and_says_so(taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(6, seed=3)
    document = kit_results(vectors, board(CELLS, vectors))
    document["nets"][0]["latency_ms"]["rounds"] = document["nets"][0]["latency_ms"]["rounds"][:1]
    document["nets"][1] |= {"latency_ms": None, "latency_reason": "not measured yet"}
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document))
    answer = adapt(path, name="b")
    assert answer.nets == 5 and answer.notes[0] == "not measured: 001: not measured yet"
    assert "1 of 5 nets have fewer than 3 rounds" in answer.notes[1]


@pytest.mark.parametrize("name", ["raspi4", "edgegpu", "My Board", "../evil", ""])
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
def test_a_run_that_is_killed_leaves_the_board_as_it_was(
    ten: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
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
    with pytest.raises(DataError, match="expected an energy model, .*adapt the device again"):
        energy_model("b", **where)
    (folder / "latency.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="adapt the device again from its measurements"):
        latency_model("b", **where)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(DataError, match="got nothing; adapt the device again"):
        latency_model("b", **where)


def test_a_measured_table_comes_before_an_adapted_model(
    measured: Path, taught: Path, ten: Path, pulled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hwnas.devices import write_card
    from hwnas.devices.user_devices import user_cards

    adapt(ten, name="b", settings=AdaptSettings(batch_size=1))
    card = get_device("b").card
    column = get_device("raspi4").column(space="nasbench201", dataset="cifar10", target="latency")
    assert column is not None
    both = replace(card, variants=(replace(card.variants[0], columns=(column,)),))
    write_card(both, user_cards() / "b.toml")
    sources = {
        source: latency_model("b", space="nasbench201", dataset="cifar10", source=source).predict(CELLS.sample(2, seed=0))  # type: ignore[arg-type]
        for source in ("auto", "predicted")
    }
    assert sources["auto"].provenance.kind == "measured" and sources["predicted"].provenance.kind == "predicted"
