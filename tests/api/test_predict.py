"""`predict` and `hwnas predict`: costs of named architectures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.api.given import architecture_strings
from hwnas.api.predict import predict, read_architectures
from hwnas.cli import main
from hwnas.cli.render_predict import print_prediction
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.spaces import get_space

FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_the_first_net_of_the_benchmark_has_its_published_costs() -> None:
    answer = predict([FIRST, "(4, 3, 3, 0, 0, 0)"], device="edgegpu")
    for net in answer.nets:
        assert net.arch == FIRST
        assert net.costs["latency_ms"].mean == pytest.approx(5.807418537139893)
        assert net.costs["energy_mj"].mean == pytest.approx(24.226614330768584)
        assert net.costs["energy_mj"].lower is None
    assert "measured" in answer.sources["energy_mj"]


def test_one_string_is_no_list_of_architectures() -> None:
    """Its characters would be four networks."""
    with pytest.raises(UsageError, match=r"expected a list of architectures, got '1462'"):
        predict("1462", device="tx2")


@pytest.mark.usefixtures("shipped")
def test_indices_and_tuples_are_taken_as_they_are() -> None:
    given = [1462, np.int64(3), (4, 3, 3, 0, 0, 0)]
    assert predict(given, device="tx2") == predict(["1462", "3", "(4, 3, 3, 0, 0, 0)"], device="tx2")


@pytest.mark.usefixtures("shipped")
def test_a_result_shows_itself_as_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    result = predict([1462, 3], device="tx2")
    print_prediction(result, as_json=False)
    printed, said = capsys.readouterr().out, str(result)
    assert [line.split() for line in printed.splitlines()] == [line.split() for line in said.splitlines()]
    assert repr(result) == said and "PredictResult(" not in said
    page = result._repr_html_()
    assert page.startswith('<div class="hwnas-predict"><table>') and "energy (mJ)" in page and page.count("<tr>") == 3


@pytest.mark.parametrize("alone", [1462, (4, 3, 3, 0, 0, 0)])
def test_one_architecture_alone_is_no_list(alone: object) -> None:
    """The codes of a tuple would be six networks."""
    with pytest.raises(UsageError, match=r"expected a list of architectures, got .*; write \[.*\] for one"):
        architecture_strings(alone)


def test_vectors_are_no_tuples() -> None:
    """Their positions are in another order than the codes of a tuple."""
    with pytest.raises(UsageError, match="got a ndarray"):
        architecture_strings(np.array([[1, 0, 2, 0, 3, 4]]))


@pytest.mark.usefixtures("shipped")
def test_predictions_have_intervals_that_grow_with_confidence() -> None:
    wide, narrow = (predict(["1462"], device="tx2", confidence=level).nets[0].costs for level in (0.9, 0.5))
    assert set(wide) == {"energy_mj", "latency_ms"}
    for name, cost in wide.items():
        assert cost.mean is not None and cost.lower is not None and cost.upper is not None
        assert cost.lower < cost.mean < cost.upper
        assert narrow[name].lower > cost.lower and narrow[name].upper < cost.upper  # type: ignore[operator]
    only = predict(["1462"], device="tx2", target="energy")
    assert set(only.sources) == {"energy_mj"}


@pytest.mark.usefixtures("shipped")
def test_wrong_use() -> None:
    with pytest.raises(UsageError, match="at least one architecture"):
        predict([], device="tx2")
    with pytest.raises(UnknownNameError, match="did you mean"):
        predict(["0"], device="jetson-tx3")
    with pytest.raises(UsageError, match="has no energy measurements"):
        predict(["0"], device="raspi4", target="energy")
    with pytest.raises(UsageError, match="indices 0 to 15624"):
        predict(["15625"], device="tx2")
    with pytest.raises(UsageError, match="confidence"):
        predict(["0"], device="tx2", confidence=0.999)


def test_costs_kernel_by_kernel_are_not_called_measured() -> None:
    """Some networks of PiT have kernels without a model: their costs are not known, and those of none are measured."""
    space = get_space("pit")
    found = predict(space.strings(space.sample(6, seed=0)), device="gtx-1080-ti", space="pit")
    assert "kernel by kernel" in found.sources["latency_ms"]
    assert not any("measured, so all are predicted" in note for note in found.notes)


def test_a_file_of_architectures(tmp_path: Path) -> None:
    path = tmp_path / "nets.txt"
    path.write_text(f"# two nets\n{FIRST}\n\n  1462 \n  # the last\n")
    assert read_architectures(path) == [FIRST, "1462"]
    with pytest.raises(DataError, match="one architecture per line"):
        read_architectures(tmp_path / "absent.txt")


@pytest.mark.usefixtures("shipped")
def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nets.txt").write_text("1462\n0\n")
    arguments = ["hwnas", "predict", "7", "--file", str(tmp_path / "nets.txt"), "--device", "tx2"]
    monkeypatch.setattr("sys.argv", [*arguments, "--json"])
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    answer = json.loads(capsys.readouterr().out)
    assert [net["index"] for net in answer["nets"]] == [7, 1462, 0]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    shown = capsys.readouterr().out
    assert "energy (mJ)" in shown and "predicted by GCN, trained on 12500 nets" in shown
    for wrong in (["--source", "guessed"], ["--target", "power"]):
        monkeypatch.setattr("sys.argv", [*arguments, *wrong])
        with pytest.raises(SystemExit) as done:
            main()
        assert done.value.code == 2
        assert "is not known" in capsys.readouterr().err


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(("confidence", "shown"), [("0.975", "97.5% intervals"), ("0.29", " 29% intervals")])
def test_the_level_of_intervals_is_not_rounded(
    confidence: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["hwnas", "predict", "7", "--device", "tx2", "--confidence", confidence])
    with pytest.raises(SystemExit):
        main()
    assert shown in " ".join(capsys.readouterr().out.split())
