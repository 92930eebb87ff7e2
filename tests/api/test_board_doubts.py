"""Models that are no basis for a choice are in doubt; what is known of rounds and of a busy machine stays known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.api.adapt import AdaptSettings, adapt
from hwnas.api.adapt_forms import AdaptResult, Figures
from hwnas.api.board_doubts import baseline_notes, doubts
from hwnas.cli.render_adapt import print_adapted
from hwnas.devices import get_device
from hwnas.errors import UsageError
from hwnas.latency.boards import model_path
from hwnas.latency.measurements import read_measurements
from hwnas.spaces import get_space

Board = Callable[..., np.ndarray]
Write = Callable[..., Path]
Results = Callable[..., dict[str, Any]]
CELLS = get_space("nasbench201")


def printed(answer: AdaptResult, capsys: pytest.CaptureFixture[str]) -> str:
    print_adapted(answer, as_json=False)
    return " ".join(capsys.readouterr().out.split())


def test_a_model_that_orders_by_chance_is_in_doubt(
    kit_results: Results, taught: Path, board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Something beside the networks was timed: 0.5 ms whatever runs, its rounds as far apart as its nets."""
    vectors, path = CELLS.sample(10, seed=3), tmp_path / "results.json"
    path.write_text(json.dumps(kit_results(vectors, 0.5 * np.random.default_rng(4).lognormal(0, 0.02, 10))))
    bad = adapt(path, name="bad", settings=AdaptSettings(method="alone", unit="ms"))
    assert len(bad.doubts) == 2 and set(bad.doubts) <= set(bad.notes)
    assert "leaving one out" in bad.doubts[0] and "no better than chance" in bad.doubts[0]
    assert "latencies hardly differ between networks" in bad.doubts[1]
    said = printed(bad, capsys)
    assert f"DOUBT: {bad.doubts[0]}" in said and "no single measurement looks wrong" in said
    path.write_text(json.dumps(kit_results(vectors, board(CELLS, vectors))))
    good = adapt(path, name="good")
    assert good.doubts == () and "no measurement looks wrong" in printed(good, capsys)


def test_checks_tell_of_the_order_before_leaving_one_out_does(
    kit_results: Results, taught: Path, board: Board, tmp_path: Path
) -> None:
    vectors, path = CELLS.sample(30, seed=7), tmp_path / "results.json"
    latency = board(CELLS, vectors)
    latency[10:] = latency[10:].max() + latency[10:].min() - latency[10:]  # the checks in reverse order
    document = kit_results(vectors, latency)
    for net in document["nets"][10:]:
        net["role"] = "check"
    path.write_text(json.dumps(document))
    answer = adapt(path, name="b")
    assert answer.left_out.spearman is not None and answer.left_out.spearman > 0.7
    assert any("of the nets measured as checks is -" in doubt for doubt in answer.doubts)


def test_a_baseline_that_is_better_is_said() -> None:
    model = Figures(
        nets=15, spearman=0.9, median_error_percent=6.5, mape_percent=7.0, within_10_percent=80.0, coverage_percent=90.0
    )
    (note,) = baseline_notes("alone", model, {"flops": 9.0, "ridge": 5.0})
    assert note.startswith("the baseline 'ridge' predicts left-out nets better than the model") and "5.0 %" in note
    assert "compare `--method alone`" in baseline_notes("latent", model, {"flops": 2.0})[0]
    assert baseline_notes("alone", model, {"flops": 9.0, "ridge": 5.6}) == ()


def test_repeat_errors_stay_with_what_was_measured_before(
    kit_results: Results, write: Write, taught: Path, board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors, path = CELLS.sample(10, seed=4), tmp_path / "results.json"
    latency = board(CELLS, vectors)
    path.write_text(json.dumps(kit_results(vectors[:6], latency[:6])))
    first = adapt(path, name="b")
    assert (first.repeat_error_percent, first.repeat_error_nets) == (pytest.approx(100 * 0.04 / 3), 6)
    assert "repeat error of the measurements: 1.3 %; no model gets below it" in printed(first, capsys)
    table = write(tmp_path, vectors[6:], latency[6:])
    more = adapt(table, name="b", settings=AdaptSettings(add=True))
    assert (more.nets, more.repeat_error_nets) == (10, 6)
    assert more.repeat_error_percent == pytest.approx(first.repeat_error_percent)
    assert "repeat error of the measurements: 1.3 %, of the 6 of 10 nets with several rounds" in printed(more, capsys)
    folder = model_path(known("b"))
    lines = [line.rsplit(",", 1)[0] for line in (folder / "measurements.csv").read_text().splitlines()]
    assert lines[0].endswith(",role")
    (folder / "measurements.csv").write_text("\n".join(lines) + "\n")  # as models of before were kept
    older = adapt(table, name="b", settings=AdaptSettings(add=True))
    assert (older.nets, older.repeat_error_percent, older.repeat_error_nets) == (10, None, 0)


def known(name: str) -> Any:
    return get_device(name).adapted(space="nasbench201", dataset="cifar10", target="latency")


def test_a_busy_machine_is_not_forgotten(
    kit_results: Results, write: Write, taught: Path, board: Board, tmp_path: Path
) -> None:
    vectors, path = CELLS.sample(8, seed=4), tmp_path / "results.json"
    latency = board(CELLS, vectors)
    path.write_text(json.dumps(kit_results(vectors[:6], latency[:6], round_levels=[1.0, 1.2, 1.0])))
    drift = "the device drifted: its rounds took 1.00, 1.20, 1.00 times the usual"
    assert drift in adapt(path, name="b").notes
    for number in (6, 7):
        table = write(tmp_path, vectors[[number]], latency[[number]], name=f"more{number}")
        notes = adapt(table, name="b", settings=AdaptSettings(add=True)).notes
        assert notes.count(f"earlier measurements: {drift}") == 1 and drift not in notes
    fresh = write(tmp_path, vectors, latency, name="fresh")
    assert not any("drifted" in note for note in adapt(fresh, name="b", settings=AdaptSettings(replace=True)).notes)


def test_this_machine_keeps_its_name(ten: Path) -> None:
    with pytest.raises(UsageError, match="got 'this-host', which is this machine by its kernel model; give it another"):
        adapt(ten, name="this-host")


def test_what_was_measured_as_checks_tells_of_errors_first(tmp_path: Path) -> None:
    """Leaving one out may look good where the measured networks are like each other and the others are not."""
    good, bad = (
        Figures(
            nets=nets,
            spearman=0.95,
            median_error_percent=error,
            mape_percent=error,
            within_10_percent=0.0,
            coverage_percent=None,
        )
        for nets, error in ((10, 5.0), (20, 38.6))
    )
    table = tmp_path / "mine.csv"
    nets = CELLS.strings(CELLS.sample(3, seed=0))
    table.write_text(
        "\n".join(["architecture,latency_ms", *(f"{net},{ms}" for net, ms in zip(nets, (1, 2, 4), strict=True))])
    )
    measured = read_measurements(table, space="nasbench201", dataset="cifar10")
    assert [said for said in doubts(measured, good, bad) if "39 % of the nets measured as checks is no basis" in said]
    assert not [said for said in doubts(measured, bad, good) if "no basis" in said]
