"""Whether two operators fuse: the verdict on times that are known, the files, and the rules."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hwnas.api.fusion import judged, measure_fusion
from hwnas.cli.app import app
from hwnas.errors import UnknownNameError, UsageError
from hwnas.graphs import kernels_of, read_onnx
from hwnas.graphs.fusion.pairs import WRITTEN, pair_files

pytest.importorskip("onnx")


def times(both: float, *, noise: float = 0.0) -> np.ndarray:
    """Nine rounds of operators of 3 ms and 1 ms, a run as such costing 0.5 ms."""
    rng = np.random.default_rng(0)
    return np.tile([3.5, 1.5, both + 0.5, 0.5], (9, 1)) * (1 + noise * rng.normal(size=(9, 4)))


def test_the_verdict() -> None:
    """(3 + 1 - both) / 1 by hand."""
    for both, saved, verdict in (
        (3.0, 1.0, "fused"),
        (4.0, 0.0, "separate"),
        (3.1, 0.9, "fused"),
        (3.9, 0.1, "separate"),
    ):
        found = judged(times(both))
        assert found["verdict"] == verdict and found["saved"] == pytest.approx(saved)
        assert found["lower"] == pytest.approx(saved) == pytest.approx(found["upper"])
        assert (found["first_ms"], found["second_ms"], found["both_ms"]) == pytest.approx((3.0, 1.0, both))
    assert judged(times(3.0, noise=0.5))["verdict"] == "undecided"
    nothing = judged(np.tile([3.5, 0.5, 3.5, 0.5], (9, 1)))  # the second takes no time
    assert nothing["verdict"] == "undecided" and nothing["saved"] is nothing["lower"] is nothing["upper"] is None
    quiet, loud = judged(times(3.0, noise=0.005)), judged(times(3.0, noise=0.05))
    assert quiet["verdict"] == "fused" and loud["upper"] - loud["lower"] > quiet["upper"] - quiet["lower"] > 0


@pytest.mark.parametrize("name", WRITTEN)
def test_every_operator_keeps_the_shape(name: str) -> None:
    shape = (1, 8, 6, 6)
    files = pair_files(name, "relu", shape=shape)
    assert set(files) == {"first", "second", "both", "empty"}
    assert {read_onnx(content).operators[-1].shape for content in files.values()} == {shape}
    assert read_onnx(files["both"]).macs == read_onnx(files["first"]).macs


@pytest.mark.parametrize(
    ("first", "second", "kernels"),
    [("conv", "relu", 1), ("conv", "hard_swish", 1), ("conv", "batch_norm", 1), ("conv", "softmax", 2),
     ("linear", "gelu", 2), ("max_pool", "relu", 2), ("add", "layer_norm", 2), ("depthwise_conv", "clip", 1)],
)  # fmt: skip
def test_what_the_rules_say(first: str, second: str, kernels: int) -> None:
    found = kernels_of(read_onnx(pair_files(first, second)["both"]))
    assert len([k for k in found if k.kind not in ("reorder", "reshape")]) == kernels


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(
        "hwnas.api.fusion._PLAN", __import__("hwnas.devices.agent.runs", fromlist=["Plan"]).Plan(0.0, 0.0, 3)
    )
    words = ["kernels", "fusion", "conv", "relu", "--rounds", "3", "--channels", "8", "--size", "8"]
    app([*words, "--json"], standalone_mode=False)
    answer = json.loads(capsys.readouterr().out)
    assert answer["by_rules"] == 1 and answer["shape"] == [1, 8, 8, 8] and answer["rounds"] == 3
    assert answer["saved"] is None or answer["lower"] <= answer["upper"]
    app(words, standalone_mode=False)
    assert "the rules of onnxruntime make 1 kernel of them" in capsys.readouterr().out


def test_wrong_uses() -> None:
    with pytest.raises(UnknownNameError, match="operator 'cnov' is not known; did you mean 'conv'"):
        measure_fusion("cnov", "relu")
    with pytest.raises(UnknownNameError, match="runtime that can be measured here 'tensorrt' is not known"):
        measure_fusion("conv", "relu", runtime="tensorrt")
    with pytest.raises(UsageError, match="at least 3 rounds, got 2"):
        measure_fusion("conv", "relu", rounds=2)
    with pytest.raises(UsageError, match=r"four axes such as \(1, 64, 56, 56\), got \(1, 8\)"):
        measure_fusion("conv", "relu", shape=(1, 8))
