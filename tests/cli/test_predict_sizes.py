"""`hwnas predict model.onnx --size H=96`: lengths of symbolic axes by their names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.cli import main
from hwnas.cli.predict import read_sizes
from hwnas.errors import UsageError

onnx = pytest.importorskip("onnx")


@pytest.fixture
def dynamic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A convolution of three channels to eight, for images of any height and width."""
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    weight = onnx.numpy_helper.from_array(np.ones((8, 3, 1, 1), np.float32), "w")
    ends = [onnx.helper.make_tensor_value_info(n, 1, ["n", c, "H", "W"]) for n, c in (("x", 3), ("y", 8))]
    nodes = [onnx.helper.make_node("Conv", ["x", "w"], ["y"])]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight])
    path = tmp_path / "dynamic.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def call(*words: str, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["hwnas", "predict", *words])
        with pytest.raises(SystemExit) as done:
            main()
        printed = capsys.readouterr()
        assert (done.value.code or 0) == code, printed.err
        return printed.out or printed.err

    return call


def test_a_length_for_each_symbol(dynamic: Path, run) -> None:
    options = ("--device", "gtx-1080-ti", "--size", "H=96", "--size", "W=64", "--size", "n=2", "--json")
    answer = json.loads(run(str(dynamic), *options))
    assert answer["macs"] == 2 * 8 * 96 * 64 * 3 and answer["kernels"][0]["shape"] == [2, 8, 96, 64]


def test_what_is_missing_is_told_with_the_option(dynamic: Path, run) -> None:
    said = run(str(dynamic), "--device", "gtx-1080-ti", "--size", "H=96", code=2)
    assert "axis 3 of the input 'x'" in said and "--size W=224" in said
    said = run(str(dynamic), "--device", "gtx-1080-ti", "--size", "height=96", code=2)
    assert "symbolic axes of the inputs (H, W, n), got one of 'height'" in said


@pytest.mark.parametrize("word", ["H", "H=", "=96", "H=wide", "H=-1", "H=9.5", "96", "", "H=" + "9" * 5000])
def test_other_forms_are_refused(word: str) -> None:
    with pytest.raises(UsageError, match="expected --size NAME=LENGTH, such as H=96, got "):
        read_sizes([word])


def test_names_may_be_expressions_and_come_once() -> None:
    assert read_sizes(["H=96", "2*s0 = 7", "a=b=3"]) == {"H": 96, "2*s0": 7, "a=b": 3}
    with pytest.raises(UsageError, match="expected --size once for each name, got 'H' twice"):
        read_sizes(["H=96", "H=64"])


def test_architectures_and_services_take_none(dynamic: Path, run) -> None:
    said = run("1462", "--size", "H=96", code=2)
    assert "expected --size with an ONNX file alone, got 'H=96' with architectures" in said
    said = run(str(dynamic), "--size", "H=96", "--server", "http://127.0.0.1:9", code=2)
    assert "expected no --target, --batch-size or --size for a service" in said
