"""`hwnas.adapt`: made-up boards, end to end, and everything that users give instead of measurements."""

from __future__ import annotations

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
from hwnas.devices import get_device, load_devices, user_cards, write_card
from hwnas.devices.user_devices import models_folder
from hwnas.energy import energy_model
from hwnas.errors import UsageError
from hwnas.estimates import CostModel, Estimate
from hwnas.latency import latency_model
from hwnas.latency.fewshot import AdaptedModel
from hwnas.latency.methods import METHODS, Method
from hwnas.spaces import get_space

Board = Callable[..., np.ndarray]
Write = Callable[..., Path]
Results = Callable[..., dict[str, Any]]
CELLS = get_space("nasbench201")


@pytest.mark.parametrize("name", ["nasbench201", "fbnet"])
def test_a_board_from_ten_measurements_is_known_afterwards(
    write: Write, taught: Path, board: Board, tmp_path: Path, name: str
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
    assert metrics.spearman(truth, latency.mean) > 0.9 and metrics.mape(truth, latency.mean) < 8
    assert metrics.coverage(truth, latency.lower, latency.upper) > 75  # type: ignore[arg-type]
    energy = energy_model("my-board", **where).predict(others)
    assert np.allclose(energy.mean / latency.mean, answer.energy.power_w)
    made = f"adapted from 10 measurements on {get_device('my-board').variant.adapted[0].date}"
    assert latency.provenance.summary.startswith(f"predicted by a latent few-shot model, {made}")
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


def test_a_wrong_measurement_is_named(write: Write, taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(12, seed=6)
    latency = board(CELLS, vectors)
    latency[4] *= 2.5
    (suspect,) = adapt(write(tmp_path, vectors, latency), name="b").suspects
    assert suspect.arch == CELLS.strings(vectors[4:5])[0] and suspect.measured_ms == pytest.approx(latency[4])
    assert suspect.expected_ms == pytest.approx(latency[4] / 2.5, rel=0.2) and 0.5 < suspect.probability <= 1


def test_useless_measurements_are_said(write: Write, taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(10, seed=4)
    latency = board(CELLS, vectors)
    noise = np.random.default_rng(1).lognormal(0, 2, 10)
    good = adapt(write(tmp_path, vectors, latency, name="good"), name="good")
    bad = adapt(write(tmp_path, vectors, latency * noise, name="bad"), name="bad")
    assert not any("no basis" in note for note in good.notes)
    assert bad.left_out.median_error_percent > 30 and "is no basis for choosing networks" in bad.doubts[0]
    assert "Spearman leaving one out is" in bad.doubts[1] and set(bad.doubts) <= set(bad.notes) and not good.doubts


def test_checks_judge_and_do_not_teach(kit_results: Results, taught: Path, board: Board, tmp_path: Path) -> None:
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


def test_more_measurements_are_added(write: Write, ten: Path, board: Board, tmp_path: Path) -> None:
    first = adapt(ten, name="b")
    more = CELLS.parse(first.next_nets)
    second = write(tmp_path, more, board(CELLS, more), name="more")
    with pytest.raises(UsageError, match=r"'b', which was adapted from 10 measurements on .*--replace .* --add"):
        adapt(second, name="b")
    again = adapt(second, name="b", settings=AdaptSettings(add=True))
    assert again.nets == 13 and again.replaced and again.width_percent < first.width_percent
    assert adapt([ten, second], name="c").left_out == again.left_out, "the same nets, in one go"
    assert len(list(models_folder().iterdir())) == 2, "what b was before is gone"
    alone = adapt(second, name="b", settings=AdaptSettings(replace=True))
    assert alone.nets == 3
    with pytest.raises(UsageError, match=r"a model of new on cifar10 .* to add to, got none"):
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


def test_energy_from_a_power_that_is_given(write: Write, ten: Path, board: Board, tmp_path: Path) -> None:
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
    write: Write, taught: Path, board: Board, tmp_path: Path
) -> None:
    """Energy of another made-up device, whose prices of operations have nothing to do with those of the latency."""
    vectors = CELLS.sample(20, seed=8)
    path = write(tmp_path, vectors, board(CELLS, vectors), board(CELLS, vectors, seed=321))
    answer = adapt(path, name="b")
    assert answer.energy.model == "a latent few-shot model of the energy" and answer.energy.power_w is None
    others = CELLS.sample(300, seed=9)
    predicted = energy_model("b", space="nasbench201", dataset="cifar10").predict(others)
    assert metrics.spearman(predicted.mean, board(CELLS, others, seed=321)) > 0.95


@pytest.mark.parametrize("method", ["latent", "alone"])
def test_an_energy_with_an_odd_power_is_named_and_left_out(
    write: Write, taught: Path, board: Board, tmp_path: Path, method: str
) -> None:
    vectors, settings = CELLS.sample(10, seed=3), AdaptSettings(method=method)
    energy = 4.0 * board(CELLS, vectors)
    energy[6] *= 8
    found = adapt(write(tmp_path, vectors, board(CELLS, vectors), energy), name="odd", settings=settings).energy
    (one,) = found.suspects
    assert (one.arch, one.energy_mj) == (CELLS.strings(vectors)[6], pytest.approx(energy[6], rel=1e-4))
    assert one.power_w == pytest.approx(32, rel=1e-3) and one.expected_w == pytest.approx(4, rel=1e-3)
    assert found.nets == 9 and found.power_w == pytest.approx(4, rel=1e-3) and found.power_error_percent < 1
    energy[[1, 2, 3]] *= [3, 0.2, 5]
    spread = adapt(write(tmp_path, vectors, board(CELLS, vectors), energy), name="spread", settings=settings).energy
    assert spread.suspects == () and spread.nets == 10, "where power differs everywhere nothing is odd"


def test_two_energies_are_too_few(write: Write, taught: Path, board: Board, tmp_path: Path) -> None:
    vectors = CELLS.sample(6, seed=3)
    energy = np.array(["", "", "", "", 3.0, 4.0], dtype=object)
    answer = adapt(write(tmp_path, vectors, board(CELLS, vectors), energy), name="b")
    assert answer.energy.source == "not measured" and answer.energy.left_out is None
    assert answer.energy.reason == "energies of 2 nets, of which at least 3 are needed"


@pytest.mark.data
def test_a_measured_table_comes_before_an_adapted_model(measured: Path, ten: Path) -> None:
    adapt(ten, name="b", settings=AdaptSettings(batch_size=1))
    card = get_device("b").card
    column = get_device("raspi4").column(space="nasbench201", dataset="cifar10", target="latency")
    assert column is not None
    both = replace(card, variants=(replace(card.variants[0], columns=(column,)),))
    write_card(both, user_cards() / "b.toml")
    where, some = {"space": "nasbench201", "dataset": "cifar10"}, CELLS.sample(2, seed=0)
    assert latency_model("b", **where).predict(some).provenance.kind == "measured"
    assert latency_model("b", **where, source="predicted").predict(some).provenance.kind == "predicted"


def test_another_method_is_one_entry(
    write: Write, taught: Path, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A method that is no few-shot model: it has the same answers, and its own files."""

    class Line(CostModel):
        """Latency as a line in the MACs; of other answers those of the latent model."""

        target = "latency"

        def __init__(self, latent: AdaptedModel) -> None:
            self.latent, self.model = latent, latent.model
            self.space, self.device = latent.space, latent.device
            known = latent.observations
            self.line = np.polyfit(CELLS.counts(known.vectors, dataset="cifar10")["macs"], known.costs, 1)

        def left_out(self) -> Any:
            return self.latent.left_out()

        def leave_one_out(self) -> Any:
            return self.latent.leave_one_out()

        def suspect(self) -> Any:
            return self.latent.suspect()

        def next_nets(self, k: int = 3, *, seed: int = 0) -> np.ndarray:
            return self.latent.next_nets(k, seed=seed)

        def predict(self, architectures: np.ndarray, *, confidence: float = 0.9) -> Estimate:
            mean = np.polyval(self.line, CELLS.counts(architectures, dataset="cifar10")["macs"])
            return replace(self.latent.predict(architectures, confidence=confidence), mean=mean)

    method = Method(
        title="a line",
        adapt=lambda *arguments, **options: Line(METHODS["latent"].adapt(*arguments, **options)),
        save=lambda folder, model: METHODS["latent"].save(folder, model.latent),
        load=lambda folder: Line(METHODS["latent"].load(folder)),
    )
    monkeypatch.setattr("hwnas.latency.methods.METHODS", {**METHODS, "line": method})
    vectors = CELLS.sample(12, seed=3)
    path = write(tmp_path, vectors, board(CELLS, vectors), 3 * board(CELLS, vectors))
    answer = adapt(path, name="b", settings=AdaptSettings(method="line"))
    assert answer.method == "line" and answer.energy.power_w == pytest.approx(3.0)
    where, macs = {"space": "nasbench201", "dataset": "cifar10"}, CELLS.counts(vectors, dataset="cifar10")["macs"]
    estimate = latency_model("b", **where).predict(vectors)
    assert np.allclose(estimate.mean, np.polyval(np.polyfit(macs, board(CELLS, vectors), 1), macs))
    assert estimate.provenance.summary.startswith("predicted by a line, adapted from 12 measurements on ")
    assert np.allclose(energy_model("b", **where).predict(vectors).mean, 3 * estimate.mean)
    assert adapt(path, name="b", settings=AdaptSettings(add=True)).method == "line", "a device keeps its method"


def test_one_more_measurement_is_enough_to_add(write: Write, ten: Path, board: Board, tmp_path: Path) -> None:
    first = adapt(ten, name="b")
    net = CELLS.parse(first.next_nets[:1])
    one = write(tmp_path, net, board(CELLS, net), name="one")
    assert adapt(one, name="b", settings=AdaptSettings(add=True)).nets == 11
    assert adapt([ten, one], name="c").nets == 11
    with pytest.raises(UsageError, match="at least 3 nets to make a model of, got 1"):
        adapt([one, one], name="d")


def test_a_card_states_how_the_measurements_that_replace_all_were_made(
    kit_results: Results, ten: Path, board: Board, tmp_path: Path
) -> None:
    vectors = CELLS.sample(6, seed=3)
    path = tmp_path / "results.json"
    adapt(ten, name="b", settings=AdaptSettings(batch_size=1))
    assert get_device("b").card.measurement.runtime.value == "not stated"
    path.write_text(json.dumps(kit_results(vectors, board(CELLS, vectors))))
    adapt(path, name="b", settings=AdaptSettings(replace=True))
    card = get_device("b").card
    assert card.measurement.runtime.value == "onnxruntime 1.0, threads 2" and card.title == "a made-up processor"
    assert card.measurement.latency.value.startswith("median over 3 rounds")
    adapt(ten, name="b", dataset="cifar100")
    longer = {"rounds": 9, "window_s": 0.5, "warmup_s": 0.5}
    path.write_text(json.dumps(kit_results(vectors, board(CELLS, vectors), protocol=longer)))
    adapt(path, name="b", settings=AdaptSettings(replace=True))
    assert get_device("b").card.measurement.latency.value.startswith("median over 3 rounds"), "others rest on it"


def test_what_to_measure_next_is_measured_in_the_same_way(
    kit_results: Results, taught: Path, board: Board, tmp_path: Path
) -> None:
    vectors = CELLS.sample(6, seed=3)
    path = tmp_path / "results.json"
    trtexec = {"name": "trtexec", "version": "10", "arguments": ["--fp16"], "precision": "fp16"}
    for name, runtime, says in (
        ("a", {"name": "onnxruntime", "version": "1", "threads": 2}, "hwnas measure more-6 --threads 2"),
        ("b", {"name": "torch", "version": "2", "threads": "default"}, "hwnas measure more-6 --runtime torch"),
        ("c", trtexec, "python3 more-6/agent.py --runtime trtexec --tool-args=--fp16"),
    ):
        path.write_text(json.dumps(kit_results(vectors, board(CELLS, vectors), runtime=runtime)))
        plan, measure, add = adapt(path, name=name).next_commands
        assert plan.startswith("hwnas plan --out more-6 ") and measure == says
        assert add == f"hwnas adapt more-6/results.json --name {name} --add"


def test_measurements_that_make_the_model_worse_are_said(
    kit_results: Results, write: Write, ten: Path, board: Board, tmp_path: Path
) -> None:
    """Judged by nets that were measured as checks; those that join took seven times as long as on an idle machine."""
    checks, more = CELLS.sample(8, seed=11), CELLS.sample(5, seed=12)
    path = tmp_path / "checks.json"
    path.write_text(json.dumps(kit_results(checks, board(CELLS, checks), role="check")))
    for name, slower in (("good", 1.0), ("bad", 7.0)):
        adapt(ten, name=name, settings=AdaptSettings(batch_size=1))
        before = adapt(path, name=name, settings=AdaptSettings(add=True)).checked
        joins = write(tmp_path, more, slower * board(CELLS, more), name=name)
        after = adapt(joins, name=name, settings=AdaptSettings(add=True))
        assert before is not None and after.checked is not None
        errors = [f"{found.median_error_percent:.0f} %" for found in (before, after.checked)]
        said = f"became WORSE: its median error on 8 nets measured as checks was {errors[0]}, now it is {errors[1]}"
        assert (said in after.notes[0] if after.notes else False) == (name == "bad")


def test_measurements_on_a_busy_machine_are_said(
    kit_results: Results, taught: Path, board: Board, tmp_path: Path
) -> None:
    vectors, path = CELLS.sample(6, seed=3), tmp_path / "results.json"
    document = kit_results(vectors, board(CELLS, vectors))
    for name, load, said in (("a", 6.9, True), ("b", 0.3, False), ("c", None, False)):
        record = {"round": 0, "at": "2025-01-01T00:00:00Z", "conditions": {"load_1min": load}}
        for net in document["nets"]:
            net["rounds"] = [record]
        path.write_text(json.dumps(document))
        notes = adapt(path, name=name).notes
        assert any("the machine was BUSY (load 6.9 on 2 cores" in note for note in notes) == said
