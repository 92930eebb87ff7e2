"""Nets run by LiteRT's interpreter: two real files, what is refused, and an unfinished kit that goes on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.api.measure import MeasureSettings, measure
from hwnas.devices.agent import litert
from hwnas.devices.agent.campaign import runtime_facts
from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.litert import Litert, random_input
from hwnas.devices.agent.runs import Plan, RunError, Runtime
from hwnas.errors import UsageError

from .test_phone import write_tflite_kit

NETS = Path(__file__).with_name("nets")
PLAN = Plan(warmup_s=0.0, window_s=0.01, min_runs=5)


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_a_net_is_timed(name: str) -> None:
    pytest.importorskip("ai_edge_litert")
    runtime = Litert(threads=1)
    burst = runtime.measure(NETS / f"{name}.tflite", PLAN)
    assert burst.runs is not None and burst.runs >= 5 and 0 < burst.latency_ms["median"] < 100
    facts = runtime.facts()
    assert facts["package"] == "ai_edge_litert" and facts["threads"] == 1 and "delegate" not in facts


def test_what_is_no_net_is_an_error_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    (tmp_path / "net.tflite").write_bytes(b"no flatbuffer" * 100)
    with pytest.raises(RunError, match="litert: "):
        Litert().measure(tmp_path / "net.tflite", PLAN)
    with pytest.raises(RunError, match=r"other\.tflite is missing"):
        Litert().measure(tmp_path / "other.onnx", PLAN)
    with pytest.raises(AgentError, match=r"delegate 'nowhere\.so' does not load"):
        Litert(delegate="nowhere.so")


def test_a_board_without_a_package_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in litert.LITERT_MODULES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(AgentError, match="pip install ai-edge-litert"):
        Litert()


@pytest.mark.parametrize(("dtype", "limits"), [(np.int8, (-128, 127)), (np.uint8, (0, 255)), (np.float32, (-9, 9))])
def test_inputs_are_noise_of_their_type(dtype: Any, limits: tuple[int, int]) -> None:
    noise = random_input(np.array([1, 32, 32, 3]), dtype)
    assert noise.dtype == dtype and noise.shape == (1, 32, 32, 3)
    assert limits[0] <= noise.min() < noise.mean() < noise.max() <= limits[1] and noise.std() > 0.9


class Fixed(Runtime):
    """Reads some formats."""

    name = "fixed"

    def __init__(self, *reads: str) -> None:
        self.reads = reads

    def facts(self) -> dict[str, Any]:
        return {"precision": "fp32"}


def test_a_kit_is_run_by_what_reads_its_files() -> None:
    """The precision is that of the files, which their manifest states; kits of before have ONNX files."""
    quantised = {"format": "tflite", "precision": "int8"}
    assert runtime_facts(Fixed("tflite"), quantised) == {"name": "fixed", "precision": "int8 files"}
    assert runtime_facts(Fixed(), quantised)["precision"] == "int8 files", "a command of one's own reads anything"
    assert runtime_facts(Fixed("onnx"), {})["precision"] == "fp32"
    with pytest.raises(AgentError, match="--runtime litert or tflite"):
        runtime_facts(Fixed("onnx"), quantised)
    with pytest.raises(AgentError, match="--runtime onnxruntime or trtexec"):
        runtime_facts(Fixed("tflite"), {})


def test_a_kit_of_tflite_files_is_measured_by_litert_here(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    kit = write_tflite_kit(tmp_path / "kit")
    quick = MeasureSettings(rounds=1, warmup_s=0.0, window_s=0.01, min_runs=3, meter="none")
    with pytest.raises(UsageError, match="expected a kit of onnx files for onnxruntime"):
        measure(kit, runtime="onnxruntime", settings=quick)
    done = measure(kit, settings=quick)
    assert done.results["runtime"]["name"] == "litert" and not done.results["complete"]
    assert all("litert" in net["latency_reason"] for net in done.results["nets"]), "the files are no nets"
