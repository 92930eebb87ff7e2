"""`hwnas kernels` and `hwnas predict model.onnx`."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from hwnas.cli import main
from hwnas.devices.agent.runs import Plan
from hwnas.graphs import GraphBuilder, kernels_of
from hwnas.latency.kernels import KernelModel, fit_regressor, rows_by_kind, save_kernel_model
from hwnas.latency.kernels.store import kernel_model_path

onnx_file = pytest.importorskip("hwnas.graphs.onnx_file")
pytest.importorskip("onnx")


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network of a convolution and a linear layer, and a device that knows convolutions."""
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    kernels, path = [], tmp_path / "net.onnx"
    for channels in range(4, 34):
        builder = GraphBuilder()
        source = builder.conv("conv", builder.image(channels), channels)
        builder.classifier("linear", source, 10, pooling="pool")
        kernels.append(kernels_of(builder.graph(), "none")[0])
    path.write_bytes(onnx_file.onnx_bytes(builder.graph()))
    rows = rows_by_kind(kernels, [1e-3 * kernel.shape[1] for kernel in kernels], range(len(kernels)))
    model = KernelModel(
        device="my-board", runtime="none", target="latency", regressors={"conv": fit_regressor(rows["conv"])},
        facts={"summary": "made up", "held_out": {"median_ape": 4.0}},
    )  # fmt: skip
    save_kernel_model(kernel_model_path("my-board", "latency"), model)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["hwnas", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


def test_a_file_is_predicted(net: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "predict", str(net), "--device", "my-board") == 0
    printed = capsys.readouterr().out
    assert "on my-board: latency (ms) at least 0.03" in printed and " kernels); 90% intervals" in printed
    assert "no model" in printed and "note: not in the total" in printed and "made up" in printed


def test_strict_fails_where_something_is_not_covered(
    net: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "predict", str(net), "--device", "my-board", "--strict", "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert {entry["kind"] for entry in answer["uncovered"]} >= {"linear"}
    assert answer["kernels"][0]["kind"] == "conv"


def test_a_chart_is_written(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "chart.png"
    assert run(monkeypatch, "predict", str(net), "--device", "my-board", "--out", str(out)) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["predict", "a.onnx", "b.onnx", "--device", "my-board"], "expected one ONNX file"),
        (["predict", "absent.onnx", "--device", "my-board"], "absent.onnx"),
        (["predict", "absent.onnx", "--device", "nobody"], "not known"),
        (["kernels", "build", "--device", "pixel3"], "a device that has a card"),
        (["kernels", "build", "--runtime", "tvm"], "onnxruntime"),
        (["kernels", "fit", "--source", "phones"], "phone-kernels"),
    ],
)
def test_wrong_use_is_refused(
    net: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words) == 2
    assert message in capsys.readouterr().err


def test_models_are_listed(net: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "kernels", "list", "--json") == 0
    listed = {(model["device"], model["target"]): model for model in json.loads(capsys.readouterr().out)}
    assert listed["my-board", "latency"]["figures"] == {"median_ape": 4.0}
    assert run(monkeypatch, "kernels", "list") == 0
    assert "my-board" in capsys.readouterr().out


def test_a_short_build_gives_a_model(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("hwnas.latency.kernels.builder._FIRST", 1)
    monkeypatch.setattr(
        "hwnas.latency.kernels.builder.BuildSettings.plan", property(lambda self: Plan(0.0, 0.0, 3, 1.0))
    )
    words = ("--device", "me", "--minutes", "9", "--target-error", "1000000", "--json")
    assert run(monkeypatch, "kernels", "build", *words) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["device"] == "me" and {"conv", "linear"} <= {kind["kind"] for kind in result["kinds"]}
    assert run(monkeypatch, "predict", str(net), "--device", "me", "--json") == 0


def test_there_is_no_picture_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shipped model of this device knows dense layers alone."""
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    builder, path = GraphBuilder(), tmp_path / "net.onnx"
    builder.conv("conv", builder.image(16), 8, kernel=3)
    path.write_bytes(onnx_file.onnx_bytes(builder.graph()))
    assert run(monkeypatch, "predict", str(path), "--device", "tesla-v100", "--out", str(tmp_path / "chart.png")) == 2
    assert "tesla-v100 can tell some cost" in capsys.readouterr().err


def test_a_device_tells_that_it_has_a_kernel_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    assert run(monkeypatch, "devices", "tesla-v100") == 0
    assert "latency of any network, by `hwnas predict model.onnx --device tesla-v100`" in capsys.readouterr().out


@pytest.mark.parametrize(("package", "extra"), [("onnxruntime", "onnx"), ("sklearn", "kernels")])
def test_a_build_names_the_extra_that_is_absent_before_it_measures(
    package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest))
    monkeypatch.setattr("sys.argv", ["hwnas", "kernels", "build", "--device", "h", "--minutes", "1"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 1 and f"hwnas[{extra}]" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*measurements*"))
